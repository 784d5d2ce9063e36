//! A soft limit that somebody raised above what the VM can watch: sockets above are deaf, and leak when closed.

use super::harden::Attempts;
use super::{Hazard, Node};
use crate::assess;
use crate::finding::{Finding, Id};
use headroom_facts::vocabulary::Level;

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::SoftAboveMaxFds,
    harden: false,
    everywhere: false,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    let mut finding = assess::soft_above_max_fds(node.facts)?;
    finding.level = Level::Warning;
    Some(finding)
}

fn note(_: &Node, _: &Attempts, done: bool) -> String {
    if done {
        return "It no longer holds.".into();
    }
    "The limit was left as it is: headroom:clamp_nofile/0 brings it back to max_fds.".into()
}
