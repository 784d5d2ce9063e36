use super::*;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::{Duration, Instant};

fn kind(fd: &impl AsRawFd) -> Kind {
    look_at_one(fd.as_raw_fd()).unwrap().kind
}

fn owned(fd: libc::c_int) -> OwnedFd {
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the kernel has just given this descriptor to the caller.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn tcp_of(fd: &impl AsRawFd) -> Tcp {
    let descriptor = look_at_one(fd.as_raw_fd()).unwrap();
    descriptor.socket.unwrap().tcp.unwrap()
}

/// The kernel moves segments when it likes.
fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn connection() -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    (listener, client, server)
}

// A kind that is taken for another one counts where nobody looks for it.
#[test]
fn every_kind_is_found_as_itself() {
    crate::acquire();
    let folder = std::env::temp_dir().join(format!("headroom-kinds-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (listener, client, _server) = connection();
    assert_eq!(kind(&listener), Kind::Listen);
    assert_eq!(kind(&client), Kind::Tcp);
    assert_eq!(kind(&UdpSocket::bind("127.0.0.1:0").unwrap()), Kind::Udp);
    assert_eq!(kind(&UdpSocket::bind("[::1]:0").unwrap()), Kind::Udp);
    assert_eq!(kind(&UnixDatagram::unbound().unwrap()), Kind::Unix);
    assert_eq!(
        kind(&UnixListener::bind(folder.join("s")).unwrap()),
        Kind::Unix
    );
    // SAFETY: none of these calls takes memory of ours that does not live through it.
    unsafe {
        let netlink = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        assert_eq!(kind(&owned(netlink)), Kind::Netlink);
        // Not in every kernel.
        let sctp = libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP);
        if sctp >= 0 {
            assert_eq!(kind(&owned(sctp)), Kind::Sctp);
        }
        assert_eq!(kind(&owned(libc::eventfd(0, 0))), Kind::Eventfd);
        assert_eq!(kind(&owned(libc::epoll_create1(0))), Kind::Epoll);
        let timer = libc::timerfd_create(libc::CLOCK_MONOTONIC, 0);
        assert_eq!(kind(&owned(timer)), Kind::Timerfd);
        assert_eq!(kind(&owned(libc::inotify_init1(0))), Kind::Inotify);
        let pidfd = libc::syscall(libc::SYS_pidfd_open, std::process::id(), 0);
        assert_eq!(kind(&owned(pidfd as libc::c_int)), Kind::Pidfd);
        assert_eq!(
            kind(&owned(libc::memfd_create(c"m".as_ptr(), 0))),
            Kind::Memfd
        );
        let fifo = CString::new(folder.join("fifo").to_str().unwrap()).unwrap();
        assert_eq!(libc::mkfifo(fifo.as_ptr(), 0o600), 0);
        assert_eq!(
            kind(&owned(libc::open(fifo.as_ptr(), libc::O_RDWR))),
            Kind::Fifo
        );
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut signals);
        assert_eq!(kind(&owned(libc::signalfd(-1, &signals, 0))), Kind::Other);
    }
    let (reader, writer) = std::io::pipe().unwrap();
    let ends = [reader.as_raw_fd(), writer.as_raw_fd()].map(|fd| look_at_one(fd).unwrap());
    assert_eq!(ends.map(|end| end.kind), [Kind::Pipe, Kind::Pipe]);
    assert!(ends[0].inode.is_some() && ends[0].inode == ends[1].inode);
    assert_eq!(kind(&File::open("/dev/null").unwrap()), Kind::Device);
    assert_eq!(kind(&File::open(&folder).unwrap()), Kind::Directory);
    let path_only = |path: &std::path::Path| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_PATH);
        options.open(path).unwrap()
    };
    assert_eq!(kind(&path_only(&folder)), Kind::Directory);

    // A file is deleted when it has no name left, not when its name ends so.
    let file = File::create(folder.join("x (deleted)")).unwrap();
    assert_eq!(kind(&file), Kind::File);
    let path = path(file.as_raw_fd() as u32).unwrap();
    assert!(path.ends_with(b"/x (deleted)"), "{path:?}");
    fs::remove_file(folder.join("x (deleted)")).unwrap();
    assert_eq!(kind(&file), Kind::DeletedFile);
    fs::remove_dir_all(&folder).unwrap();
}

// Wrong numbers here accuse a server of what it did not do.
#[test]
fn a_connection_from_its_birth_to_its_leak() {
    crate::acquire();
    let (listener, mut client, mut server) = connection();
    assert_eq!(tcp_of(&client).state, TcpState::Established);
    client.write_all(b"hello").unwrap();
    until("five bytes arrive", || tcp_of(&server).unread == Some(5));
    let before = tcp_of(&server);
    assert_eq!((before.bytes_received, before.unsent), (5, 0));
    assert!(!before.is_left_open());
    drop(client);
    until("the end arrives", || {
        tcp_of(&server).state == TcpState::CloseWait
    });
    assert!(!tcp_of(&server).is_left_open(), "five bytes are unread");
    server.read_exact(&mut [0; 5]).unwrap();
    assert!(tcp_of(&server).is_left_open());

    // The other side had unread data, so its close is a reset.
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"never read").unwrap();
    until("the client has it", || tcp_of(&client).unread == Some(10));
    drop(client);
    until("the reset arrives", || {
        tcp_of(&server).state == TcpState::Close
    });
    assert!(tcp_of(&server).is_left_open());
}

#[test]
fn both_addresses_and_the_identity_of_a_socket() {
    crate::acquire();
    let (listener, client, server) = connection();
    let of = |fd: &TcpStream| look_at_one(fd.as_raw_fd()).unwrap().socket.unwrap();
    let (near, far) = (of(&client), of(&server));
    assert_eq!(near.local, Some(client.local_addr().unwrap()));
    assert_eq!(near.peer, Some(listener.local_addr().unwrap()));
    assert_eq!((near.peer, near.local), (far.local, far.peer));
    assert!(near.cookie.is_some() && near.cookie != far.cookie);
    let fd = client.as_raw_fd() as u32;
    let identities = in_turn(|| identify(&[fd, 1_000_000]));
    let cookie = near.cookie;
    assert_eq!(identities, [Identity { fd, cookie }], "it stays the same");
    // Two sockets of both families are one address to whoever reads it.
    let six = TcpListener::bind("[::ffff:127.0.0.1]:0").unwrap();
    let local = look_at_one(six.as_raw_fd()).unwrap().socket.unwrap().local;
    assert_eq!(local.unwrap().ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
}

// A full queue is why clients hang; nothing else of the node shows it.
#[test]
fn the_queue_of_a_listener() {
    crate::acquire();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: listen takes no memory.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 3) }, 0);
    let address = listener.local_addr().unwrap();
    let queue = || {
        let socket = look_at_one(listener.as_raw_fd()).unwrap().socket.unwrap();
        socket.listen.unwrap()
    };
    assert_eq!(
        queue(),
        Listen {
            queue: 0,
            backlog: 3,
            dropped: Some(0)
        }
    );
    let before = listen_drops().unwrap();
    let patience = Duration::from_millis(300);
    let _waiting: Vec<_> = (0..6)
        .map(|_| TcpStream::connect_timeout(&address, patience))
        .collect();
    until("the queue is full", || queue().queue > 3);
    until("one is dropped", || queue().dropped > Some(0));
    assert!(listen_drops().unwrap() > before);
}

#[test]
fn the_counters_of_the_network() {
    let text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 22 333\nIpExt: A\nIpExt: 4\n";
    assert_eq!(counter(text, "ListenOverflows"), Some(22));
    assert_eq!(counter(text, "ListenDrops"), Some(333));
    assert_eq!(counter(text, "A"), Some(4));
    assert_eq!(counter(text, "B"), None);
    assert_eq!(counter("TcpExt: A\n", "A"), None);
    assert_eq!(counter("TcpExt: A B\nTcpExt: 1\n", "B"), None);
}

// Only one helper's socket is that of the VM; a socket pair of somebody else must not pass for it.
#[test]
fn a_pair_of_this_process_is_told_from_others() {
    crate::acquire();
    let (one, _other) = UnixStream::pair().unwrap();
    let of = |fd: &dyn AsRawFd| look_at_one(fd.as_raw_fd()).unwrap().socket.unwrap();
    assert!(of(&one).own_pair);
    assert!(!of(&UnixStream::from(owned_socket())).own_pair);
}

fn owned_socket() -> OwnedFd {
    // SAFETY: socket takes no memory.
    owned(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) })
}

#[test]
fn a_whole_look_finds_what_is_open_and_says_what_is_its_own() {
    crate::acquire();
    let (listener, client, server) = connection();
    let mut seen = Vec::new();
    let mut look = Look::start(u32::MAX);
    while in_turn(|| look.step(&mut seen)) {}
    assert!(look.complete);
    let find = |fd: RawFd| seen.iter().find(|one| one.fd == fd as u32).unwrap();
    assert_eq!(find(listener.as_raw_fd()).kind, Kind::Listen);
    // Its peer is where it went; that of the other one says nothing, since it came in. No oddity, no identity.
    assert!(find(client.as_raw_fd()).socket.unwrap().peer.is_some());
    let came_in = find(server.as_raw_fd()).socket.unwrap();
    assert_eq!((came_in.peer, came_in.cookie), (None, None));
    let own = seen.iter().filter(|descriptor| descriptor.own).count() as u64;
    assert_eq!(own, held::own());
    let two = [listener.as_raw_fd() as u32, 1_000_000];
    assert_eq!(in_turn(|| look_at(&two)).len(), 1);
}

/// Waits for its turn: one looks at a time, and tests run side by side.
fn in_turn<T>(mut look: impl FnMut() -> Result<T, Busy>) -> T {
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(Busy) => std::thread::yield_now(),
        }
    }
}
