//! Lines that help, exact for how this node was started.

use super::operation::Operation;
use super::suspect::Standing;
use super::symptom::{Symptom, Word};
use super::verdict::Culprit;
use super::{Case, Scene};
use crate::advise::{boot, lines, now};
use crate::finding::Fix;
use headroom_facts::vocabulary::Limit;

/// What to do about the culprit of a case.
pub(super) fn fixes(case: &Case, scene: &Scene) -> Vec<Fix> {
    let facts = &scene.facts;
    match case.culprit {
        Culprit::MaxFds => {
            let raised = matches!((facts.nofile.soft, facts.nofile.max_fds),
                (Limit::Finite(soft), Limit::Finite(max_fds)) if soft <= max_fds);
            let back = if raised {
                Vec::new()
            } else {
                now::back_to_max_fds(facts)
            };
            back.into_iter()
                .chain(boot::nofile_at_boot(facts))
                .collect()
        }
        Culprit::NrOpen => {
            let wanted = facts.nofile.soft.finite().unwrap_or(1 << 20);
            lines::nr_open_now(wanted).into_iter().collect()
        }
        Culprit::KernelMemory => vec![
            lines::look(
                "grep -E 'MemAvailable|Slab' /proc/meminfo",
                "is the machine out of memory?",
            ),
            lines::look(
                "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.current",
                "is the container?",
            ),
        ],
        Culprit::PipePages => vec![
            lines::look("sysctl fs.pipe-user-pages-hard", "0 would be no limit"),
            lines::sysctl("fs.pipe-user-pages-hard=0"),
        ],
        Culprit::InotifyInstances => {
            vec![lines::sysctl("fs.inotify.max_user_instances=8192")]
        }
        Culprit::EtsTables => vec![lines::variable("ERL_MAX_ETS_TABLES", 65_536)
            .saying("on the node that printed it, or run OTP 20 or later")],
        Culprit::OtherLimit => other(case),
        Culprit::Undetermined if case.is_possible(Culprit::KernelFileMax) => {
            vec![lines::look(
                "dmesg | grep file-max",
                "the kernel notes each time its limit was reached",
            )]
        }
        Culprit::NotALimit | Culprit::Undetermined => Vec::new(),
        Culprit::PortTable
        | Culprit::Nofile
        | Culprit::KernelFileMax
        | Culprit::Processes
        | Culprit::Atoms => case
            .culprit
            .resource()
            .map_or(Vec::new(), |name| boot::more(facts, name)),
    }
}

fn other(case: &Case) -> Vec<Fix> {
    match case.symptom {
        Symptom::Word(Word::Eaddrnotavail) => vec![lines::local_ports()],
        Symptom::Word(Word::Eagain) => vec![lines::pids_max(), lines::user_processes(65_536)],
        Symptom::Word(Word::Enospc) if case.operation == Operation::File => {
            vec![lines::look("df -h; df -i", "space and inodes of the disks")]
        }
        Symptom::Word(Word::Enospc) => vec![
            lines::look("df -h; df -i", "space and inodes of the disks"),
            lines::look(
                "sysctl fs.inotify.max_user_watches fs.epoll.max_user_watches",
                "if no disk is full",
            ),
        ],
        Symptom::Unwatched => vec![lines::look("sysctl fs.epoll.max_user_watches", "per user")],
        _ => Vec::new(),
    }
}

impl Case {
    fn is_possible(&self, culprit: Culprit) -> bool {
        self.suspects
            .iter()
            .any(|suspect| suspect.culprit == culprit && suspect.standing == Standing::Possible)
    }

    /// Whether the condition holds at this moment.
    pub(super) fn holds_now(&self) -> bool {
        matches!(
            self.found.as_ref().map(|suspect| suspect.standing),
            Some(Standing::Exhausted | Standing::Refused)
        )
    }
}
