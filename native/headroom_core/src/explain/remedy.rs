//! Lines that help, exact for how this node was started.

use super::operation::Operation;
use super::suspect::Standing;
use super::symptom::{Symptom, Word};
use super::verdict::Culprit;
use super::{Case, Scene};
use crate::assess::{advice, relief};
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
                relief::back_to_max_fds(facts)
            };
            back.into_iter()
                .chain(advice::nofile_at_boot(facts))
                .collect()
        }
        Culprit::NrOpen => {
            let wanted = match facts.nofile.soft {
                Limit::Finite(soft) => soft.checked_next_multiple_of(64).unwrap_or(soft),
                Limit::Infinity | Limit::Unknown => 1 << 20,
            };
            vec![Fix::now(
                format!("sysctl -w fs.nr_open={wanted}"),
                "as root on the host",
            )]
        }
        Culprit::KernelMemory => vec![
            Fix::now(
                "grep -E 'MemAvailable|Slab' /proc/meminfo",
                "is the machine out of memory?",
            ),
            Fix::now(
                "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.current",
                "is the container?",
            ),
        ],
        Culprit::PipePages => vec![
            Fix::now("sysctl fs.pipe-user-pages-hard", "0 would be no limit"),
            Fix::now("sysctl -w fs.pipe-user-pages-hard=0", "as root on the host"),
        ],
        Culprit::InotifyInstances => {
            vec![Fix::now(
                "sysctl -w fs.inotify.max_user_instances=8192",
                "as root on the host",
            )]
        }
        Culprit::EtsTables => vec![Fix::permanent(
            "ERL_MAX_ETS_TABLES=65536",
            "on the node that printed it, then restart; or run OTP 20 or later",
        )],
        Culprit::OtherLimit => other(case),
        Culprit::Undetermined if case.is_possible(Culprit::KernelFileMax) => {
            vec![Fix::now(
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
            .map_or(Vec::new(), |name| advice::more(facts, name)),
    }
}

fn other(case: &Case) -> Vec<Fix> {
    match case.symptom {
        Symptom::Word(Word::Eaddrnotavail) => vec![Fix::now(
            "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
            "more local ports for outgoing connections",
        )],
        Symptom::Word(Word::Eagain) => vec![
            Fix::now(
                "cat /sys/fs/cgroup/pids.max",
                "how many OS processes the container may have",
            ),
            Fix::permanent("LimitNPROC=65536", "in the systemd unit, then restart"),
        ],
        Symptom::Word(Word::Enospc) if case.operation == Operation::File => {
            vec![Fix::now("df -h; df -i", "space and inodes of the disks")]
        }
        Symptom::Word(Word::Enospc) => vec![
            Fix::now("df -h; df -i", "space and inodes of the disks"),
            Fix::now(
                "sysctl fs.inotify.max_user_watches fs.epoll.max_user_watches",
                "if no disk is full",
            ),
        ],
        Symptom::Unwatched => vec![Fix::now("sysctl fs.epoll.max_user_watches", "per user")],
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
