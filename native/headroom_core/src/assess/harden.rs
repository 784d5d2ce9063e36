//! What may be done about the hazards while the node runs, and what came of it.

use serde::{Deserialize, Serialize};

use super::hazards::{hazards, Node};
use crate::finding::Id;
use crate::measure::Resources;
use crate::number::{self, grouped};
use headroom_facts::exposure::Exposure;
use headroom_facts::otp::PORT_PROGRAM_FDS;
use headroom_facts::vocabulary::Name;
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
    let hazards: Vec<Id> = hazards(facts, exposure)
        .iter()
        .map(|found| found.id)
        .collect();
    let room = node(facts, exposure).has_room();
    Plan {
        start_resolver: room && hazards.contains(&Id::ResolverNotStarted),
        load_modules: room,
        hazards,
    }
}

/// What became of each hazard: done is only what does not hold any more.
pub fn outcome(attempts: &Attempts, facts: &Facts, exposure: &Exposure) -> Vec<Hardened> {
    let left: Vec<Id> = hazards(facts, exposure)
        .iter()
        .map(|found| found.id)
        .collect();
    let node = node(facts, exposure);
    let of = |&hazard: &Id| {
        let done = !left.contains(&hazard);
        Hardened {
            hazard,
            done,
            note: note(hazard, done, attempts, &node),
        }
    };
    attempts.hazards.iter().map(of).collect()
}

fn node<'a>(facts: &'a Facts, exposure: &'a Exposure) -> Node<'a> {
    Node {
        facts,
        exposure,
        resources: Resources::new(facts),
    }
}

fn note(hazard: Id, done: bool, attempts: &Attempts, node: &Node) -> String {
    match (hazard, done) {
        (Id::ResolverNotStarted, true) => format!(
            "inet_gethost runs: a port program, 1 port and 2 descriptors. If it is killed, its next start takes {PORT_PROGRAM_FDS} descriptors and a port again, or the node halts."
        ),
        (Id::ResolverNotStarted, false) => resolver_is_missing(attempts, node),
        (Id::FormattersNotLoaded, true) => {
            "The modules that format log events, and those of a shell, are loaded, and were run once.".into()
        }
        (Id::FormattersNotLoaded | Id::InteractiveCodeLoading, false)
            if attempts.modules == Attempt::NotMade =>
        {
            format!("Nothing was loaded: there is too little room for it to be safe ({}).", room(node))
        }
        (Id::FormattersNotLoaded | Id::InteractiveCodeLoading, false)
            if attempts.modules == Attempt::NoAnswer =>
        {
            "Not all was loaded: the code server does not answer; a file system that hangs holds it.".into()
        }
        (Id::FormattersNotLoaded, false) => format!(
            "These could not be loaded: {}.",
            node.exposure.unloaded_formatters.join(", ")
        ),
        (Id::InteractiveCodeLoading, true) => "Every module of the loaded applications is loaded.".into(),
        (Id::InteractiveCodeLoading, false) => format!(
            "Modules that print, log and serve a shell are loaded; {} others are loaded at their first call. A release with -mode embedded loads all at boot.",
            grouped(node.exposure.unloaded_modules)
        ),
        (Id::FileServerNeedsProcess, _) => {
            "Nothing can be done while the node runs: keep processes free (+P), open files raw.".into()
        }
        (Id::MnesiaLogDeletedAtEnfile, _) => {
            "Nothing was done: ask headroom:check/1 for free files of the kernel before Mnesia starts.".into()
        }
        (Id::DistListenerSpins, _) => {
            "Nothing was done: who may connect is a setting of the node.".into()
        }
        (Id::SoftAboveMaxFds, _) => {
            "The limit was left as it is: headroom:clamp_nofile/0 brings it back to max_fds.".into()
        }
        (_, true) => "It no longer holds.".into(),
        (_, false) => "Nothing was done.".into(),
    }
}

fn resolver_is_missing(attempts: &Attempts, node: &Node) -> String {
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
            room(node)
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

fn room(node: &Node) -> String {
    let free = |name| number::limit(node.of(name).free);
    format!(
        "free are {} descriptors, {} ports, {} processes, {} files of the kernel",
        free(Name::Fds),
        free(Name::Ports),
        free(Name::Processes),
        free(Name::KernelFiles)
    )
}
