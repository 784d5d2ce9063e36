//! What would end this node, mute it or lose its data when a descriptor, port or process is missing: a file each.
//!
//! Each of them was met on OTP 23 to 29; a hazard is a notice until the resource behind it is at warning. A new one is a file
//! here and a line in the table, with its proof and its paragraph in docs/hazards.md.

mod code_loading;
mod dist_listener;
mod file_server;
mod formatters;
pub mod harden;
mod mnesia;
mod node;
mod resolver;
mod soft_above_max_fds;

pub use code_loading::LOAD_ALL;

use crate::finding::{Finding, Id};
use harden::Attempts;
use headroom_facts::exposure::Exposure;
use headroom_facts::Facts;
use node::Node;

/// One hazard: all that is known of it.
struct Hazard {
    id: Id,
    /// Whether `harden/0` can take it away while the node runs.
    harden: bool,
    /// Whether every node of its release has it, whatever was done: no news until the resource behind it runs out.
    everywhere: bool,
    /// How it stands on a node, if it does.
    find: fn(&Node) -> Option<Finding>,
    /// What became of it after the attempts, and whether it is gone.
    note: fn(&Node, &Attempts, bool) -> String,
}

const ALL: [Hazard; 7] = [
    resolver::HAZARD,
    code_loading::HAZARD,
    formatters::HAZARD,
    soft_above_max_fds::HAZARD,
    dist_listener::HAZARD,
    file_server::HAZARD,
    mnesia::HAZARD,
];

/// What hazards are called.
pub fn ids() -> impl Iterator<Item = Id> {
    ALL.iter().map(|hazard| hazard.id)
}

/// Whether every node has it, so that it is told only once it is close.
pub fn is_everywhere(id: Id) -> bool {
    ALL.iter()
        .any(|hazard| hazard.id == id && hazard.everywhere)
}

/// The hazards that hold for this node now, the worst first.
pub fn hazards(facts: &Facts, exposure: &Exposure) -> Vec<Finding> {
    on(&Node::new(facts, exposure))
}

fn on(node: &Node) -> Vec<Finding> {
    let mut found: Vec<Finding> = ALL.iter().filter_map(|hazard| node.look(hazard)).collect();
    found.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.resource));
    found
}
