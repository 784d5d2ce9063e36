//! The join of the kernel's half with the VM's: who is blamed, who is not, and in which order.

use std::net::SocketAddr;

use headroom_facts::inventory::{Descriptor, Identity, Kind, Listen, Socket, Tcp, TcpState};
use headroom_facts::owners::{Claim, Files, Owner, Owners, Process, Program};
use headroom_facts::term::Value;
use headroom_facts::unreadable::Word;
use proptest::prelude::*;

use headroom_core::holders::*;
use headroom_core::render;

const LISTENER: &str = "127.0.0.1:5222";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn plain(fd: u32, kind: Kind) -> Descriptor {
    Descriptor {
        fd,
        kind,
        own: false,
        inode: None,
        socket: None,
    }
}

fn tcp(fd: u32, state: TcpState, local: &str, peer: Option<&str>) -> Descriptor {
    let tcp = Tcp {
        state,
        received_ms: 1_000,
        sent_ms: 2_000,
        acked_ms: 5_000,
        unread: Some(0),
        unsent: 0,
        backoff: 0,
        rtt_us: 50,
        bytes_received: 10,
        bytes_sent: 10,
    };
    let socket = Socket {
        cookie: (state != TcpState::Established).then_some(u64::from(fd) + 1_000),
        local: Some(address(local)),
        peer: peer.map(address),
        tcp: Some(tcp),
        ..Socket::default()
    };
    Descriptor {
        socket: Some(socket),
        ..plain(fd, Kind::Tcp)
    }
}

fn tcp_of(descriptor: &mut Descriptor) -> &mut Tcp {
    descriptor.socket.as_mut().unwrap().tcp.as_mut().unwrap()
}

fn listener(fd: u32, local: &str, queue: u32, backlog: u32) -> Descriptor {
    let socket = Socket {
        local: Some(address(local)),
        listen: Some(Listen {
            queue,
            backlog,
            dropped: Some(0),
        }),
        ..Socket::default()
    };
    Descriptor {
        socket: Some(socket),
        ..plain(fd, Kind::Listen)
    }
}

fn process(name: &str) -> Owner {
    Owner::Process(Process {
        ancestor: Some(name.into()),
        initial: Some("ra:conn/1".into()),
        application: Some("chat".into()),
        ..Process::default()
    })
}

/// Each claim by a process of its own.
fn owners(kinds: &[Owner], claims: &[(u32, u32)]) -> Owners {
    let claims = claims.iter().enumerate();
    Owners {
        owners: kinds.to_vec(),
        claims: claims
            .map(|(number, &(fd, owner))| Claim {
                fd,
                owner,
                process: number as u32,
                queued: 0,
            })
            .collect(),
        complete: true,
        ..Owners::default()
    }
}

/// References that may be files, by a process of their own.
fn files(owner: u32, count: u64) -> Files {
    Files {
        owner,
        process: 1_000 + owner,
        count,
        sure: false,
    }
}

fn sight<'a>(descriptors: &'a [Descriptor], owners: &'a Owners, again: &'a [Again]) -> Sight<'a> {
    Sight {
        descriptors,
        complete: true,
        owners: Some(owners),
        again,
        drops: Ok((1, 2)),
    }
}

fn identity(fd: u32, cookie: u64) -> Identity {
    Identity {
        fd,
        cookie: Some(cookie),
    }
}

/// A further look at which everything in doubt stood as before.
fn the_same(descriptors: &[Descriptor]) -> Again {
    let cookie = |one: &Descriptor| one.socket.and_then(|socket| socket.cookie);
    let same: Vec<_> = descriptors
        .iter()
        .filter_map(|one| Some(identity(one.fd, cookie(one)?)))
        .collect();
    Again {
        before: same.clone(),
        after: same,
        ..Again::default()
    }
}

fn total(inventory: &Inventory) -> u64 {
    let told: u64 = inventory.holders.iter().map(|group| group.count).sum();
    told + inventory.others.count
        + inventory.orphans.len() as u64
        + inventory.unclaimed.total()
        + inventory.moved
}

/// 300 connections of each of two servers of the same code; 200 of the second were closed by the other side.
fn leak() -> (Vec<Descriptor>, Owners) {
    let mut descriptors = vec![
        listener(20, "127.0.0.1:80", 0, 128),
        listener(21, LISTENER, 0, 128),
    ];
    let mut claims = vec![(20, 2), (21, 2)];
    for number in 0..300 {
        descriptors.push(tcp(
            100 + number,
            TcpState::Established,
            "127.0.0.1:80",
            None,
        ));
        claims.push((100 + number, 0));
        let state = if number < 200 {
            TcpState::CloseWait
        } else {
            TcpState::Established
        };
        descriptors.push(tcp(500 + number, state, LISTENER, None));
        claims.push((500 + number, 1));
    }
    let kinds = [process("srv_web"), process("srv_chat"), process("sup")];
    (descriptors, owners(&kinds, &claims))
}

// By process there are 600 groups of one; the leaking server must be the first line.
#[test]
fn the_leaking_server_is_named_first() {
    let (descriptors, owners) = leak();
    let again = [the_same(&descriptors)];
    let found = inventory(&sight(&descriptors, &owners, &again), &Options::default());
    let first = &found.holders[0];
    assert_eq!(first.group, "srv_chat ra:conn/1");
    assert_eq!(first.listener.as_deref(), Some(LISTENER));
    assert_eq!(
        (first.count, first.close_wait, first.why),
        (300, 200, Why::CloseWait)
    );
    assert_eq!(first.share_close_wait, 66.6);
    assert_eq!(first.sample.len(), 3);
    assert!(first
        .sample
        .iter()
        .all(|sample| sample.state == Some(TcpState::CloseWait)));
    assert_eq!((total(&found), found.moved), (found.total, 0));
    let text = render::holders::text(&found, &[], |claim| format!("#Port<0.{claim}>"));
    let line = text.lines().next().unwrap();
    assert!(
        line.starts_with("srv_chat ra:conn/1 (chat) at 127.0.0.1:5222: 200 of 300"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

// A socket that moved between the two looks is nobody's fault.
#[test]
fn an_owner_is_blamed_only_while_the_socket_is_the_same() {
    let descriptors = [tcp(9, TcpState::CloseWait, LISTENER, None)];
    let owners = owners(&[process("srv")], &[(9, 0)]);
    assert_eq!(doubts(&descriptors, &owners, &[]).claimed, [9]);
    let other = [Again {
        before: vec![identity(9, 7)],
        ..Again::default()
    }];
    let found = inventory(&sight(&descriptors, &owners, &other), &Options::default());
    assert_eq!((found.moved, found.holders.len()), (1, 0));
    assert!(relief(
        &sight(&descriptors, &owners, &other),
        &Options::default(),
        true
    )
    .is_empty());
}

// What is closed at once by most servers, and what a half-closing protocol still reads, is no leak.
#[test]
fn what_is_no_leak_yet() {
    let mut descriptors = Vec::new();
    for fd in 0..100 {
        descriptors.push(tcp(100 + fd, TcpState::Established, LISTENER, None));
    }
    let claims: Vec<_> = (0..100).map(|fd| (100 + fd, 0)).collect();
    let owners = owners(&[process("srv")], &claims);
    let told = |descriptors: &[Descriptor]| {
        let again = [the_same(descriptors)];
        inventory(&sight(descriptors, &owners, &again), &Options::default()).holders[0].why
    };
    let mut leaked = tcp(100, TcpState::CloseWait, LISTENER, None);
    descriptors[0] = leaked;
    assert_eq!(told(&descriptors), Why::CloseWait);
    tcp_of(&mut descriptors[0]).acked_ms = 3;
    assert_eq!(
        told(&descriptors),
        Why::Count,
        "one of a hundred, a moment ago"
    );
    tcp_of(&mut leaked).unread = Some(5);
    descriptors[0] = leaked;
    assert_eq!(
        told(&descriptors),
        Why::Count,
        "its owner still has something to read"
    );
}

// The kernel gives one local port to connections that go to different places: that is no listener.
#[test]
fn local_ports_that_outgoing_connections_share() {
    let mut descriptors = Vec::new();
    // Three out to each of two servers, by the same local ports; four came in by a listener that was closed since.
    for number in 0..3 {
        let local = format!("10.0.0.1:{}", 40_000 + number);
        for (server, fd) in [("10.0.0.8:80", 10), ("10.0.0.9:80", 20)] {
            let state = TcpState::Established;
            descriptors.push(tcp(fd + number, state, &local, Some(server)));
        }
    }
    for number in 0..4 {
        let peer = format!("10.0.0.7:{}", 50_000 + number);
        let state = TcpState::Established;
        descriptors.push(tcp(30 + number, state, "10.0.0.1:5222", Some(&peer)));
    }
    let claims: Vec<_> = descriptors.iter().map(|one| (one.fd, 0)).collect();
    let owners = owners(&[process("srv")], &claims);
    let found = inventory(&sight(&descriptors, &owners, &[]), &Options::default());
    let places = |group: &Group| {
        let of = |place: &Option<String>| place.clone().unwrap_or_default();
        (of(&group.listener), of(&group.remote), group.count)
    };
    let told: Vec<_> = found.holders.iter().map(places).collect();
    let expected = [
        ("10.0.0.1:5222", "", 4),
        ("", "10.0.0.8:80", 3),
        ("", "10.0.0.9:80", 3),
    ];
    let expected =
        expected.map(|(listener, remote, count)| (listener.into(), remote.into(), count));
    assert_eq!(told, expected);
}

#[test]
fn the_order_of_blame() {
    let mut gone = tcp(
        1,
        TcpState::Established,
        "10.0.0.1:1000",
        Some("10.0.0.9:1"),
    );
    tcp_of(&mut gone).unsent = 500;
    gone.socket.as_mut().unwrap().cookie = Some(1);
    let left = tcp(2, TcpState::Close, "10.0.0.1:1001", Some("10.0.0.9:2"));
    let mut idle = tcp(
        3,
        TcpState::Established,
        "10.0.0.1:1002",
        Some("10.0.0.9:3"),
    );
    tcp_of(&mut idle).received_ms = 7_200_000;
    tcp_of(&mut idle).sent_ms = 1_800_000;
    idle.socket.as_mut().unwrap().cookie = Some(3);
    let many = [
        plain(4, Kind::Udp),
        plain(5, Kind::Udp),
        plain(6, Kind::Udp),
    ];
    let descriptors = [many.to_vec(), vec![idle, left, gone]].concat();
    let kinds = [
        Owner::Gone,
        process("left"),
        process("idle"),
        process("many"),
    ];
    let mut owners = owners(&kinds, &[(1, 0), (2, 1), (3, 2), (4, 3), (5, 3), (6, 3)]);
    owners.claims[0].queued = 30_000_000;
    let mut again = the_same(&descriptors);
    again.standing = vec![0];
    let again = [again];
    let sight = sight(&descriptors, &owners, &again);
    let found = inventory(&sight, &Options::default());
    let why: Vec<Why> = found.holders.iter().map(|group| group.why).collect();
    assert_eq!(why, [Why::OwnerGone, Why::CloseWait, Why::Idle, Why::Count]);
    assert_eq!(
        found.holders[0].message,
        "the owner is gone, 30 MB wait to be sent and nobody closes it"
    );
    assert_eq!(
        found.holders[2].message,
        "all 1 without data for 15 min and more, the longest 30 min"
    );
    assert_eq!(found.zombies.len(), 1);
    assert_eq!(found.zombies[0].unsent, 30_000_500);
    let offers = relief(&sight, &Options::default(), false);
    let ways: Vec<_> = offers.iter().map(|offer| (offer.why, offer.how)).collect();
    assert_eq!(
        ways,
        [
            (Some(Why::OwnerGone), How::ClosePort),
            (Some(Why::CloseWait), How::ExitOwner),
            (Some(Why::Idle), How::ExitOwner)
        ]
    );
}

// Ending it would close what is well, or the node.
#[test]
fn no_owner_is_offered_that_has_more_or_is_needed() {
    let left = |fd| tcp(fd, TcpState::CloseWait, LISTENER, None);
    let descriptors = [
        left(1),
        left(2),
        tcp(3, TcpState::Established, LISTENER, None),
    ];
    let again = [the_same(&descriptors)];
    let offered = |owners: &Owners| {
        let offers = relief(
            &sight(&descriptors, owners, &again),
            &Options::default(),
            true,
        );
        (offers[0].how, offers[0].gives, offers[0].line.clone())
    };
    let mut two = owners(&[process("srv")], &[(1, 0), (2, 0), (3, 0)]);
    two.claims[2].process = two.claims[1].process;
    let line = r#"headroom:close({close_wait, <<"srv ra:conn/1 at 127.0.0.1:5222">>})."#;
    assert_eq!(offered(&two), (How::ExitOwner, 1, Some(line.into())));
    let kernel = Owner::Process(Process {
        name: Some("net_kernel".into()),
        application: Some("kernel".into()),
        ..Process::default()
    });
    let needed = owners(&[kernel], &[(1, 0), (2, 0)]);
    assert_eq!(offered(&needed), (How::Nothing, 0, None));
}

// What would go with its process, and who asks, must not be offered either.
#[test]
fn no_owner_is_offered_with_a_file_or_a_program_nor_the_one_who_asks() {
    let descriptors = [tcp(1, TcpState::CloseWait, LISTENER, None)];
    let again = [the_same(&descriptors)];
    let how = |owners: &Owners| {
        let sight = sight(&descriptors, owners, &again);
        relief(&sight, &Options::default(), true)[0].how
    };
    let one = owners(&[process("srv")], &[(1, 0)]);
    assert_eq!(how(&one), How::ExitOwner);
    let mut with_a_file = one.clone();
    with_a_file.files = vec![Files {
        process: 0,
        ..files(0, 1)
    }];
    assert_eq!(how(&with_a_file), How::Nothing);
    let mut with_a_program = one.clone();
    with_a_program.programs = vec![Program {
        owner: 0,
        process: 0,
        pipes: vec![60],
    }];
    assert_eq!(how(&with_a_program), How::Nothing);
    let asking = Owners {
        asker: Some(0),
        ..one
    };
    assert_eq!(how(&asking), How::Nothing);
}

// The line is typed at a prompt: what is in a name must come out of it again.
#[test]
fn a_line_with_odd_names_can_be_pasted() {
    let descriptors = [tcp(1, TcpState::CloseWait, LISTENER, None)];
    let again = [the_same(&descriptors)];
    let line = |name: &str| {
        let odd = Owner::Process(Process {
            name: Some(name.into()),
            ..Process::default()
        });
        let owners = owners(&[odd], &[(1, 0)]);
        let offers = relief(
            &sight(&descriptors, &owners, &again),
            &Options::default(),
            true,
        );
        offers[0].line.clone().unwrap()
    };
    let cases = [
        (r#"a "b" \ c"#, r#"<<"a \"b\" \\ c">>"#),
        ("srv-\u{e9}", r#"<<"srv-\x{E9}"/utf8>>"#),
        ("two\nlines", r#"<<"two\\nlines">>"#),
    ];
    for (name, text) in cases {
        assert_eq!(
            line(name),
            format!("headroom:close({{close_wait, {text}}}).")
        );
    }
}

#[test]
fn an_orphan_is_there_before_and_after_and_unclaimed_in_between() {
    let orphan = Descriptor {
        socket: Some(Socket {
            cookie: None,
            ..tcp(7, TcpState::Established, "10.0.0.1:9", Some("10.0.0.2:9"))
                .socket
                .unwrap()
        }),
        ..plain(7, Kind::Tcp)
    };
    let nobody = owners(&[], &[]);
    assert_eq!(doubts(&[orphan], &nobody, &[]).unclaimed, [7]);
    let look = |before, after, claimed: &[u32]| Again {
        before: vec![identity(7, before)],
        after: vec![identity(7, after)],
        claimed: claimed.to_vec(),
        standing: Vec::new(),
    };
    let verdict = |again: &[Again]| {
        let found = inventory(&sight(&[orphan], &nobody, again), &Options::default());
        assert_eq!(total(&found), 1);
        (found.orphans.len(), found.moved)
    };
    assert_eq!(verdict(&[]), (0, 1), "one look accuses nobody");
    assert_eq!(verdict(&[look(5, 5, &[])]), (1, 0));
    assert_eq!(
        verdict(&[look(5, 6, &[])]),
        (0, 1),
        "another socket stands there now"
    );
    assert_eq!(
        verdict(&[look(5, 5, &[7])]),
        (0, 1),
        "a port has it after all"
    );
    assert_eq!(verdict(&[look(5, 5, &[]), look(6, 6, &[])]), (0, 1));
    assert_eq!(verdict(&[Again::default()]), (0, 1), "it was closed");
    assert!(doubts(&[orphan], &nobody, &[look(5, 6, &[])])
        .unclaimed
        .is_empty());
}

#[test]
fn ports_whose_descriptor_is_not_theirs() {
    let descriptors = [tcp(
        7,
        TcpState::Established,
        "10.0.0.1:9",
        Some("10.0.0.2:9"),
    )];
    let owners = owners(&[process("srv")], &[(7, 0), (7, 0), (8, 0)]);
    assert_eq!(doubts(&descriptors, &owners, &[]).claims, [0, 1, 2]);
    let again = |standing: &[u32]| {
        [Again {
            standing: standing.to_vec(),
            ..Again::default()
        }]
    };
    let told = |again: &[Again]| {
        let found = inventory(&sight(&descriptors, &owners, again), &Options::default());
        let zombies = found.zombies.iter();
        zombies
            .map(|zombie| (zombie.claim, zombie.why))
            .collect::<Vec<_>>()
    };
    use ZombieWhy::{FdClosed, FdShared};
    assert_eq!(
        told(&again(&[0, 1, 2])),
        [(0, FdShared), (1, FdShared), (2, FdClosed)]
    );
    assert_eq!(told(&again(&[])), [], "they were closed in the meantime");
    let mut opened = again(&[2]);
    opened[0].after = vec![identity(8, 1)];
    assert_eq!(told(&opened), [], "it was opened in the meantime");
}

#[test]
fn where_a_connection_belongs() {
    let descriptors = [
        listener(1, "0.0.0.0:80", 0, 1),
        listener(2, "127.0.0.1:80", 0, 1),
        tcp(3, TcpState::Established, "127.0.0.1:80", None),
        tcp(4, TcpState::Established, "10.0.0.1:80", None),
        tcp(
            5,
            TcpState::Established,
            "10.0.0.1:40000",
            Some("10.0.0.2:5432"),
        ),
        // The listener that these came in by was closed.
        tcp(
            6,
            TcpState::Established,
            "10.0.0.1:81",
            Some("10.0.0.7:50001"),
        ),
        tcp(
            7,
            TcpState::Established,
            "10.0.0.1:81",
            Some("10.0.0.7:50002"),
        ),
    ];
    let claims: Vec<_> = (1..8).map(|fd| (fd, 0)).collect();
    let owners = owners(&[process("srv")], &claims);
    let of = |addresses| {
        let options = Options {
            addresses,
            ..Options::default()
        };
        let found = inventory(&sight(&descriptors, &owners, &[]), &options);
        let groups = found.holders.iter();
        let mut places: Vec<_> = groups
            .map(|group| (group.listener.clone(), group.remote.clone(), group.count))
            .collect();
        places.sort();
        places
    };
    let some = |text: &str| Some(text.to_string());
    assert_eq!(
        of(true),
        [
            (None, None, 2),
            (None, some("10.0.0.2:5432"), 1),
            (some("0.0.0.0:80"), None, 1),
            (some("10.0.0.1:81"), None, 2),
            (some("127.0.0.1:80"), None, 1),
        ]
    );
    assert!(of(false).iter().all(|(listener, remote, _)| {
        let shown = [listener, remote].into_iter().flatten();
        shown.clone().all(|text| text.starts_with("*:"))
    }));
}

// A full queue is the answer to "why do clients hang".
#[test]
fn a_full_listener_comes_first() {
    let descriptors = [
        listener(1, "127.0.0.1:80", 0, 0),
        listener(2, LISTENER, 129, 128),
    ];
    let owners = owners(&[process("srv")], &[(1, 0), (2, 0)]);
    let mut sight = sight(&descriptors, &owners, &[]);
    let found = inventory(&sight, &Options::default());
    assert_eq!(
        (found.listeners[0].fd, found.listeners[0].is_full()),
        (2, true)
    );
    assert!(!found.listeners[1].is_full());
    let text = render::holders::text(&found, &[], |_| String::new());
    assert!(text.contains("full, so clients hang: 129 wait"), "{text}");
    sight.drops = Err(Word::Enoent.into());
    let found = inventory(&sight, &Options::default());
    let json = serde_json::to_value(found.dropped).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"overflows": null, "drops": null, "reason": "enoent"})
    );
}

// Where sockets were not asked, a listener with anybody in its queue would pass for full, and nobody for idle.
#[test]
fn links_tell_no_times_and_no_backlogs() {
    let descriptors = [
        listener(1, LISTENER, 3, 0),
        tcp(2, TcpState::Established, LISTENER, None),
    ];
    let sight = Sight::of_the_kernel(&descriptors);
    let found = inventory(&sight, &Options::default()).by_links();
    let json = serde_json::to_value(&found).unwrap();
    let listener = &json["listeners"][0];
    assert_eq!(listener["queue"], 3);
    assert_eq!(
        (&listener["backlog"], &listener["full"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    for holder in json["holders"].as_array().unwrap() {
        assert!(
            holder["idle"].is_null() && holder["sample"][0]["idle_ms"].is_null(),
            "{holder}"
        );
    }
    let text = render::holders::text(&found, &[], |_| String::new());
    assert!(text.contains("1, whether one is full is unknown"), "{text}");
    assert!(!text.contains("clients hang"), "{text}");
}

#[test]
fn programs_files_and_what_the_vm_has_itself() {
    let pipe = |fd, inode| Descriptor {
        inode: Some(inode),
        ..plain(fd, Kind::Pipe)
    };
    let helper = Descriptor {
        socket: Some(Socket {
            own_pair: true,
            ..Socket::default()
        }),
        ..plain(17, Kind::Unix)
    };
    let own = Descriptor {
        own: true,
        ..plain(18, Kind::File)
    };
    let descriptors = [
        plain(0, Kind::Device),
        plain(4, Kind::Epoll),
        plain(10, Kind::Device),
        pipe(11, 5),
        pipe(12, 5),
        helper,
        own,
        pipe(20, 60),
        pipe(21, 70),
        plain(22, Kind::File),
        plain(23, Kind::File),
        plain(24, Kind::Inotify),
    ];
    let mut owners = owners(&[process("program"), process("reader")], &[]);
    owners.programs = vec![Program {
        owner: 0,
        process: 90,
        pipes: vec![60],
    }];
    owners.files = vec![files(1, 1)];
    let found = inventory(&sight(&descriptors, &owners, &[]), &Options::default());
    let counts: Vec<_> = found
        .holders
        .iter()
        .map(|group| (group.group.as_str(), group.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("program ra:conn/1", 1),
            ("reader ra:conn/1", 1),
            ("the VM itself", 6),
            ("headroom", 1)
        ]
    );
    let unclaimed: Vec<_> = found.unclaimed.sorted();
    assert_eq!(
        unclaimed,
        [(Kind::File, 1), (Kind::Pipe, 1), (Kind::Inotify, 1)]
    );
    assert_eq!(total(&found), found.total);
}

// Native code of a library watches processes by the same means as files do: nobody is told to have what may be another's.
#[test]
fn references_that_may_be_no_files() {
    let descriptors: Vec<_> = (20..30).map(|fd| plain(fd, Kind::File)).collect();
    let told = |counts: &[(u64, bool)]| {
        let kinds = ["a", "b", "c"].map(process);
        let mut owners = owners(&kinds, &[]);
        let numbered = counts.iter().enumerate();
        let files = numbered.map(|(number, &(count, sure))| Files {
            sure,
            ..files(number as u32, count)
        });
        owners.files = files.collect();
        let found = inventory(&sight(&descriptors, &owners, &[]), &Options::default());
        assert_eq!(total(&found), found.total);
        let of = |name: &str| {
            let mut groups = found.holders.iter();
            let group = groups.find(|group| group.group.starts_with(name));
            group.map_or(0, |group| group.count)
        };
        (of("a"), of("b"), of("c"), found.unclaimed.total())
    };
    assert_eq!(told(&[(3, false), (2, false)]), (3, 2, 0, 5));
    assert_eq!(
        told(&[(9, false), (3, false)]),
        (7, 1, 0, 2),
        "two of the twelve are none: each has at least so many"
    );
    assert_eq!(
        told(&[(9, false), (3, false), (4, true)]),
        (3, 0, 4, 3),
        "what OTP has for others are files"
    );
    assert_eq!(told(&[(u64::MAX, false), (u64::MAX, false)]).3, 10);
}

// Numbers in labels would make each process a group of its own.
#[test]
fn labels_lose_what_tells_processes_apart() {
    let atom = |text: &str| Value::Atom(text.into());
    let cases = [
        (
            Value::Tuple(vec![atom("conn"), Value::Integer(7), Value::Opaque]),
            "{conn,_,_}",
        ),
        (Value::Binary(b"user 17".to_vec()), "_"),
        (
            Value::List(vec![Value::Integer(65), Value::Integer(66)]),
            "_",
        ),
        (Value::List(vec![atom("a"), Value::Integer(1)]), "[a,_]"),
        (
            Value::Map(vec![(atom("id"), Value::Integer(3))]),
            "#{id=>_}",
        ),
        (atom("Elixir.Chat.Worker"), "Chat.Worker"),
    ];
    for (value, text) in cases {
        assert_eq!(label(&value), text);
    }
}

#[test]
fn owners_as_the_vm_says_them() {
    let atom = |text: &str| Value::Atom(text.into());
    let none = || atom("undefined");
    let call = Value::Tuple(vec![
        atom("Elixir.My.Conn"),
        atom("init"),
        Value::Integer(1),
    ]);
    let parts = |parts: [Value; 6]| owner(&Value::Tuple(parts.to_vec()));
    let name = |owner: Option<Owner>| name_of(&owner.unwrap());
    let of = |parts_: [Value; 6]| name(parts(parts_));
    assert_eq!(
        of([
            atom("srv"),
            none(),
            atom("sup"),
            call.clone(),
            none(),
            none()
        ]),
        "srv"
    );
    assert_eq!(
        of([none(), atom("l"), atom("sup"), call.clone(), none(), none()]),
        "l"
    );
    assert_eq!(
        of([none(), none(), atom("sup"), call.clone(), none(), none()]),
        "sup My.Conn:init/1"
    );
    assert_eq!(
        of([none(), none(), none(), call.clone(), none(), none()]),
        "My.Conn:init/1"
    );
    let pid = Value::Binary(b"<0.9.0>".to_vec());
    assert_eq!(
        of([none(), none(), none(), none(), pid.clone(), none()]),
        "spawned by <0.9.0>"
    );
    assert_eq!(
        of([none(), none(), none(), call, pid, none()]),
        "My.Conn:init/1 of <0.9.0>"
    );
    let table = Value::Tuple(vec![atom("dets"), atom("t")]);
    assert_eq!(
        of([none(), table, none(), none(), atom("cache"), none()]),
        "{dets,t} of cache"
    );
    let only_a_number = Value::List(vec![Value::Integer(1), Value::Integer(7)]);
    let in_a_tuple = Value::Tuple(vec![only_a_number]);
    assert_eq!(
        of([none(), in_a_tuple, atom("sup"), none(), none(), none()]),
        "sup",
        "a label of one process alone"
    );
    assert_eq!(name(owner(&atom("busy"))), "busy in native code");
    assert_eq!(owner(&atom("ok")), None);
    assert_eq!(owner(&Value::Tuple(vec![none()])), None);
}

#[test]
fn a_filter_leaves_the_rest_in_the_others() {
    let (descriptors, owners) = leak();
    let again = [the_same(&descriptors)];
    let sight = sight(&descriptors, &owners, &again);
    let options = Options {
        top: 1,
        ..Options::default()
    };
    let found = inventory(&sight, &options);
    assert_eq!((found.holders.len(), total(&found)), (1, found.total));
    let options = Options {
        group: Some("srv_web ra:conn/1".into()),
        ..Options::default()
    };
    let found = inventory(&sight, &options);
    assert_eq!(found.holders.len(), 1);
    assert_eq!(found.holders[0].count, 300);
    assert_eq!(total(&found), found.total);
}

proptest! {
    // A descriptor that is counted nowhere, or twice, makes every other number doubtful.
    #[test]
    fn all_descriptors_are_counted_once(
        kinds in proptest::collection::vec((0..Kind::ALL.len(), any::<bool>(), any::<bool>(), 0u32..4), 0..60),
        claims in proptest::collection::vec((0u32..70, 0u32..3), 0..60),
        many in 0u64..10,
        top in 1usize..5,
    ) {
        let descriptors: Vec<Descriptor> = kinds
            .iter()
            .enumerate()
            .map(|(fd, &(kind, own, socket, inode))| Descriptor {
                own,
                inode: Some(u64::from(inode)),
                socket: socket.then(|| tcp(0, TcpState::CloseWait, LISTENER, None).socket.unwrap()),
                ..plain(fd as u32, Kind::ALL[kind])
            })
            .collect();
        let mut owners = owners(&[process("a"), Owner::Gone, Owner::Busy], &claims);
        owners.files = vec![files(0, many)];
        let again = [the_same(&descriptors)];
        let options = Options { top, ..Options::default() };
        let sight = sight(&descriptors, &owners, &again);
        let found = inventory(&sight, &options);
        prop_assert_eq!(total(&found), found.total);
        prop_assert_eq!(found.by_kind.total(), found.total);
        let offers = relief(&sight, &options, true);
        let text = render::holders::text(&found, &offers, |_| "#Port<0.1> of <0.2.0>".into());
        prop_assert!(text.is_ascii());
    }
}
