//! What each open descriptor of another process is: a copy of it is asked, and closed at once.
//!
//! The copy is made by `pidfd_getfd`, which needs the right to trace the process. Where the kernel has no such call, the
//! links of `/proc/PID/fd` and the tables of its network tell less.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;

use headroom_facts::inventory::{Descriptor, Kind, Listen, Socket, Tcp, TcpState};
use headroom_os::inventory::look_at_one;
use indicatif::ProgressBar;
use procfs::net::{TcpNetEntry, TcpState as Code, UdpNetEntry};
use procfs::process::Process;
use procfs::ProcResult;
use rustix::process::{pidfd_getfd, pidfd_open, ForeignRawFd, Pid, PidfdFlags, PidfdGetfdFlags};

use super::find::numbers_are_ours;
use crate::progress::bar;

atoms! {
    /// By which road descriptors were seen: each shows less than the one before it.
    pub enum SeenBy {
        /// Asked of a copy: everything.
        Copies = "copies",
        /// By the links in /proc and the tables of the network: no idle times.
        Links = "links",
        /// Not at all: only their number is told to other users.
        Nothing = "nothing",
    }
}

/// Looks at all of them, in the order of their numbers.
pub fn descriptors(process: &Process) -> (Vec<Descriptor>, SeenBy) {
    // With it a copy tells by its link what it is.
    headroom_os::acquire();
    let numbers = numbers(process.pid());
    let Some(pidfd) = pidfd(process) else {
        return links(process, &numbers);
    };
    let threads = thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(MOST_THREADS);
    let part = numbers.len().div_ceil(threads).max(1);
    let template = "{bar:40} {pos} of {len} descriptors, {eta} left";
    let bar = bar(numbers.len() as u64, numbers.len() < LONG, template);
    let mut refused = false;
    let mut all = Vec::with_capacity(numbers.len());
    thread::scope(|scope| {
        let looks: Vec<_> = numbers
            .chunks(part)
            .map(|part| scope.spawn(|| copies(pidfd.as_fd(), part, &bar)))
            .collect();
        for look in looks {
            match look.join() {
                Ok(Ok(seen)) => all.extend(seen),
                _ => refused = true,
            }
        }
    });
    bar.finish_and_clear();
    if refused {
        return links(process, &numbers);
    }
    let seen_by = if numbers.is_empty() {
        SeenBy::Nothing
    } else {
        SeenBy::Copies
    };
    (all, seen_by)
}

/// More of them would only wait for the locks of one table.
const MOST_THREADS: usize = 4;

/// From so many descriptors on a person waits a second, and sees how far it is.
const LONG: usize = 100_000;
/// So many between two steps of the bar.
const STEP: usize = 1024;

/// Copying was refused.
struct Refused;

fn copies(
    pidfd: impl AsFd,
    numbers: &[i32],
    bar: &ProgressBar,
) -> Result<Vec<Descriptor>, Refused> {
    let mut seen = Vec::with_capacity(numbers.len());
    for (index, &number) in numbers.iter().enumerate() {
        if index % STEP == STEP - 1 {
            bar.inc(STEP as u64);
        }
        match copy(&pidfd, number) {
            Ok(fd) => seen.extend(look_at_one(fd.as_raw_fd()).map(|descriptor| Descriptor {
                fd: number as u32,
                own: false,
                ..descriptor
            })),
            // Closed in between.
            Err(rustix::io::Errno::BADF) => {}
            Err(_) => return Err(Refused),
        }
    }
    Ok(seen)
}

fn copy(pidfd: impl AsFd, number: i32) -> rustix::io::Result<OwnedFd> {
    pidfd_getfd(pidfd, number as ForeignRawFd, PidfdGetfdFlags::empty())
}

fn pidfd(process: &Process) -> Option<OwnedFd> {
    let pid = Pid::from_raw(process.pid()).filter(|_| numbers_are_ours())?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

fn numbers(pid: i32) -> Vec<i32> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"));
    let number =
        |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let mut numbers: Vec<i32> = entries.into_iter().flatten().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Files that are open more than once, and how often; the most often first.
pub fn files(process: &Process, descriptors: &[Descriptor]) -> Vec<(String, u64)> {
    let mut files: HashMap<String, u64> = HashMap::new();
    let is_file = |kind| {
        matches!(
            kind,
            Kind::File | Kind::DeletedFile | Kind::Device | Kind::Directory
        )
    };
    for descriptor in descriptors
        .iter()
        .filter(|descriptor| is_file(descriptor.kind))
    {
        if let Some(path) = link(process, descriptor.fd) {
            *files.entry(path).or_default() += 1;
        }
    }
    let mut files: Vec<(String, u64)> = files.into_iter().filter(|(_, count)| *count > 1).collect();
    files.sort_by(|(path, count), (other_path, other)| {
        other.cmp(count).then_with(|| path.cmp(other_path))
    });
    files
}

/// What the link of a descriptor points to.
fn link(process: &Process, fd: u32) -> Option<String> {
    let target = fs::read_link(format!("/proc/{}/fd/{fd}", process.pid())).ok()?;
    Some(target.to_string_lossy().into_owned())
}

fn links(process: &Process, numbers: &[i32]) -> (Vec<Descriptor>, SeenBy) {
    let sockets = Sockets::of(process);
    let all = numbers.iter().filter_map(|&number| {
        let target = link(process, number as u32)?;
        Some(by_link(number as u32, &target, &sockets))
    });
    let all: Vec<Descriptor> = all.collect();
    let seen_by = if all.is_empty() {
        SeenBy::Nothing
    } else {
        SeenBy::Links
    };
    (all, seen_by)
}

/// The sockets of a network namespace by their inode.
#[derive(Default)]
struct Sockets(HashMap<u64, (Kind, Socket)>);

impl Sockets {
    fn of(process: &Process) -> Sockets {
        let mut found = HashMap::new();
        let tcp: [ProcResult<Vec<TcpNetEntry>>; 2] = [process.tcp(), process.tcp6()];
        for entry in tcp.into_iter().flatten().flatten() {
            found.insert(entry.inode, of_tcp(&entry));
        }
        let udp: [ProcResult<Vec<UdpNetEntry>>; 2] = [process.udp(), process.udp6()];
        for entry in udp.into_iter().flatten().flatten() {
            found.insert(
                entry.inode,
                (
                    Kind::Udp,
                    addresses(entry.local_address, entry.remote_address),
                ),
            );
        }
        for entry in process.unix().into_iter().flatten() {
            found.insert(entry.inode, (Kind::Unix, Socket::default()));
        }
        Sockets(found)
    }
}

fn addresses(local: SocketAddr, peer: SocketAddr) -> Socket {
    Socket {
        local: Some(local),
        peer: (peer.port() != 0).then_some(peer),
        ..Socket::default()
    }
}

fn of_tcp(entry: &TcpNetEntry) -> (Kind, Socket) {
    let socket = addresses(entry.local_address, entry.remote_address);
    if entry.state == Code::Listen {
        // The table shows the length of the queue where others have unread bytes, and never the backlog.
        let listen = Listen {
            queue: entry.rx_queue,
            backlog: 0,
            dropped: None,
        };
        return (
            Kind::Listen,
            Socket {
                listen: Some(listen),
                ..socket
            },
        );
    }
    let tcp = Tcp {
        state: TcpState::from_number(entry.state.to_u8()),
        received_ms: 0,
        sent_ms: 0,
        acked_ms: 0,
        unread: Some(entry.rx_queue),
        unsent: entry.tx_queue,
        backoff: 0,
        rtt_us: 0,
        bytes_received: 0,
        bytes_sent: 0,
    };
    (
        Kind::Tcp,
        Socket {
            tcp: Some(tcp),
            ..socket
        },
    )
}

/// Targets such as `socket:[123]`, `anon_inode:[eventpoll]`, `/dev/null`, `/tmp/x (deleted)`.
fn by_link(fd: u32, target: &str, sockets: &Sockets) -> Descriptor {
    let number = |prefix: &str| target.strip_prefix(prefix)?.strip_suffix(']')?.parse().ok();
    let socket: Option<u64> = number("socket:[");
    let known = socket.and_then(|inode| sockets.0.get(&inode));
    let inode = number("pipe:[");
    let kind = match target {
        _ if socket.is_some() => known.map_or(Kind::Other, |(kind, _)| *kind),
        _ if inode.is_some() => Kind::Pipe,
        "anon_inode:[eventfd]" => Kind::Eventfd,
        "anon_inode:[eventpoll]" => Kind::Epoll,
        "anon_inode:[timerfd]" => Kind::Timerfd,
        "anon_inode:inotify" => Kind::Inotify,
        "anon_inode:[pidfd]" => Kind::Pidfd,
        path if path.starts_with("/memfd:") => Kind::Memfd,
        path if path.starts_with("/dev/") => Kind::Device,
        path if path.starts_with('/') && path.ends_with(" (deleted)") => Kind::DeletedFile,
        path if path.starts_with('/') => Kind::File,
        _ => Kind::Other,
    };
    Descriptor {
        fd,
        kind,
        own: false,
        inode,
        socket: known.map(|(_, socket)| *socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    // The two roads must name the same things alike, or a report would change with the kernel.
    #[test]
    fn both_roads_see_the_same_sockets() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = listener.as_raw_fd() as u32;
        let process = Process::myself().unwrap();
        let find = |all: &[Descriptor]| *all.iter().find(|descriptor| descriptor.fd == fd).unwrap();
        let (copied, seen_by) = descriptors(&process);
        assert_eq!(seen_by, SeenBy::Copies);
        let (linked, seen_by) = links(&process, &numbers(process.pid()));
        assert_eq!(seen_by, SeenBy::Links);
        let (copied, linked) = (find(&copied), find(&linked));
        assert_eq!((copied.kind, linked.kind), (Kind::Listen, Kind::Listen));
        let local = |descriptor: Descriptor| descriptor.socket.unwrap().local;
        assert_eq!(local(copied), Some(listener.local_addr().unwrap()));
        assert_eq!(local(copied), local(linked));
    }

    #[test]
    fn what_a_link_tells() {
        let none = Sockets::default();
        let cases = [
            ("pipe:[7]", Kind::Pipe),
            ("anon_inode:[eventpoll]", Kind::Epoll),
            ("/dev/null", Kind::Device),
            ("/tmp/a", Kind::File),
            ("/tmp/a (deleted)", Kind::DeletedFile),
            ("/memfd:x (deleted)", Kind::Memfd),
            ("socket:[9]", Kind::Other),
            ("net:[1]", Kind::Other),
        ];
        for (target, kind) in cases {
            assert_eq!(by_link(3, target, &none).kind, kind, "{target}");
        }
        assert_eq!(by_link(3, "pipe:[7]", &none).inode, Some(7));
    }
}
