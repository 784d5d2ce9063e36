//! Each suspect in one place: how it stands, what is said of it, what helps, and what the other end of a connection notices.
//!
//! A new one is a [`Cause`], its entry in the file of its kind, and its rows in the table of rules.

mod descriptors;
mod kernel;
mod others;
mod tables;
mod watches;

pub(super) use descriptors::is_raised;

use super::case::Case;
use super::operation::Operation;
use super::scene::Scene;
use super::symptom::Symptom;
use super::verdict::Culprit;
use crate::finding::Fix;
use crate::number;
use headroom_facts::probe::{Outcome, Peak};
use headroom_facts::vocabulary::{Count, Known, Limit, Name};

/// What can be behind an error. Some share a verdict: those that headroom does not measure all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    PortTable,
    Processes,
    Atoms,
    EtsTables,
    Nofile,
    MaxFds,
    NrOpen,
    KernelFileMax,
    KernelMemory,
    PipePages,
    InotifyInstances,
    InotifyWatches,
    EpollWatches,
    LocalPorts,
    OsProcesses,
    /// A disk or a quota of it, or watches of inotify or epoll: `enospc` does not say which.
    Space,
    /// A file system, or a device.
    FileSystem,
    /// One term that is too large.
    OneTerm,
    /// `ets:new` was refused memory.
    NoTable,
    /// The emulator got no memory.
    VmMemory,
}

impl Cause {
    pub(super) fn suspect(self) -> &'static dyn Suspect {
        match self {
            Cause::PortTable => &tables::PortTable,
            Cause::Processes => &tables::Processes,
            Cause::Atoms => &tables::Atoms,
            Cause::EtsTables => &tables::EtsTables,
            Cause::Nofile => &descriptors::Nofile,
            Cause::MaxFds => &descriptors::MaxFds,
            Cause::NrOpen => &descriptors::NrOpen,
            Cause::KernelFileMax => &kernel::FileMax,
            Cause::KernelMemory => &kernel::Memory,
            Cause::PipePages => &kernel::PipePages,
            Cause::InotifyInstances => &watches::InotifyInstances,
            Cause::InotifyWatches => &watches::InotifyWatches,
            Cause::EpollWatches => &watches::EpollWatches,
            Cause::LocalPorts => &kernel::LocalPorts,
            Cause::OsProcesses => &kernel::OsProcesses,
            Cause::Space => &others::Space,
            Cause::FileSystem => &others::FileSystem,
            Cause::OneTerm => &others::OneTerm,
            Cause::NoTable => &others::NoTable,
            Cause::VmMemory => &others::VmMemory,
        }
    }

    pub(super) fn culprit(self) -> Culprit {
        match self {
            Cause::PortTable => Culprit::PortTable,
            Cause::Processes => Culprit::Processes,
            Cause::Atoms => Culprit::Atoms,
            Cause::EtsTables => Culprit::EtsTables,
            Cause::Nofile => Culprit::Nofile,
            Cause::MaxFds => Culprit::MaxFds,
            Cause::NrOpen => Culprit::NrOpen,
            Cause::KernelFileMax => Culprit::KernelFileMax,
            Cause::KernelMemory => Culprit::KernelMemory,
            Cause::PipePages => Culprit::PipePages,
            Cause::InotifyInstances => Culprit::InotifyInstances,
            Cause::InotifyWatches
            | Cause::EpollWatches
            | Cause::LocalPorts
            | Cause::OsProcesses
            | Cause::Space
            | Cause::FileSystem
            | Cause::OneTerm
            | Cause::NoTable
            | Cause::VmMemory => Culprit::OtherLimit,
        }
    }

    /// What it is called where several are possible.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Cause::LocalPorts => "the local ports",
            Cause::OsProcesses => "the number of OS processes",
            Cause::InotifyWatches => "the inotify watches",
            Cause::EpollWatches => "the epoll watches",
            cause => cause.culprit().as_str(),
        }
    }
}

/// What is known of a suspect.
pub(super) trait Suspect: Sync {
    /// How it stands, and the numbers that say so.
    fn stands(&self, question: Question, scene: &Scene) -> Account;

    /// That it was this one, in one sentence of at most 80 characters.
    fn headline(&self, case: &Case, scene: &Scene) -> String;

    /// Lines that help.
    fn fixes(&self, case: &Case, scene: &Scene) -> Vec<Fix>;

    /// Lines that look, where it is one of several.
    fn looks(&self, _scene: &Scene) -> Vec<Fix> {
        Vec::new()
    }

    /// What the other end of a connection notices, where that depends on the suspect.
    fn seen_by_client(&self, _operation: Operation, _now: bool) -> Option<String> {
        None
    }

    /// The resource that a watcher counts.
    fn resource(&self) -> Option<Name> {
        None
    }
}

/// How a suspect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is exhausted at this moment.
    Exhausted,
    /// It was, when the watcher looked.
    Recorded(Peak),
    /// The kernel refused just now.
    Refused,
    /// It has room now, or that is not known; it may have been exhausted then.
    Possible,
    /// It cannot have been.
    Impossible,
}

/// How a suspect stands, and the numbers that say so.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub standing: Standing,
    pub why: String,
    /// Whether the numbers or the probe show room at this moment. Of no meaning for one that is exhausted.
    pub room: bool,
}

impl Account {
    fn new(standing: Standing, why: impl Into<String>, room: bool) -> Account {
        Account {
            standing,
            why: why.into(),
            room,
        }
    }

    /// Nothing can be said but that it is possible.
    fn possible(why: &str) -> Account {
        Account::new(Standing::Possible, why, false)
    }
}

/// The question that a suspect is asked about.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub symptom: Symptom,
    pub operation: Operation,
}

/// A suspect of a case.
#[derive(Clone, Debug)]
pub(super) struct Suspected {
    pub cause: Cause,
    pub account: Account,
}

/// Asks a suspect, and what a watcher saw.
pub(super) fn weigh(cause: Cause, question: Question, scene: &Scene) -> Suspected {
    let suspect = cause.suspect();
    let mut account = suspect.stands(question, scene);
    let recorded = scene.recorded.iter().find(|peak| {
        Some(peak.name) == suspect.resource() && peak.limit > 0 && peak.used >= peak.limit
    });
    if let (Standing::Possible | Standing::Refused, Some(peak)) = (account.standing, recorded) {
        account.standing = Standing::Recorded(*peak);
    }
    Suspected { cause, account }
}

fn full(used: Count, limit: Limit) -> bool {
    matches!((used, limit), (Known::Is(used), Limit::Finite(limit)) if used >= limit)
}

fn of(used: Count, limit: Limit) -> String {
    format!("{} of {}", number::count(used), number::limit(limit))
}

fn counted(used: Count, limit: Limit) -> bool {
    limit.minus(used) != Limit::Unknown
}

/// Whether it is so, or was.
fn tense(case: &Case, now: &str, then: &str) -> String {
    (if case.holds_now() { now } else { then }).to_string()
}

const A_DESCRIPTOR: &str = "a descriptor";
const A_FILE: &str = "an open file";

/// What the probe of a suspect adds to its numbers.
fn answer(outcome: Outcome, what: &str) -> String {
    match outcome {
        Outcome::Granted => format!(", and the kernel granted {what} just now"),
        Outcome::Refused(libc::EMFILE) if what == A_FILE => {
            ", and the kernel could not be asked: no descriptor is free".into()
        }
        Outcome::Refused(errno) => {
            format!(", and the kernel refused {what} just now (errno {errno})")
        }
        Outcome::NotDone => String::new(),
    }
}

/// A connection waits in the kernel while nobody can take it.
fn hangs(operation: Operation, now: bool) -> Option<String> {
    match operation {
        Operation::Accept => {
            let spins = if now {
                "spins now"
            } else {
                "spins while that lasts"
            };
            Some(format!("It hangs: the connection waits in the listen backlog until there is room. A bare accept loop {spins}."))
        }
        Operation::Undefined => {
            let (hang, spins) = if now {
                ("hang", "spins")
            } else {
                ("hung", "spun")
            };
            Some(format!(
                "New connections {hang} in the listen backlog; a bare accept loop {spins}."
            ))
        }
        _ => None,
    }
}
