//! The resolver's helper that is not started: the first lookup without room for it halts the node.

use super::harden::{Attempt, Attempts};
use super::{Hazard, Node};
use crate::finding::{Finding, Id, Key, Proof};
use crate::number;
use headroom_facts::otp::PORT_PROGRAM_FDS;
use headroom_facts::release::Release;
use headroom_facts::vocabulary::{Known, Name};

/// The release whose resolver began to halt the node instead of the caller.
const RESOLVER_HALTS: Release = Release(25, 0);

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::ResolverNotStarted,
    harden: true,
    everywhere: false,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    let exposed = node.exposure.native_lookup && !node.exposure.resolver_started;
    (exposed && node.release() >= RESOLVER_HALTS).then(|| {
        let message = format!(
            "The resolver's helper is not started: the first lookup of a host name with fewer than {PORT_PROGRAM_FDS} free descriptors, no free port, or no room for an OS process (pids, nproc) or its pipes halts the node ({} descriptors, {} ports are free).",
            number::limit(node.of(Name::Fds).free),
            number::limit(node.of(Name::Ports).free)
        );
        node.hazard(
            Id::ResolverNotStarted,
            &[Name::Fds, Name::Ports, Name::KernelFiles],
            message,
            vec![
                (Key::NeededFds, Proof::Count(Known::Is(PORT_PROGRAM_FDS))),
                node.free(Key::FreeFds, Name::Fds),
                node.free(Key::FreePorts, Name::Ports),
            ],
            node.by_harden("starts inet_gethost: 1 port, 2 descriptors"),
        )
    })
}

fn note(node: &Node, attempts: &Attempts, done: bool) -> String {
    if done {
        return format!(
            "inet_gethost runs: a port program, 1 port and 2 descriptors. If it is killed, its next start takes {PORT_PROGRAM_FDS} descriptors and a port again, or the node halts."
        );
    }
    missing(attempts, node)
}

fn missing(attempts: &Attempts, node: &Node) -> String {
    match attempts.resolver {
        Attempt::NoProgram => {
            "Not started: there is no program inet_gethost that could be executed, and trying would halt the node.".into()
        }
        Attempt::Refused => refused(attempts.refusal.as_deref().unwrap_or("unknown")),
        Attempt::NoAnswer => {
            "Not started: neither a program to try it with nor the helper answered in time.".into()
        }
        Attempt::Failed | Attempt::Made => "The helper inet_gethost did not start, or does not work.".into(),
        Attempt::NotMade => format!(
            "Not started: a failing start halts the node, and there is too little room ({}).",
            node.room()
        ),
    }
}

/// Which of the things that are not counted an error stands for.
fn refused(errno: &str) -> String {
    let wants = match errno {
        "eagain" => "no room for an OS process: pids.max of the container, or RLIMIT_NPROC",
        "emfile" => "no descriptor, or a table that may not grow: fs.nr_open",
        "enfile" => "no open file of the kernel, or no pipe pages: fs.pipe-user-pages-hard",
        "enomem" => "no memory",
        "system_limit" => "no port, or no process of the node",
        "enoent" | "eacces" => "no shell to try it with",
        _ => "see errno(3)",
    };
    format!(
        "Not started: another program could not be started either ({errno}: {wants}), and a failing start of this one halts the node."
    )
}
