//! Which limit can yield which error, for which operation, on which release: the one table of it, with its sources.
//!
//! Paths are of the OTP repository: `inet_drv.c` and the other drivers stand in erts/emulator, `fs/` and `net/` in Linux.
//! What was run on OTP 23, 25, 27 and 29 is what the suite of this project runs.

use super::operation::Operation::{self, *};
use super::symptom::{Symptom, Word};
use super::verdict::Culprit;
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
    pub culprit: Culprit,
    pub weight: Weight,
    since: Release,
    until: Release,
}

impl Rule {
    const fn usual(symptom: Symptom, operations: &'static [Operation], culprit: Culprit) -> Rule {
        Rule {
            symptom,
            operations,
            culprit,
            weight: Weight::Usual,
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
    Rule::usual(EMFILE, SOCKETS, Culprit::Nofile),
    Rule::usual(EMFILE, &[File, OpenPort, OsCmd], Culprit::Nofile),
    // expand_files in fs/file.c: the table would have to grow beyond fs.nr_open.
    Rule::usual(EMFILE, SOCKETS, Culprit::NrOpen),
    Rule::usual(EMFILE, &[File, OpenPort, OsCmd], Culprit::NrOpen),
    // spawn_start in sys/unix/sys_drivers.c: a pipe got a number at or above sys_max_files(), fixed at boot. The emulator
    // makes this error up, the kernel refused nothing.
    Rule::usual(EMFILE, PROGRAMS, Culprit::MaxFds),
    // inotify_new_group in fs/notify/inotify/inotify_user.c: a file watcher inside a NIF or a program.
    Rule::usual(EMFILE, &[Undefined], Culprit::InotifyInstances),
    Rule::usual(Symptom::Inotify, ALL, Culprit::InotifyInstances),
    // tcp_inet_copy in drivers/common/inet_drv.c up to R14: driver_create_port failed, the driver said ENFILE.
    Rule::usual(ENFILE, &[Accept], Culprit::PortTable).until(R15B01),
    // sctp_inet_copy in drivers/common/inet_drv.c still does.
    Rule::usual(ENFILE, &[Peeloff], Culprit::PortTable),
    // alloc_empty_file in fs/file_table.c: fs.file-max, for a process without CAP_SYS_ADMIN.
    Rule::usual(ENFILE, SOCKETS, Culprit::KernelFileMax),
    Rule::usual(ENFILE, &[File, OpenPort, OsCmd], Culprit::KernelFileMax),
    // sock_alloc in net/socket.c: no inode for a socket, which is memory of the kernel or of the control group.
    Rule::usual(ENFILE, SOCKETS, Culprit::KernelMemory),
    // create_pipe_files and get_pipe_inode in fs/pipe.c: pipe-user-pages-hard, or memory.
    Rule::usual(ENFILE, PROGRAMS, Culprit::PipePages),
    Rule::usual(ENFILE, PROGRAMS, Culprit::KernelMemory),
    // A file system or a device with a limit of its own.
    Rule::usual(ENFILE, &[File], Culprit::OtherLimit).otherwise(),
    // tcp_inet_copy in drivers/common/inet_drv.c: INET_ERRNO_SYSTEM_LIMIT; open0 in preloaded/src/prim_inet.erl; create_port
    // in beam/io.c. The number of ports is the only limit behind it.
    Rule::usual(SYSTEM_LIMIT, &[Accept], Culprit::PortTable).since(R15B01),
    Rule::usual(
        SYSTEM_LIMIT,
        &[Connect, Listen, UdpOpen, SctpOpen, Peeloff, OpenPort, OsCmd],
        Culprit::PortTable,
    ),
    // The socket backend starts a process for each socket (gen_tcp_socket.erl).
    Rule::usual(SYSTEM_LIMIT, &[Accept, Connect, Listen], Culprit::Processes).only_if_seen(),
    // erl_create_process in beam/erl_process.c.
    Rule::usual(SYSTEM_LIMIT, &[Spawn], Culprit::Processes),
    Rule::usual(SYSTEM_LIMIT, &[Socket, File], Culprit::Processes).only_if_seen(),
    // ets_new_2 in beam/erl_db.c: db_max_tabs, up to OTP 19. No release from 20 on refuses a table for their number.
    Rule::usual(SYSTEM_LIMIT, &[Ets], Culprit::EtsTables).until(OTP_20),
    Rule::usual(SYSTEM_LIMIT, &[Ets], Culprit::OtherLimit).since(OTP_20),
    Rule::usual(Symptom::TooLarge, ALL, Culprit::OtherLimit),
    // sock_alloc_inode, sk_alloc, alloc_empty_file: the memory itself.
    Rule::usual(Symptom::Word(Word::Enomem), ALL, Culprit::KernelMemory),
    Rule::usual(Symptom::Word(Word::Enobufs), ALL, Culprit::KernelMemory),
    // driver_select and enif_select_x in sys/common/erl_check_io.c: grow_drv_ev_state refuses fd >= max_fds.
    Rule::usual(Symptom::Deaf, ALL, Culprit::MaxFds),
    // ep_insert in fs/eventpoll.c: fs.epoll.max_user_watches.
    Rule::usual(Symptom::Unwatched, ALL, Culprit::OtherLimit),
    // The same refusal, unseen: the inet driver ignores it, no event ever comes, and a closed listener keeps its address.
    Rule::usual(
        Symptom::Word(Word::Timeout),
        &[Accept, Connect, UdpOpen],
        Culprit::MaxFds,
    )
    .only_if_seen(),
    Rule::usual(
        Symptom::Word(Word::Etimedout),
        &[Accept, Connect],
        Culprit::MaxFds,
    )
    .only_if_seen(),
    Rule::usual(
        Symptom::Word(Word::Eaddrinuse),
        &[Listen, UdpOpen, SctpOpen],
        Culprit::MaxFds,
    )
    .only_if_seen(),
    // fd_start in sys/unix/sys_drivers.c: open_port({fd, In, Out}, _) with a number at or above sys_max_files().
    Rule::usual(Symptom::Word(Word::Einval), &[OpenPort], Culprit::MaxFds).only_if_seen(),
    // os.erl since OTP 24: badarg, and the cause stands in the error_info of the stacktrace.
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Culprit::Nofile).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Badarg), &[OsCmd], Culprit::PortTable).only_if_seen(),
    // code_server.erl: a module that cannot be read does not exist, for whatever reason.
    Rule::usual(Symptom::Word(Word::Undef), ALL, Culprit::Nofile).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Undef), ALL, Culprit::KernelFileMax).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Nofile), ALL, Culprit::Nofile).only_if_seen(),
    Rule::usual(Symptom::Word(Word::Nofile), ALL, Culprit::KernelFileMax).only_if_seen(),
    // inet_hash_connect in net/ipv4: no local port is left towards that address.
    Rule::usual(
        Symptom::Word(Word::Eaddrnotavail),
        &[Connect],
        Culprit::OtherLimit,
    ),
    // The disk is full, or a quota of inotify or epoll watches is used up.
    Rule::usual(Symptom::Word(Word::Enospc), ALL, Culprit::OtherLimit),
    // forker_driver in sys/unix: fork failed, for the number of OS processes.
    Rule::usual(Symptom::Word(Word::Eagain), PROGRAMS, Culprit::OtherLimit),
    // Lines that name their cause.
    Rule::usual(Symptom::TooManyTables, ALL, Culprit::EtsTables),
    Rule::usual(Symptom::TooManyProcesses, ALL, Culprit::Processes),
    Rule::usual(Symptom::AtomsFull, ALL, Culprit::Atoms),
    Rule::usual(Symptom::FileMaxReached, ALL, Culprit::KernelFileMax),
];

/// The rules for an error of an operation. Without an operation, those of all.
pub(super) fn of(symptom: Symptom, operation: Operation, release: Release) -> Vec<&'static Rule> {
    RULES
        .iter()
        .filter(|rule| rule.symptom == symptom && rule.since <= release && release < rule.until)
        .filter(|rule| operation == Undefined || rule.operations.contains(&operation))
        .collect()
}

/// Whether an error without any rule that fits still means that no limit was in the way.
pub(super) fn is_harmless(symptom: Symptom) -> bool {
    match symptom {
        Symptom::Word(word) => !matches!(
            word,
            Word::Emfile
                | Word::Enfile
                | Word::SystemLimit
                | Word::Enomem
                | Word::Enobufs
                | Word::Enospc
                | Word::Badarg
                | Word::Undef
                | Word::Nofile
        ),
        _ => false,
    }
}
