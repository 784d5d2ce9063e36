//! Limits of the kernel: of the whole machine, of a user, of a control group, of a network.

use super::{
    answer, counted, full, hangs, of, tense, Account, Question, Standing, Suspect, A_FILE,
};
use crate::advise::{boot, lines};
use crate::explain::case::Case;
use crate::explain::operation::Operation;
use crate::explain::scene::Scene;
use crate::explain::symptom::{Symptom, Word};
use crate::explain::verdict::Basis;
use crate::finding::Fix;
use crate::number;
use headroom_facts::probe::Outcome;
use headroom_facts::vocabulary::{Known, Limit, Name};

/// The kernel's limit of open files.
pub(super) struct FileMax;

impl FileMax {
    fn of(symptom: Symptom, scene: &Scene) -> (Standing, String) {
        let nofile = &scene.facts.nofile;
        let (used, limit) = (nofile.file_nr, nofile.file_max);
        let numbers = format!("{} files are open in the kernel", of(used, limit));
        let someone_else = symptom == Symptom::FileMaxReached;
        let is_enomem = symptom == Symptom::Word(Word::Enomem);
        let is_exempt = nofile.exempt_from_file_max == Known::Is(true) && !someone_else;
        // Whoever has one: these sockets are counted by themselves (unix_create1 in net/unix/af_unix.c).
        if is_enomem || is_exempt {
            const LOCAL: &str =
                "sockets of the local domain end at twice fs.file-max, for every process";
            match (used, limit) {
                (Known::Is(used), Limit::Finite(limit)) if used / 2 >= limit => {
                    return (Standing::Possible, format!("{numbers}, and {LOCAL}"))
                }
                (Known::Is(_), Limit::Finite(_) | Limit::Infinity) if is_enomem => {
                    return (
                        Standing::Impossible,
                        format!("{numbers}: it is the number of sockets of the local domain, which end at twice fs.file-max, that is told so"),
                    )
                }
                _ if is_enomem => return (Standing::Possible, format!("{LOCAL}; {numbers}")),
                _ => {}
            }
        }
        if is_exempt {
            return (
                Standing::Impossible,
                format!(
                    "{numbers}; fs.file-max does not apply to this process, which has CAP_SYS_ADMIN{}",
                    answer(scene.probe.file, A_FILE)
                ),
            );
        }
        let probe = scene.probe.file;
        let standing = if full(used, limit) {
            Standing::Exhausted
        } else if probe.is_refused_with(&[libc::ENFILE]) && limit.minus(used) == Limit::Unknown {
            Standing::Refused
        } else if limit == Limit::Infinity && !someone_else {
            Standing::Impossible
        } else {
            Standing::Possible
        };
        (standing, format!("{numbers}{}", answer(probe, A_FILE)))
    }
}

impl Suspect for FileMax {
    fn stands(&self, question: Question, scene: &Scene) -> Account {
        let nofile = &scene.facts.nofile;
        let (standing, why) = FileMax::of(question.symptom, scene);
        // Whom the limit does not bind is granted a file in any case.
        let bound = nofile.exempt_from_file_max == Known::Is(false);
        let room = counted(nofile.file_nr, nofile.file_max)
            || bound && scene.probe.file == Outcome::Granted;
        Account::new(standing, why, room)
    }

    fn headline(&self, case: &Case, scene: &Scene) -> String {
        let nofile = &scene.facts.nofile;
        match case.basis {
            Basis::Observed => format!(
                "The kernel is out of open files: {} (fs.file-max).",
                of(nofile.file_nr, nofile.file_max)
            ),
            Basis::Probed => {
                "The kernel is out of open files: it refused one just now (fs.file-max).".into()
            }
            _ => format!(
                "The kernel was out of open files {} (fs.file-max).",
                case.when(scene)
            ),
        }
    }

    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        boot::more(scene.facts, Name::KernelFiles)
    }

    fn looks(&self, _: &Scene) -> Vec<Fix> {
        vec![lines::look(
            "dmesg | grep file-max",
            "the kernel notes each time its limit was reached",
        )]
    }

    fn seen_by_client(&self, operation: Operation, now: bool) -> Option<String> {
        hangs(operation, now)
    }

    fn resource(&self) -> Option<Name> {
        Some(Name::KernelFiles)
    }
}

/// Memory of the kernel, or of the control group.
pub(super) struct Memory;

impl Suspect for Memory {
    fn stands(&self, question: Question, scene: &Scene) -> Account {
        let probe = &scene.probe;
        let operation = question.operation;
        // A refusal that fs.file-max cannot explain.
        let file_max = FileMax::of(Symptom::Unknown, scene).0;
        let explained = matches!(file_max, Standing::Exhausted | Standing::Refused);
        let without_memory = probe.file.is_refused_with(&[libc::ENOMEM, libc::ENOBUFS]);
        let without_inode = !explained && probe.file.is_refused_with(&[libc::ENFILE]);
        // Pages of pipes do not bind whom fs.file-max does not bind: what is left is the memory of the pipe itself.
        let exempt = scene.facts.nofile.exempt_from_file_max == Known::Is(true);
        let without_pipe = exempt && probe.pipe.is_refused_with(&[libc::ENFILE]);
        if without_memory || without_inode || without_pipe {
            return Account::new(
                Standing::Refused,
                "the kernel refused a socket or pipe just now, and fs.file-max is not the reason",
                false,
            );
        }
        let (why, room) = match (operation.starts_program(), probe.pipe, probe.file) {
            (true, Outcome::Granted, _) => ("the kernel granted a pipe just now", true),
            (_, _, Outcome::Granted) => ("the kernel granted a socket just now", true),
            _ => ("it is not measured", false),
        };
        let (used, limit) = probe.quotas.memory;
        let group = match limit {
            Limit::Finite(_) => format!(
                "; the control group has {} bytes, its caches among them",
                of(used, limit)
            ),
            Limit::Infinity | Limit::Unknown => String::new(),
        };
        Account::new(Standing::Possible, format!("{why}{group}"), room)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        tense(
            case,
            "The kernel has no memory for another socket, pipe or file.",
            "The kernel had no memory for another socket, pipe or file.",
        )
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        memory_of_the_machine()
    }

    fn seen_by_client(&self, operation: Operation, now: bool) -> Option<String> {
        hangs(operation, now)
    }
}

/// Where to look for the memory that is missing.
pub(super) fn memory_of_the_machine() -> Vec<Fix> {
    vec![
        lines::look(
            "grep -E 'MemAvailable|Slab' /proc/meminfo",
            "is the machine out of memory?",
        ),
        lines::look(
            "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.current",
            "is the container?",
        ),
    ]
}

/// The kernel's limit of pipe buffers of one user.
pub(super) struct PipePages;

impl Suspect for PipePages {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        // too_many_pipe_buffers_hard counts only for those without CAP_SYS_ADMIN and CAP_SYS_RESOURCE (fs/pipe.c).
        let nofile = &scene.facts.nofile;
        let pipe = scene.probe.pipe;
        if [nofile.exempt_from_file_max, nofile.can_raise_hard].contains(&Known::Is(true)) {
            let why =
                "with its capabilities fs.pipe-user-pages-hard does not apply to this process";
            return Account::new(Standing::Impossible, why, false);
        }
        let refused = pipe.is_refused_with(&[libc::ENFILE]) && scene.probe.file == Outcome::Granted;
        let standing = if refused {
            Standing::Refused
        } else {
            Standing::Possible
        };
        let why = match pipe {
            Outcome::NotDone => "the pages of this user's pipes are not measured".into(),
            outcome => answer(outcome, "a pipe")
                .trim_start_matches(", and ")
                .to_string(),
        };
        Account::new(standing, why, pipe == Outcome::Granted)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        tense(
            case,
            "The kernel refuses pipes to this user (fs.pipe-user-pages-hard).",
            "The kernel refused a pipe to this user (fs.pipe-user-pages-hard).",
        )
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        vec![
            lines::look("sysctl fs.pipe-user-pages-hard", "0 would be no limit"),
            lines::sysctl("fs.pipe-user-pages-hard=0"),
        ]
    }
}

/// What the kernel said when it was asked for one.
pub(super) fn asked(outcome: Outcome, errno: i32, what: &str, unasked: &str) -> Account {
    match outcome {
        Outcome::Granted => Account::new(
            Standing::Possible,
            format!("the kernel granted {what} just now"),
            true,
        ),
        Outcome::Refused(refused) if refused == errno => Account::new(
            Standing::Refused,
            format!("the kernel refused {what} just now"),
            false,
        ),
        Outcome::Refused(_) | Outcome::NotDone => Account::possible(unasked),
    }
}

/// Fewer than this are fewer than Linux has by default.
const MANY_PORTS: u64 = 60_000;

/// The ports that outgoing connections get.
pub(super) struct LocalPorts;

impl LocalPorts {
    /// How many there are.
    fn number(scene: &Scene) -> Option<u64> {
        let (low, high) = scene.probe.quotas.local_ports.get()?;
        Some(high.saturating_sub(low) + 1)
    }

    fn at(question: Question) -> usize {
        usize::from(question.operation == Operation::UdpOpen)
    }
}

impl Suspect for LocalPorts {
    fn stands(&self, question: Question, scene: &Scene) -> Account {
        let quotas = &scene.probe.quotas;
        let numbers = match LocalPorts::number(scene) {
            Some(ports) => format!(
                "{} TCP sockets, {} local ports",
                number::count(quotas.sockets),
                number::plain(ports)
            ),
            None => "ip_local_port_range is not read".into(),
        };
        let outcome = quotas.local_port[LocalPorts::at(question)];
        let account = asked(outcome, libc::EADDRINUSE, "a local port", "");
        let mut why = numbers;
        if !account.why.is_empty() {
            why = format!("{why}, and {}", account.why);
        }
        // A port that is free for one address is free for all of them; the other way round that is not so.
        let few = matches!((quotas.sockets.get(), LocalPorts::number(scene)), (Some(used), Some(ports)) if used < ports);
        Account::new(account.standing, why, account.room || few)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        tense(
            case,
            "This host has no local port left for another connection (ip_local_port_range).",
            "No local port was left for another connection (ip_local_port_range).",
        )
    }

    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        let mut fixes = Vec::new();
        if LocalPorts::number(scene).is_none_or(|ports| ports < MANY_PORTS) {
            fixes.push(lines::local_ports());
        }
        fixes.push(Fix::now(
            "ip address add ADDRESS dev DEVICE",
            "one more source address; connect with {ip, Address}: each has all local ports",
        ));
        fixes.push(Fix::now(
            "sysctl -w net.ipv4.tcp_tw_reuse=1",
            "takes ports of connections that wait for their end; best is to keep connections",
        ));
        fixes
    }

    fn looks(&self, _: &Scene) -> Vec<Fix> {
        vec![lines::look(
            "ss -s; sysctl net.ipv4.ip_local_port_range; ip -br address",
            "sockets, local ports, and the addresses of this host",
        )]
    }
}

/// The number of threads and OS processes: of the control group, of the user, of the machine.
pub(super) struct OsProcesses;

impl Suspect for OsProcesses {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        let quotas = &scene.probe.quotas;
        let (used, limit) = quotas.pids;
        let group = match limit {
            Limit::Unknown => "pids.max is not read".into(),
            limit => format!("{} in the control group (pids.max)", of(used, limit)),
        };
        let (threads, nproc) = quotas.threads;
        let user = match nproc {
            Limit::Finite(_) => format!(
                "; RLIMIT_NPROC {}, the machine has {} threads",
                number::limit(nproc),
                number::count(threads)
            ),
            Limit::Infinity | Limit::Unknown => String::new(),
        };
        let standing = if full(used, limit) {
            Standing::Exhausted
        } else {
            Standing::Possible
        };
        Account::new(standing, format!("{group}{user}"), counted(used, limit))
    }

    fn headline(&self, case: &Case, scene: &Scene) -> String {
        let (used, limit) = scene.probe.quotas.pids;
        if case.basis == Basis::Observed {
            return format!(
                "The control group has no room for another OS process: {} (pids.max).",
                of(used, limit)
            );
        }
        "The system had no room for another OS process or thread (pids.max, nproc).".into()
    }

    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        let mut fixes = self.looks(scene);
        fixes.extend(lines::tasks(scene.facts.boot.started_by));
        if let (Known::Is(threads), Limit::Finite(nproc)) = scene.probe.quotas.threads {
            // With fewer threads on the whole machine no user has more.
            if threads >= nproc {
                fixes.push(lines::user_processes(65_536));
            }
        }
        fixes
    }

    fn looks(&self, _: &Scene) -> Vec<Fix> {
        vec![lines::look(
            "ps -eLo user= | sort | uniq -c | sort -n",
            "who has the threads: children that nobody waits for?",
        )]
    }
}
