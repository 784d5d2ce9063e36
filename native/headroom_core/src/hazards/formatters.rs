//! Modules that format log events and are not loaded: without a descriptor the node is mute.

use super::harden::{loading_failed, Attempts};
use super::{Hazard, Node};
use crate::finding::{Finding, Id, Key, Proof};
use crate::number::plain;
use headroom_facts::exposure::CodeMode;
use headroom_facts::release::Release;
use headroom_facts::vocabulary::Name;

/// The first release whose logger keeps a handler that failed.
const HANDLER_STAYS: Release = Release(26, 0);

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::FormattersNotLoaded,
    harden: true,
    everywhere: false,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    let modules = &node.exposure.unloaded_formatters;
    let exposed = node.exposure.code_mode == CodeMode::Interactive && !modules.is_empty();
    exposed.then(|| {
        let consequence = if node.release() < HANDLER_STAYS {
            "the first event removes the default handler for good, and the node is mute"
        } else {
            "events come out as FORMATTER CRASHED"
        };
        node.hazard(
            Id::FormattersNotLoaded,
            &[Name::Fds, Name::KernelFiles],
            format!(
                "{} modules that format log events are not loaded: without a free descriptor {consequence}.",
                plain(modules.len() as u64)
            ),
            vec![
                (Key::Modules, Proof::Texts(modules.clone())),
                node.free(Key::FreeFds, Name::Fds),
            ],
            node.by_harden("loads them and what a shell needs"),
        )
    })
}

fn note(node: &Node, attempts: &Attempts, done: bool) -> String {
    if done {
        return "The modules that format log events, and those of a shell, are loaded, and were run once.".into();
    }
    loading_failed(node, attempts).unwrap_or_else(|| {
        let missing = node.exposure.unloaded_formatters.join(", ");
        format!("These could not be loaded: {missing}.")
    })
}
