//! What the kernel grants to a user, a control group and a network beside descriptors.
//!
//! The files are held open from load on, so that they are read at zero. What no file tells is asked for, and given back at once:
//! a local port, an inotify instance and a watch of it. Only what is suspected is looked at.

use std::os::fd::RawFd;

use super::fd_table;
use super::held::{
    Held, FD_DIR, LOCAL_PORTS, MEMORY_CURRENT, MEMORY_MAX, PIDS_CURRENT, PIDS_MAX, SOCKSTAT,
    SOCKSTAT6,
};
use super::probe::{close, refused};
use headroom_facts::probe::Outcome;
use headroom_facts::quotas::{Quotas, Suspicion};
use headroom_facts::vocabulary::{Count, Known, Limit};

/// So many descriptors beyond what the VM can watch are looked at; with more of them none is.
const BEYOND: u64 = 1024;
/// `sysinfo` counts threads in 16 bits.
const MOST_THREADS: u64 = u16::MAX as u64;
/// A control group of version 1 without a limit of memory says the largest number of pages.
const NO_LIMIT: u64 = 1 << 62;

pub(super) fn quotas(suspicion: Suspicion) -> Quotas {
    let mut quotas = Quotas::default();
    if suspicion.processes {
        quotas.pids = group(&PIDS_CURRENT, &PIDS_MAX);
        quotas.threads = threads();
    }
    if suspicion.memory {
        quotas.memory = group(&MEMORY_CURRENT, &MEMORY_MAX);
    }
    if suspicion.local_port {
        quotas.local_ports = local_ports().into();
        quotas.sockets = sockets().into();
        quotas.local_port = [libc::SOCK_STREAM, libc::SOCK_DGRAM].map(local_port);
    }
    if suspicion.inotify {
        quotas.inotify = inotify();
    }
    if let Some(bound) = suspicion.beyond {
        quotas.next = next().into();
        quotas.beyond = beyond(bound).unwrap_or_default();
    }
    quotas
}

/// How much a control group has, and how much it may have.
fn group(current: &Held, max: &Held) -> (Count, Limit) {
    let mut buffer = [0; 32];
    let used = current.pread(&mut buffer).ok().and_then(parse).into();
    let mut buffer = [0; 32];
    let limit = match max.pread(&mut buffer) {
        Ok(text) if text.trim() == "max" => Limit::Infinity,
        Ok(text) => match parse(text) {
            Some(limit) if limit < NO_LIMIT => Limit::Finite(limit),
            Some(_) => Limit::Infinity,
            None => Limit::Unknown,
        },
        Err(_) => Limit::Unknown,
    };
    (used, limit)
}

fn parse(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Threads of the machine, and `RLIMIT_NPROC`, which does not bind root (`copy_process` in kernel/fork.c).
fn threads() -> (Count, Limit) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the kernel writes one rlimit, and the reference lives through the call.
    let read = unsafe { libc::getrlimit(libc::RLIMIT_NPROC, &mut limit) } == 0;
    // SAFETY: getuid reads no memory.
    let root = unsafe { libc::getuid() } == 0;
    #[allow(clippy::useless_conversion)] // 32 bits on some systems
    let nproc = match limit.rlim_cur {
        _ if !read => Limit::Unknown,
        _ if root => Limit::Infinity,
        libc::RLIM_INFINITY => Limit::Infinity,
        nproc => Limit::Finite(u64::from(nproc)),
    };
    // SAFETY: all fields of sysinfo are integers, for which zeroes are valid.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one sysinfo, and the reference lives through the call.
    let read = unsafe { libc::sysinfo(&mut info) } == 0;
    let counted = read && matches!(nproc, Limit::Finite(nproc) if nproc <= MOST_THREADS);
    let threads = counted.then_some(u64::from(info.procs));
    (threads.into(), nproc)
}

/// The lowest and the highest local port of an outgoing connection, if the file of the kernel could be opened at load.
pub fn local_ports() -> Option<(u64, u64)> {
    let mut buffer = [0; 32];
    let text = LOCAL_PORTS.pread(&mut buffer).ok()?;
    let mut fields = text
        .split_ascii_whitespace()
        .map(|field| field.parse().ok());
    Some((fields.next()??, fields.next()??))
}

/// TCP sockets of both families, and those that wait for their end: each of them may have a local port.
fn sockets() -> Option<u64> {
    let mut buffer = [0; 1024];
    let four = tcp_sockets(SOCKSTAT.pread(&mut buffer).ok()?)?;
    let mut buffer = [0; 1024];
    // Without IPv6 there is no such file.
    let six = SOCKSTAT6.pread(&mut buffer).ok().and_then(tcp_sockets);
    Some(four + six.unwrap_or(0))
}

fn tcp_sockets(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| {
            line.strip_prefix("TCP")
                .and_then(|line| line.split_once(':'))
        })?
        .1;
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let field = |name: &str| {
        let at = fields.iter().position(|field| *field == name)?;
        fields.get(at + 1)?.parse::<u64>().ok()
    };
    Some(field("inuse")? + field("tw").unwrap_or(0))
}

/// A port that the kernel chooses, of a socket that neither listens nor connects.
fn local_port(kind: libc::c_int) -> Outcome {
    // SAFETY: socket takes no memory of ours.
    let fd = unsafe { libc::socket(libc::AF_INET, kind | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Outcome::NotDone;
    }
    // SAFETY: all fields of sockaddr_in are integers; zeroes are any address, and any port.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: the kernel reads one sockaddr_in, and the reference lives through the call.
    let bound = unsafe { libc::bind(fd, (&raw const address).cast(), length) };
    let outcome = if bound == 0 {
        Outcome::Granted
    } else {
        refused()
    };
    close(fd);
    outcome
}

/// An instance, and a watch of the root directory, which ends with it.
fn inotify() -> [Outcome; 2] {
    // SAFETY: inotify_init1 takes no memory of ours.
    let fd = unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) };
    if fd < 0 {
        return [refused(), Outcome::NotDone];
    }
    // SAFETY: the path ends with a zero byte.
    let watch = unsafe { libc::inotify_add_watch(fd, c"/".as_ptr(), libc::IN_DELETE_SELF) };
    let outcome = if watch >= 0 {
        Outcome::Granted
    } else {
        refused()
    };
    close(fd);
    [Outcome::Granted, outcome]
}

/// The number that the next descriptor gets.
fn next() -> Option<u64> {
    // SAFETY: fcntl with these arguments reads no memory; the descriptor is ours.
    let fd = unsafe { libc::fcntl(FD_DIR.fd().ok()?, libc::F_DUPFD_CLOEXEC, 0) };
    let number = u64::try_from(fd).ok()?;
    close(fd);
    Some(number)
}

/// Sockets that listen, and datagram sockets, at or above a number.
fn beyond(bound: u64) -> Option<[Count; 2]> {
    let end = bound.checked_add(BEYOND)?;
    if fd_table::lowest_from(end).ok()?.is_some() {
        return None;
    }
    let (mut listening, mut datagrams) = (0, 0);
    let mut from = bound;
    while let Some(fd) = fd_table::lowest_from(from).ok()? {
        from = fd + 1;
        let fd = RawFd::try_from(fd).ok()?;
        listening += u64::from(option(fd, libc::SO_ACCEPTCONN) == Some(1));
        datagrams += u64::from(option(fd, libc::SO_TYPE) == Some(libc::SOCK_DGRAM));
    }
    Some([Known::Is(listening), Known::Is(datagrams)])
}

fn option(fd: RawFd, name: libc::c_int) -> Option<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most the length given, which is that of the integer.
    let got = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &mut length,
        )
    };
    (got == 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A machine that lets its files be read must not be answered "not read".
    #[test]
    fn what_is_suspected_is_looked_at() {
        crate::acquire();
        let quotas = quotas(Suspicion {
            pipe: false,
            local_port: true,
            inotify: true,
            processes: true,
            memory: true,
            beyond: Some(1 << 20),
        });
        let (low, high) = quotas.local_ports.get().unwrap();
        assert!(low < high && high < 65_536);
        assert!(quotas.sockets.get().is_some());
        assert_eq!(quotas.local_port, [Outcome::Granted; 2]);
        assert_eq!(quotas.inotify, [Outcome::Granted; 2]);
        assert!(quotas.next.get().is_some());
        assert_eq!(quotas.beyond, [Known::Is(0); 2]);
        assert_ne!(quotas.threads.1, Limit::Unknown);
        assert_eq!(super::quotas(Suspicion::default()), Quotas::default());
    }

    // A listener that nobody can reach any more still holds its address: it must be found where it is.
    #[test]
    fn listeners_beyond_a_number_are_counted() {
        crate::acquire();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&listener) as u64;
        let [listening, _] = beyond(fd).unwrap();
        assert!(listening.get() >= Some(1), "{listening:?}");
    }

    #[test]
    fn sockstat_is_parsed_or_refused() {
        let text =
            "sockets: used 200\nTCP: inuse 7 orphan 0 tw 3 alloc 9 mem 1\nUDP: inuse 1 mem 0\n";
        assert_eq!(tcp_sockets(text), Some(10));
        assert_eq!(tcp_sockets("TCP6: inuse 2\nUDP6: inuse 1\n"), Some(2));
        for bad in ["", "TCP: ", "TCP: inuse", "UDP: inuse 1"] {
            assert_eq!(tcp_sockets(bad), None, "{bad}");
        }
    }
}
