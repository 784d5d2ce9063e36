//! What each open descriptor of this process is: asked of the descriptor itself, so that no other one is needed.
//!
//! A close by its owner while the kernel answers us is finished by us, and a socket that lingers holds us for its linger
//! time. So a look is made in short steps for a dirty scheduler, and by one caller at a time.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, TryLockError};

use headroom_facts::inventory::{Descriptor, Identity, Kind, Listen, Socket, Tcp, TcpState};
use headroom_facts::unreadable::{Reason, Word};

use super::fd_table;
use super::held::{self, FD_DIR, NETSTAT};
use crate::{last_error, limits};

/// Numbers that one step looks at: below two milliseconds with all of them sockets.
const STEP: u32 = 512;
/// The same for single ones that are asked for.
pub const AT_ONCE: usize = STEP as usize;
/// Without a directory of the open ones the numbers are tried one by one, and not beyond this.
const MOST_TRIED: u64 = 1 << 20;
/// The longest target of a link.
const LONGEST_PATH: usize = 4096;

/// One look at a time: a socket that lingers must not hold every dirty scheduler.
static LOOKING: Mutex<()> = Mutex::new(());

/// Somebody else looks at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

fn alone() -> Result<MutexGuard<'static, ()>, Busy> {
    match LOOKING.try_lock() {
        Ok(guard) => Ok(guard),
        Err(TryLockError::Poisoned(guard)) => Ok(guard.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Busy),
    }
}

/// A look at all descriptors, in steps. It is carried through the caller between them, so it is plain data.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Look {
    /// The number at which the next step begins.
    next: u32,
    /// Connections without data for so long are looked at more closely.
    idle_ms: u32,
    /// Local ports on which something listens, as far as was seen: whoever is connected there came in.
    listening: BTreeSet<u16>,
    /// Whether all descriptors are seen at the end.
    pub complete: bool,
    /// Whether files were seen: the VM has no list of them, and must ask each process.
    pub files: bool,
}

impl Look {
    /// Begins at the lowest descriptor.
    pub fn start(idle_ms: u32) -> Look {
        Look {
            next: 0,
            idle_ms,
            listening: BTreeSet::new(),
            complete: true,
            files: false,
        }
    }

    /// Looks at the next numbers; false when there are none.
    ///
    /// # Errors
    /// Somebody else looks at this moment: the step can be tried again.
    pub fn step(&mut self, seen: &mut Vec<Descriptor>) -> Result<bool, Busy> {
        let _alone = alone()?;
        let Some(from) = self.from() else {
            return Ok(false);
        };
        let end = from.saturating_add(STEP);
        for fd in from..end {
            let Ok(raw) = RawFd::try_from(fd) else { break };
            let Some(descriptor) = describe(raw, Depth::Pass(self)) else {
                continue;
            };
            if let (Kind::Listen, Some(local)) = (descriptor.kind, local_of(&descriptor)) {
                self.listening.insert(local.port());
            }
            self.files |= is_opened_by_somebody(&descriptor);
            seen.push(descriptor);
        }
        self.next = end;
        Ok(true)
    }

    /// The next number that is open, or that may be.
    fn from(&mut self) -> Option<u32> {
        match fd_table::lowest_from(u64::from(self.next)) {
            Ok(lowest) => lowest.and_then(|fd| u32::try_from(fd).ok()),
            Err(_) => {
                self.complete = false;
                let soft = limits::nofile().ok().and_then(|(soft, _)| soft.finite());
                let end = soft.unwrap_or(MOST_TRIED).min(MOST_TRIED);
                (u64::from(self.next) < end).then_some(self.next)
            }
        }
    }
}

/// A few devices are open in every VM, at low numbers.
fn is_opened_by_somebody(descriptor: &Descriptor) -> bool {
    const AT_BOOT: u32 = 16;
    match descriptor.kind {
        _ if descriptor.own => false,
        Kind::File | Kind::DeletedFile | Kind::Directory | Kind::Fifo => true,
        Kind::Device => descriptor.fd > AT_BOOT,
        _ => false,
    }
}

fn local_of(descriptor: &Descriptor) -> Option<SocketAddr> {
    descriptor.socket?.local
}

/// A closer look at these descriptors: with the identity and both addresses of each socket. At most [`AT_ONCE`] of them.
///
/// # Errors
/// Somebody else looks at this moment.
pub fn look_at(fds: &[u32]) -> Result<Vec<Descriptor>, Busy> {
    let _alone = alone()?;
    let raw = fds.iter().take(AT_ONCE);
    let raw = raw.filter_map(|&fd| RawFd::try_from(fd).ok());
    Ok(raw.filter_map(|fd| describe(fd, Depth::Whole)).collect())
}

/// Which sockets stand at these numbers, those that are not open left out. At most [`AT_ONCE`] of them.
///
/// # Errors
/// Somebody else looks at this moment.
pub fn identify(fds: &[u32]) -> Result<Vec<Identity>, Busy> {
    let _alone = alone()?;
    let identity = |&fd: &u32| {
        let cookie = match raw_cookie(RawFd::try_from(fd).ok()?) {
            Ok(cookie) => Some(cookie),
            Err(libc::EBADF) => return None,
            Err(_) => None,
        };
        Some(Identity { fd, cookie })
    };
    Ok(fds.iter().take(AT_ONCE).filter_map(identity).collect())
}

/// All about one descriptor of this process, whoever opened it; `None` when it is not open.
pub fn look_at_one(fd: RawFd) -> Option<Descriptor> {
    describe(fd, Depth::Whole)
}

/// The two calls that state, idle time and unread bytes cannot be had without, and nothing else: what a look is measured
/// against.
pub fn bare_calls(fd: RawFd) -> bool {
    tcp_info(fd).is_ok() && unread(fd).is_some()
}

/// Where links of `/proc/self/fd` point to: the path of a file, as bytes.
pub fn path(fd: u32) -> Option<Vec<u8>> {
    link(&fd.to_string()).ok()
}

/// The pipes that another process has as its standard input, output and error.
pub fn standard_pipes(os_pid: u32) -> Vec<u64> {
    let of = |fd| {
        let target = read_link(libc::AT_FDCWD, &format!("/proc/{os_pid}/fd/{fd}")).ok()?;
        let number = target.strip_prefix(b"pipe:[")?.strip_suffix(b"]")?;
        std::str::from_utf8(number).ok()?.parse().ok()
    };
    let mut pipes: Vec<u64> = (0..3).filter_map(of).collect();
    pipes.dedup();
    pipes
}

/// How often the machine had no room for a connection that came in (`ListenOverflows`), and how often it dropped one for
/// any reason (`ListenDrops`), since it was booted.
///
/// # Errors
/// The file could not be opened at load, or does not say it.
pub fn listen_drops() -> Result<(u64, u64), Reason> {
    let mut buffer = vec![0; 32 * 1024];
    listen_drops_in(NETSTAT.pread(&mut buffer)?)
}

/// The same in the text of such a file, as `/proc/PID/net/netstat` is of another network.
///
/// # Errors
/// The text does not say it.
pub fn listen_drops_in(text: &str) -> Result<(u64, u64), Reason> {
    let counter = |name: &str| counter(text, name).ok_or(Word::Malformed);
    Ok((counter("ListenOverflows")?, counter("ListenDrops")?))
}

/// A line of names, then a line of numbers, both with the same first word.
fn counter(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let mut pairs = names.split(' ').zip(numbers.split(' '));
        if let Some((_, number)) = pairs.find(|(found, _)| *found == name) {
            return number.parse().ok();
        }
    }
    None
}

/// How much is asked.
enum Depth<'a> {
    /// What is needed to tell where a socket belongs; its identity only where something is odd about it.
    Pass(&'a Look),
    /// Everything.
    Whole,
}

fn describe(fd: RawFd, depth: Depth) -> Option<Descriptor> {
    match tcp_info(fd) {
        Ok(info) => Some(with_socket(fd, tcp(fd, &info, depth))),
        Err(libc::ENOTSOCK) => file(fd),
        // Not open, or opened as a path alone: then nothing but stat works.
        Err(libc::EBADF) => file(fd),
        Err(_) => other_socket(fd, depth),
    }
}

fn new(fd: RawFd, kind: Kind) -> Descriptor {
    Descriptor {
        fd: fd as u32,
        kind,
        own: held::is_own(fd),
        inode: None,
        socket: None,
    }
}

fn with_socket(fd: RawFd, (kind, socket): (Kind, Socket)) -> Descriptor {
    Descriptor {
        socket: Some(socket),
        ..new(fd, kind)
    }
}

/// `struct tcp_info` as far as the kernel filled it: that of libc ends before the fields which matter here.
struct TcpInfo {
    bytes: [u8; 256],
    length: usize,
}

impl TcpInfo {
    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let bytes = self.bytes[..self.length].get(offset..offset + N)?;
        bytes.try_into().ok()
    }

    fn u32(&self, offset: usize) -> u32 {
        self.array(offset).map_or(0, u32::from_ne_bytes)
    }

    fn u64(&self, offset: usize) -> u64 {
        self.array(offset).map_or(0, u64::from_ne_bytes)
    }
}

// Offsets in `struct tcp_info` (include/uapi/linux/tcp.h), which only ever grows at its end.
const STATE: usize = 0;
const BACKOFF: usize = 4;
const UNACKED: usize = 24;
const SACKED: usize = 28;
const LAST_DATA_SENT: usize = 44;
const LAST_DATA_RECV: usize = 52;
const LAST_ACK_RECV: usize = 56;
const RTT: usize = 68;
const BYTES_RECEIVED: usize = 128;
const NOTSENT_BYTES: usize = 144;
const BYTES_SENT: usize = 200;
/// `SK_MEMINFO_DROPS` in the array that `SO_MEMINFO` gives.
const MEMINFO_DROPS: usize = 8;

fn tcp_info(fd: RawFd) -> Result<TcpInfo, i32> {
    let mut bytes = [0; 256];
    let length = option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut bytes)?;
    Ok(TcpInfo { bytes, length })
}

/// Reads a socket option into bytes; how many the kernel wrote, or its error.
fn option(fd: RawFd, level: i32, name: i32, into: &mut [u8]) -> Result<usize, i32> {
    let mut length = into.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the length of the slice, and then the length itself.
    let status =
        unsafe { libc::getsockopt(fd, level, name, into.as_mut_ptr().cast(), &mut length) };
    match status {
        0 => Ok((length as usize).min(into.len())),
        _ => Err(errno()),
    }
}

fn number(fd: RawFd, name: i32) -> Option<i32> {
    let mut bytes = [0; 4];
    let length = option(fd, libc::SOL_SOCKET, name, &mut bytes).ok()?;
    (length == bytes.len()).then(|| i32::from_ne_bytes(bytes))
}

pub(super) fn cookie(fd: RawFd) -> Option<u64> {
    raw_cookie(fd).ok()
}

/// How many connections wait to be accepted, if it is a TCP socket that listens.
pub(super) fn queued(fd: RawFd) -> Option<u32> {
    let info = tcp_info(fd).ok()?;
    let listens = TcpState::from_number(info.bytes[STATE]) == TcpState::Listen;
    listens.then(|| info.u32(UNACKED))
}

fn raw_cookie(fd: RawFd) -> Result<u64, i32> {
    let mut bytes = [0; 8];
    option(fd, libc::SOL_SOCKET, libc::SO_COOKIE, &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn tcp(fd: RawFd, info: &TcpInfo, depth: Depth) -> (Kind, Socket) {
    let state = TcpState::from_number(info.bytes[STATE]);
    if state == TcpState::Listen {
        let mut memory = [0; 4 * (MEMINFO_DROPS + 1)];
        let dropped = match option(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, &mut memory) {
            Ok(length) if length == memory.len() => {
                let drops = memory.last_chunk().copied();
                drops.map(u32::from_ne_bytes)
            }
            _ => None,
        };
        let socket = Socket {
            cookie: cookie(fd),
            local: name(fd, libc::getsockname),
            listen: Some(Listen {
                queue: info.u32(UNACKED),
                backlog: info.u32(SACKED),
                dropped,
            }),
            ..Socket::default()
        };
        return (Kind::Listen, socket);
    }
    let tcp = Tcp {
        state,
        received_ms: info.u32(LAST_DATA_RECV),
        sent_ms: info.u32(LAST_DATA_SENT),
        acked_ms: info.u32(LAST_ACK_RECV),
        unread: unread(fd),
        unsent: info.u32(NOTSENT_BYTES),
        backoff: info.bytes[BACKOFF],
        rtt_us: info.u32(RTT),
        bytes_received: info.u64(BYTES_RECEIVED),
        bytes_sent: info.u64(BYTES_SENT),
    };
    let local = name(fd, libc::getsockname);
    let (peer, odd) = match depth {
        Depth::Whole => (true, true),
        Depth::Pass(look) => {
            let came_in = local.is_some_and(|local| look.listening.contains(&local.port()));
            let odd = tcp.is_left_open() || tcp.is_idle(look.idle_ms) || tcp.unsent > 0;
            (!came_in, odd)
        }
    };
    let socket = Socket {
        cookie: if odd { cookie(fd) } else { None },
        local,
        peer: if peer {
            name(fd, libc::getpeername)
        } else {
            None
        },
        tcp: Some(tcp),
        ..Socket::default()
    };
    (Kind::Tcp, socket)
}

fn unread(fd: RawFd) -> Option<u32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one integer, and reads nothing from the socket.
    let status = unsafe { libc::ioctl(fd, libc::FIONREAD, &mut bytes) };
    (status == 0).then(|| u32::try_from(bytes).ok()).flatten()
}

type Namer = unsafe extern "C" fn(RawFd, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

/// An internet address of a socket; `None` for another family, or when there is none.
fn name(fd: RawFd, ask: Namer) -> Option<SocketAddr> {
    let (storage, _) = raw_name(fd, ask)?;
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is what the kernel wrote, and the storage is large and aligned enough.
            let v4 = unsafe { *(&raw const storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from_bits(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { *(&raw const storage).cast::<libc::sockaddr_in6>() };
            let ip = IpAddr::V6(Ipv6Addr::from(v6.sin6_addr.s6_addr)).to_canonical();
            Some(SocketAddr::new(ip, u16::from_be(v6.sin6_port)))
        }
        _ => None,
    }
}

fn raw_name(fd: RawFd, ask: Namer) -> Option<(libc::sockaddr_storage, usize)> {
    // SAFETY: all fields of sockaddr_storage are integers, for which zeroes are valid.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of the storage, and then the length itself.
    let status = unsafe { ask(fd, (&raw mut storage).cast(), &mut length) };
    (status == 0).then_some((storage, length as usize))
}

/// A socket of which TCP knows nothing.
fn other_socket(fd: RawFd, depth: Depth) -> Option<Descriptor> {
    let domain = number(fd, libc::SO_DOMAIN)?;
    let (kind, own_pair) = match (
        domain,
        number(fd, libc::SO_TYPE),
        number(fd, libc::SO_PROTOCOL),
    ) {
        (libc::AF_UNIX, _, _) => (Kind::Unix, is_own_pair(fd)),
        (libc::AF_NETLINK, _, _) => (Kind::Netlink, false),
        (libc::AF_INET | libc::AF_INET6, _, Some(libc::IPPROTO_SCTP)) => (Kind::Sctp, false),
        (libc::AF_INET | libc::AF_INET6, Some(libc::SOCK_DGRAM), Some(libc::IPPROTO_UDP)) => {
            (Kind::Udp, false)
        }
        _ => (Kind::Other, false),
    };
    let internet = matches!(kind, Kind::Udp | Kind::Sctp);
    let whole = matches!(depth, Depth::Whole);
    let address = |ask: Namer| internet.then(|| name(fd, ask)).flatten();
    let socket = Socket {
        cookie: cookie(fd),
        local: address(libc::getsockname),
        peer: if whole {
            address(libc::getpeername)
        } else {
            None
        },
        own_pair,
        ..Socket::default()
    };
    Some(with_socket(fd, (kind, socket)))
}

/// A nameless socket whose other end was made by this process, too.
fn is_own_pair(fd: RawFd) -> bool {
    let nameless = |ask: Namer| {
        raw_name(fd, ask).is_some_and(|(_, length)| length <= size_of::<libc::sa_family_t>())
    };
    let mut credentials = [0; size_of::<libc::ucred>()];
    let asked = option(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, &mut credentials);
    let pid = credentials.first_chunk().copied().map(u32::from_ne_bytes);
    asked.is_ok()
        && pid == Some(std::process::id())
        && nameless(libc::getsockname)
        && nameless(libc::getpeername)
}

fn file(fd: RawFd) -> Option<Descriptor> {
    // SAFETY: all fields of statx are integers, for which zeroes are valid.
    let mut stat: libc::statx = unsafe { std::mem::zeroed() };
    let flags = libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC;
    let mask = libc::STATX_TYPE | libc::STATX_NLINK | libc::STATX_INO;
    // SAFETY: the path ends with a zero byte, and the kernel writes one statx. It is told not to ask a server.
    if unsafe { libc::statx(fd, c"".as_ptr(), flags, mask, &mut stat) } != 0 {
        return None;
    }
    let starts_with = |prefix: &[u8]| {
        let target = link(&fd.to_string());
        target.is_ok_and(|target| target.starts_with(prefix))
    };
    let kind = match libc::mode_t::from(stat.stx_mode) & libc::S_IFMT {
        libc::S_IFREG if stat.stx_nlink > 0 => Kind::File,
        libc::S_IFREG if starts_with(b"/memfd:") => Kind::Memfd,
        libc::S_IFREG => Kind::DeletedFile,
        libc::S_IFDIR => Kind::Directory,
        libc::S_IFIFO if starts_with(b"pipe:[") => Kind::Pipe,
        libc::S_IFIFO => Kind::Fifo,
        libc::S_IFCHR | libc::S_IFBLK => Kind::Device,
        0 => anonymous(fd),
        _ => Kind::Other,
    };
    Some(Descriptor {
        inode: (kind == Kind::Pipe).then_some(stat.stx_ino),
        ..new(fd, kind)
    })
}

/// What is no file at all says what it is in its link only.
fn anonymous(fd: RawFd) -> Kind {
    let Ok(target) = link(&fd.to_string()) else {
        return Kind::Other;
    };
    match target.strip_prefix(b"anon_inode:").unwrap_or(&target) {
        b"[eventfd]" => Kind::Eventfd,
        b"[eventpoll]" => Kind::Epoll,
        b"[timerfd]" => Kind::Timerfd,
        b"inotify" => Kind::Inotify,
        b"[pidfd]" => Kind::Pidfd,
        _ => Kind::Other,
    }
}

fn link(name: &str) -> Result<Vec<u8>, Reason> {
    read_link(FD_DIR.fd()?, name)
}

fn read_link(directory: RawFd, name: &str) -> Result<Vec<u8>, Reason> {
    let name = CString::new(name).map_err(|_| Word::Malformed)?;
    let mut target = vec![0; LONGEST_PATH];
    // SAFETY: the path ends with a zero byte, and the kernel writes at most the length of the buffer.
    let length = unsafe {
        libc::readlinkat(
            directory,
            name.as_ptr(),
            target.as_mut_ptr().cast(),
            target.len(),
        )
    };
    target.truncate(usize::try_from(length).map_err(|_| last_error())?);
    Ok(target)
}

#[cfg(test)]
mod tests;
