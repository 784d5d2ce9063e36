//! What is known when somebody asks: the facts of one moment, and whose facts they are.

use headroom_facts::probe::{Peak, Probe};
use headroom_facts::vocabulary::{Known, Limit};
use headroom_facts::{Facts, Nofile};

use super::reason::Elsewhere;

/// The facts of one moment: of the node, of the kernel when it was asked, and of the watcher.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene<'a> {
    /// The node.
    pub facts: &'a Facts,
    /// What the kernel said.
    pub probe: Probe,
    /// The highest use that a watcher saw, for each resource that it watches.
    pub recorded: Vec<Peak>,
}

/// The facts of this node without their numbers: what they say about an error of another one.
pub(super) fn of_another(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    let tables = &mut facts.beam;
    for table in [
        &mut tables.ports,
        &mut tables.processes,
        &mut tables.ets_tables,
        &mut tables.atoms,
    ] {
        *table = (Known::Unknown, Limit::Unknown);
    }
    facts.fds.open = Known::Unknown;
    facts.fds.free = Limit::Unknown;
    facts.fds.highest = Known::Unknown;
    facts.nofile = Nofile {
        soft: Limit::Unknown,
        hard: Limit::Unknown,
        nr_open: Limit::Unknown,
        max_fds: Limit::Unknown,
        file_max: Limit::Unknown,
        file_nr: Known::Unknown,
        exempt_from_file_max: Known::Unknown,
        can_raise_hard: Known::Unknown,
    };
    facts
}

/// Whose limit it was, in a sentence.
pub(super) fn whose(elsewhere: Option<&Elsewhere>) -> String {
    /// A longer name would fill the line.
    const LONGEST: usize = 24;
    match elsewhere {
        None => "this node".into(),
        Some(Elsewhere::Node(name)) if name.len() <= LONGEST && name.is_ascii() => name.clone(),
        Some(_) => "another node".into(),
    }
}
