//! The file server: with a full process table one file that is not opened raw takes the node down.

use super::harden::Attempts;
use super::{Hazard, Node};
use crate::advise::boot;
use crate::finding::{Finding, Id, Key, Proof};
use crate::number;
use headroom_facts::vocabulary::Name;

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::FileServerNeedsProcess,
    harden: false,
    everywhere: true,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    node.exposure.file_server.then(|| {
        let processes = node.of(Name::Processes);
        node.hazard(
            Id::FileServerNeedsProcess,
            &[Name::Processes],
            format!(
                "With a full process table one file:open without the option raw takes the node down with file_server_2 ({} of {} processes are free).",
                number::limit(processes.free),
                number::limit(processes.limit)
            ),
            vec![
                (Key::Free, Proof::Limit(processes.free)),
                (Key::Limit, Proof::Limit(processes.limit)),
            ],
            boot::more(node.facts, Name::Processes),
        )
    })
}

fn note(_: &Node, _: &Attempts, _: bool) -> String {
    "Nothing can be done while the node runs: keep processes free (+P), open files raw.".into()
}
