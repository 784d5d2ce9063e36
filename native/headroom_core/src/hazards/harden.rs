//! What may be done about the hazards while the node runs, and what came of it.

use serde::{Deserialize, Serialize};

use super::{on, Node, ALL};
use crate::finding::Id;
use headroom_facts::exposure::Exposure;
use headroom_facts::Facts;

/// What to do: nothing that is not named here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The hazards before anything was done.
    pub hazards: Vec<Id>,
    /// Whether to start the resolver's helper.
    pub start_resolver: bool,
    /// Whether to load the modules that print, log and serve a shell.
    pub load_modules: bool,
}

/// What came of the attempts.
#[derive(Clone, Debug, Deserialize)]
pub struct Attempts {
    /// The hazards before anything was done.
    pub hazards: Vec<Id>,
    /// The start of the resolver's helper.
    pub resolver: Attempt,
    /// Why no program could be started, where that was refused.
    #[serde(default)]
    pub refusal: Option<String>,
    /// The loading of modules.
    pub modules: Attempt,
}

atoms! {
    /// What came of one attempt.
    pub enum Attempt {
        /// It was left out.
        NotMade = "not_made",
        /// It was made, and nothing failed.
        Made = "made",
        /// The program is missing, or cannot be executed.
        NoProgram = "no_program",
        /// It failed.
        Failed = "failed",
        /// Another program of the same needs could not be started.
        Refused = "refused",
        /// It was not over in time.
        NoAnswer = "no_answer",
    }
}

/// One hazard, and whether it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hardened {
    /// Which.
    pub hazard: Id,
    /// Whether it no longer holds.
    pub done: bool,
    /// What was done, or why not.
    pub note: String,
}

/// What may be done now. Without room nothing is: a helper that cannot start halts the node, and a module that cannot be
/// loaded is logged by formatters that may be missing themselves.
pub fn plan(facts: &Facts, exposure: &Exposure) -> Plan {
    let node = Node::new(facts, exposure);
    let hazards: Vec<Id> = on(&node).iter().map(|found| found.id).collect();
    let room = node.has_room();
    Plan {
        start_resolver: room && hazards.contains(&Id::ResolverNotStarted),
        load_modules: room,
        hazards,
    }
}

/// What became of each hazard: done is only what does not hold any more.
pub fn outcome(attempts: &Attempts, facts: &Facts, exposure: &Exposure) -> Vec<Hardened> {
    let node = Node::new(facts, exposure);
    let left: Vec<Id> = on(&node).iter().map(|found| found.id).collect();
    let of = |&hazard: &Id| {
        let done = !left.contains(&hazard);
        let known = ALL.iter().find(|known| known.id == hazard)?;
        Some(Hardened {
            hazard,
            done,
            note: (known.note)(&node, attempts, done),
        })
    };
    attempts.hazards.iter().filter_map(of).collect()
}

/// Why modules were not loaded, where that is not theirs.
pub(super) fn loading_failed(node: &Node, attempts: &Attempts) -> Option<String> {
    match attempts.modules {
        Attempt::NotMade => Some(format!(
            "Nothing was loaded: there is too little room for it to be safe ({}).",
            node.room()
        )),
        Attempt::NoAnswer => Some(
            "Not all was loaded: the code server does not answer; a file system that hangs holds it.".into(),
        ),
        _ => None,
    }
}
