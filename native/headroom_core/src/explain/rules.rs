//! Which limit can yield which error, for which operation, on which release: the one table of it, with its sources.
//!
//! Paths are of the OTP repository: `inet_drv.c` and the other drivers stand in erts/emulator, `fs/` and `net/` in Linux.
//! What was run on OTP 23, 25, 27 and 29 is what the suite of this project runs.

use super::operation::Operation::{self, *};
use super::suspects::Cause;
use super::symptom::{Allocation, Symptom, Word};
use headroom_facts::release::Release;

/// How much a rule says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It counts when nothing else is left.
    Usual,
    /// It counts only when the limit is seen exhausted: the same error has an everyday cause.
    OnlyIfSeen,
    /// It counts when every usual suspect is impossible.
    Otherwise,
}

/// One row: from release `since` on, before release `until`.
pub(super) struct Rule {
    pub symptom: Symptom,
    pub operations: &'static [Operation],
    pub cause: Cause,
    pub weight: Weight,
    since: Release,
    until: Release,
    /// Whether it holds without an operation, too.
    unnamed: bool,
}

impl Rule {
    const fn usual(symptom: Symptom, operations: &'static [Operation], cause: Cause) -> Rule {
        Rule {
            symptom,
            operations,
            cause,
            weight: Weight::Usual,
            unnamed: true,
            since: Release::FIRST,
            until: Release::NEVER,
        }
    }

    const fn only_if_seen(self) -> Rule {
        Rule {
            weight: Weight::OnlyIfSeen,
            ..self
        }
    }

    const fn otherwise(self) -> Rule {
        Rule {
            weight: Weight::Otherwise,
            ..self
        }
    }

    /// Elsewhere the same error means something else.
    const fn only_there(self) -> Rule {
        Rule {
            unnamed: false,
            ..self
        }
    }

    const fn since(self, since: Release) -> Rule {
        Rule { since, ..self }
    }

    const fn until(self, until: Release) -> Rule {
        Rule { until, ..self }
    }
}

const SOCKETS: &[Operation] = &[Accept, Connect, Listen, UdpOpen, SctpOpen, Peeloff, Socket];
const PROGRAMS: &[Operation] = &[OpenPort, OsCmd];
const ALL: &[Operation] = &[
    Accept, Connect, Listen, UdpOpen, SctpOpen, Peeloff, Socket, File, OpenPort, OsCmd, Ets, Spawn,
];

const EMFILE: Symptom = Symptom::Word(Word::Emfile);
const ENFILE: Symptom = Symptom::Word(Word::Enfile);
const SYSTEM_LIMIT: Symptom = Symptom::Word(Word::SystemLimit);

/// OTP-9990, Kernel 2.15.1: a full port table is `system_limit` for accept, no longer `enfile`.
const R15B01: Release = Release(15, 1);
/// From stdlib 3.4 the manual of ets says that the limit of tables has been removed.
const OTP_20: Release = Release(20, 0);

static RULES: &[Rule] = &[
    // alloc_fd in fs/file.c: the lowest free number is at or above the soft limit. accept, socket and open, and pipe.
    Rule::usual(EMFILE, SOCKETS, Cause::Nofile),
    Rule::usual(EMFILE, &[File, OpenPort, OsCmd], Cause::Nofile),
    // expand_files in fs/file.c: the table would have to grow beyond fs.nr_open.
    Rule::usual(EMFILE, SOCKETS, Cause::NrOpen),
    Rule::usual(EMFILE, &[File, OpenPort, OsCmd], Cause::NrOpen),
    // spawn_start in sys/unix/sys_drivers.c: a pipe got a number at or above sys_max_files(), fixed at boot. The emulator
    // makes this error up, the kernel refused nothing.
    Rule::usual(EMFILE, PROGRAMS, Cause::MaxFds),
    // inotify_new_group in fs/notify/inotify/inotify_user.c: a file watcher inside a NIF or a program, which says so.
    Rule::usual(Symptom::Inotify, ALL, Cause::InotifyInstances),
    // tcp_inet_copy in drivers/common/inet_drv.c up to R14: driver_create_port failed, the driver said ENFILE.
    Rule::usual(ENFILE, &[Accept], Cause::PortTable).until(R15B01),
    // sctp_inet_copy in drivers/common/inet_drv.c still does.
    Rule::usual(ENFILE, &[Peeloff], Cause::PortTable),
    // alloc_empty_file in fs/file_table.c: fs.file-max, for a process without CAP_SYS_ADMIN.
    Rule::usual(ENFILE, SOCKETS, Cause::KernelFileMax),
    Rule::usual(ENFILE, &[File, OpenPort, OsCmd], Cause::KernelFileMax),
    // sock_alloc in net/socket.c: no inode for a socket, which is memory of the kernel or of the control group.
    Rule::usual(ENFILE, SOCKETS, Cause::KernelMemory),
    // create_pipe_files and get_pipe_inode in fs/pipe.c: pipe-user-pages-hard, or memory.
    Rule::usual(ENFILE, PROGRAMS, Cause::PipePages),
    Rule::usual(ENFILE, PROGRAMS, Cause::KernelMemory),
    // A file system or a device with a limit of its own.
    Rule::usual(ENFILE, &[File], Cause::FileSystem).otherwise(),
    // tcp_inet_copy in drivers/common/inet_drv.c: INET_ERRNO_SYSTEM_LIMIT; open0 in preloaded/src/prim_inet.erl; create_port
    // in beam/io.c. The number of ports is the only limit behind it.
    Rule::usual(SYSTEM_LIMIT, &[Accept], Cause::PortTable).since(R15B01),
    Rule::usual(
        SYSTEM_LIMIT,
        &[Connect, Listen, UdpOpen, SctpOpen, Peeloff, OpenPort, OsCmd],
        Cause::PortTable,
    ),
    // The socket backend starts a process for each socket (gen_tcp_socket.erl).
    Rule::usual(SYSTEM_LIMIT, &[Accept, Connect, Listen], Cause::Processes).only_if_seen(),
    // erl_create_process in beam/erl_process.c.
    Rule::usual(SYSTEM_LIMIT, &[Spawn], Cause::Processes),
    Rule::usual(SYSTEM_LIMIT, &[Socket, File], Cause::Processes).only_if_seen(),
    // ets_new_2 in beam/erl_db.c: db_max_tabs, up to OTP 19. No release from 20 on refuses a table for their number.
    Rule::usual(SYSTEM_LIMIT, &[Ets], Cause::EtsTables).until(OTP_20),
    Rule::usual(SYSTEM_LIMIT, &[Ets], Cause::NoTable).since(OTP_20),
    Rule::usual(Symptom::TooLarge, ALL, Cause::OneTerm),
    // sock_alloc_inode, sk_alloc, alloc_empty_file: the memory itself.
    Rule::usual(Symptom::Word(Word::Enomem), ALL, Cause::KernelMemory),
    Rule::usual(Symptom::Word(Word::Enobufs), ALL, Cause::KernelMemory),
    // unix_create1 in net/unix/af_unix.c: more than twice fs.file-max of them, which older kernels tell as ENOMEM.
    Rule::usual(Symptom::Word(Word::Enomem), SOCKETS, Cause::KernelFileMax),
    // driver_select and enif_select_x in sys/common/erl_check_io.c: grow_drv_ev_state refuses fd >= max_fds.
    Rule::usual(Symptom::Deaf, ALL, Cause::MaxFds),
    // ep_insert in fs/eventpoll.c: fs.epoll.max_user_watches.
    Rule::usual(Symptom::Unwatched, ALL, Cause::EpollWatches),
    // The same refusal, unseen: the inet driver ignores it, no event ever comes, and a closed listener keeps its address.
    Rule::usual(
        Symptom::Word(Word::Timeout),
        &[Accept, Connect, UdpOpen],
        Cause::MaxFds,
    )
    .only_if_seen(),
    Rule::usual(
        Symptom::Word(Word::Etimedout),
        &[Accept, Connect],
        Cause::MaxFds,
    )
    .only_if_seen(),
    Rule::usual(
        Symptom::Word(Word::Eaddrinuse),
        &[Listen, UdpOpen, SctpOpen],
        Cause::MaxFds,
    )
    .only_if_seen(),
    // fd_start in sys/unix/sys_drivers.c: open_port({fd, In, Out}, _) with a number at or above sys_max_files().
    Rule::usual(Symptom::Word(Word::Einval), &[OpenPort], Cause::MaxFds).only_if_seen(),
    // os.erl since OTP 24: badarg, and the cause stands in the error_info of the stacktrace.
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::Nofile)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::PortTable)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::OsProcesses)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::NrOpen)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::MaxFds)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::KernelFileMax)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::PipePages)
        .only_if_seen()
        .only_there(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Cause::KernelMemory)
        .only_if_seen()
        .only_there(),
    // code_server.erl: a module that cannot be read does not exist, for whatever reason.
    Rule::usual(Symptom::Word(Word::Undef), ALL, Cause::Nofile).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Undef), ALL, Cause::KernelFileMax).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Nofile), ALL, Cause::Nofile).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Nofile), ALL, Cause::KernelFileMax).only_if_seen(),
    // inet_res.erl: a name server that cannot be asked, for want of a socket, has no answer.
    Rule::usual(Symptom::Word(Word::Nxdomain), &[Connect], Cause::Nofile).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Nxdomain), &[Connect], Cause::PortTable).only_if_seen(),
    // __inet_hash_connect in net/ipv4/inet_hashtables.c: no local port is left towards that address.
    Rule::usual(
        Symptom::Word(Word::Eaddrnotavail),
        &[Connect],
        Cause::LocalPorts,
    ),
    // inet_csk_get_port in net/ipv4/inet_connection_sock.c, udp_lib_get_port in net/ipv4/udp.c: with a source address, or for
    // a datagram socket, the same is said in other words.
    Rule::usual(
        Symptom::Word(Word::Eaddrinuse),
        &[Connect, UdpOpen],
        Cause::LocalPorts,
    ),
    // The disk is full, or a quota of inotify or epoll watches is used up.
    Rule::usual(Symptom::Word(Word::Enospc), ALL, Cause::Space),
    // forker_driver in sys/unix: fork failed, for the number of OS processes.
    Rule::usual(Symptom::Word(Word::Eagain), PROGRAMS, Cause::OsProcesses).only_there(),
    // Lines that name their cause.
    Rule::usual(Symptom::TooManyTables, ALL, Cause::EtsTables),
    Rule::usual(Symptom::TooManyProcesses, ALL, Cause::Processes),
    Rule::usual(Symptom::AtomsFull, ALL, Cause::Atoms),
    Rule::usual(Symptom::FileMaxReached, ALL, Cause::KernelFileMax),
    Rule::usual(Symptom::TooManyPorts, ALL, Cause::PortTable),
    Rule::usual(Symptom::InotifyWatches, ALL, Cause::InotifyWatches),
    Rule::usual(Symptom::NoProcess, ALL, Cause::OsProcesses),
    Rule::usual(
        Symptom::NoMemory(Allocation::PortTable),
        ALL,
        Cause::VmMemory,
    ),
    Rule::usual(
        Symptom::NoMemory(Allocation::ProcessTable),
        ALL,
        Cause::VmMemory,
    ),
    Rule::usual(Symptom::NoMemory(Allocation::Other), ALL, Cause::VmMemory),
];

/// Where the same error has a cause that is no suspect above: what is left of the suspects is then not the culprit.
static BESIDE: &[(Symptom, &[Operation], &str)] = &[
    // __inet_bind in net/ipv4/af_inet.c, and a route without a source address
    (
        Symptom::Word(Word::Eaddrnotavail),
        &[Connect, Undefined],
        "that address, or the source address, is none of this host (is IPv6 off?)",
    ),
    (
        Symptom::Word(Word::Eaddrinuse),
        &[Connect, UdpOpen, Undefined],
        "somebody else has the port that was asked for",
    ),
    // tcp_recv in drivers/common/inet_drv.c: more than TCP_MAX_PACKET_SIZE; prim_file_nif.c: enif_alloc_binary
    (
        Symptom::Word(Word::Enomem),
        &[File, Undefined],
        "one request was too large: gen_tcp:recv takes 64 MiB at most, a file is read into memory whole",
    ),
    // dev_queue_xmit in net/core/dev.c
    (
        Symptom::Word(Word::Enobufs),
        &[Undefined],
        "the queue of a network device was full when something was sent",
    ),
    // epoll_ctl: EBADF, EPERM
    (
        Symptom::Unwatched,
        &[
            Accept, Connect, Listen, UdpOpen, SctpOpen, Peeloff, Socket, File, OpenPort, OsCmd, Ets, Spawn, Undefined,
        ],
        "the descriptor was closed behind the VM",
    ),
];

/// What else yields this error of this operation.
pub(super) fn beside(symptom: Symptom, operation: Operation) -> Option<&'static str> {
    BESIDE
        .iter()
        .find(|(known, operations, _)| *known == symptom && operations.contains(&operation))
        .map(|(_, _, cause)| *cause)
}

/// The rules for an error of an operation. Without an operation, those of all.
pub(super) fn of(symptom: Symptom, operation: Operation, release: Release) -> Vec<&'static Rule> {
    RULES
        .iter()
        .filter(|rule| rule.symptom == symptom && rule.since <= release && release < rule.until)
        .filter(|rule| match operation {
            Undefined => rule.unnamed,
            operation => rule.operations.contains(&operation),
        })
        .collect()
}

/// Whether an error that no suspect is left for means that no limit was in the way.
pub(super) fn is_harmless(symptom: Symptom, operation: Operation) -> bool {
    let Symptom::Word(word) = symptom else {
        return symptom == Symptom::Rubbish;
    };
    match word {
        Word::Emfile
        | Word::Enfile
        | Word::SystemLimit
        | Word::Enomem
        | Word::Enobufs
        | Word::Enospc
        | Word::Eagain
        | Word::Undef
        | Word::Nofile
        | Word::Nxdomain => false,
        // A caller's error, but for os:cmd, which tells each error so.
        Word::Badarg => !matches!(operation, OsCmd | Undefined),
        _ => true,
    }
}
