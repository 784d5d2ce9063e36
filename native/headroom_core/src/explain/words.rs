//! The sentences of a verdict: true, short, for an operator at night.

use super::case::Case;
use super::operation::Operation;
use super::reason::Seen;
use super::scene::Scene;
use super::suspects::{self, Cause};
use super::symptom::{Symptom, Told, Word};
use super::verdict::{Basis, Culprit};
use crate::measure::Resources;
use crate::number;
use headroom_facts::release::Release;
use headroom_facts::vocabulary::{Count, Limit, Name};
use headroom_facts::Facts;

/// The verdict in one sentence of at most 80 characters, and what matters beside it.
pub(super) fn message(
    case: &Case,
    seen: &Seen,
    operation: Operation,
    scene: &Scene,
) -> (String, String) {
    let parts = [
        rule(case, seen, operation, scene),
        elsewhere(case),
        basis(case),
        possible(case),
        choice(case, operation, scene),
        exhausted_now(case, scene),
        unread(seen),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (headline(case, &seen.told, scene), parts.join(" "))
}

fn of(used: Count, limit: Limit) -> String {
    format!("{} of {}", number::count(used), number::limit(limit))
}

fn headline(case: &Case, told: &Told, scene: &Scene) -> String {
    let told = told.as_str();
    if let Some(found) = &case.found {
        return found.cause.suspect().headline(case, scene);
    }
    let word = matches!(case.symptom, Symptom::Word(_));
    let causes = case.suspects.len() + usize::from(case.beside.is_some());
    match (case.culprit, causes) {
        (Culprit::NotALimit, _) if case.symptom == Symptom::Rubbish => {
            "A driver or NIF handed in a number that no descriptor has: no limit is in the way."
                .into()
        }
        (Culprit::NotALimit, _) => format!("{told} is not a limit of this node."),
        (_, 0) if word => format!("{told} is not known to come from a limit here."),
        (_, 1) if word => {
            format!("{told} has one known cause here, and that does not show now.")
        }
        (_, 2..) if word => format!("{told} has several causes, and none of them shows now."),
        (_, 2..) => "This has several causes, and none of them shows now.".into(),
        _ => "This reason is not known to come from a limit.".into(),
    }
}

/// What the error means for this operation on this release.
fn rule(case: &Case, seen: &Seen, operation: Operation, scene: &Scene) -> String {
    match case.symptom {
        Symptom::Word(Word::Eagain) if case.culprit == Culprit::Undetermined => {
            return "It means OS processes where a program or thread is started; elsewhere it says that something is busy.".into();
        }
        Symptom::AtomsFull => {
            return "Atoms are never freed: who makes them without end ends the next node as well."
                .into();
        }
        Symptom::Rubbish => {
            return format!(
                "{} cannot be a descriptor: look at the driver or NIF that the line names.",
                number::plain(seen.descriptor.unwrap_or_default())
            );
        }
        _ => (),
    }
    let named = operation != Operation::Undefined;
    match (case.culprit, case.symptom) {
        (Culprit::Undetermined, Symptom::Word(Word::Undef | Word::Nofile | Word::Nxdomain)) => (),
        (_, Symptom::Word(Word::Enfile)) => (),
        _ if !named => return String::new(),
        _ => (),
    }
    let release = &scene.facts.otp_release;
    let noun = operation.noun();
    let old = case.release < Release(15, 1);
    match (case.culprit, case.symptom, operation) {
        (_, Symptom::Word(Word::Enfile), Operation::Undefined) if !old => {
            format!(
                "On OTP {release} only gen_sctp:peeloff says enfile for a full port table; up to R14 accept did."
            )
        }
        (_, Symptom::Word(Word::SystemLimit), _) if case.operation == Operation::Spawn => {
            let shown = if seen.spawning {
                "The stacktrace shows that a process could not be started. "
            } else {
                ""
            };
            format!("{shown}Only the process table refuses a spawn.")
        }
        (Culprit::PortTable, Symptom::Word(Word::SystemLimit), _) => {
            format!("On OTP {release} {noun} says system_limit for the port table alone: no descriptor would be emfile, the kernel's limit enfile.")
        }
        (_, Symptom::Word(Word::Enfile), Operation::Peeloff) if !old => {
            format!("On OTP {release} peeloff still says enfile for a full port table; accept and connect say system_limit.")
        }
        (_, Symptom::Word(Word::Enfile), Operation::Peeloff | Operation::Ets | Operation::Spawn) => String::new(),
        (_, Symptom::Word(Word::Enfile), Operation::Accept) if !old => {
            format!("On OTP {release} enfile from accept comes from the kernel. Up to R14 it meant a full port table, as old pages still say.")
        }
        (_, Symptom::Word(Word::Enfile), _) if !old => {
            format!("On OTP {release} enfile from {noun} comes from the kernel, not from the VM.")
        }
        (Culprit::MaxFds, Symptom::Word(Word::Emfile), _) => {
            "The VM made this emfile up: a pipe got a number that it cannot watch. The kernel refused nothing.".into()
        }
        (Culprit::MaxFds, _, _) => {
            let raised = if suspects::is_raised(scene) {
                "The soft limit was raised after boot."
            } else {
                "It comes from a soft limit that is raised after boot, or from a high descriptor that is handed in."
            };
            format!("{raised} Such a socket gets no events, and closing it leaks the descriptor until the node ends.")
        }
        (Culprit::EtsTables, Symptom::TooManyTables, _) if !case.elsewhere => {
            format!("This node runs OTP {release}, which refuses no table for their number.")
        }
        (Culprit::OtherLimit, Symptom::Word(Word::SystemLimit), Operation::Ets) => {
            format!("OTP {release} has no limit of ETS tables.")
        }
        (_, Symptom::Word(Word::Badarg), Operation::OsCmd) if case.culprit == Culprit::Undetermined => {
            "os:cmd keeps the cause in the stacktrace: pass {badarg, Stacktrace}.".into()
        }
        (Culprit::Undetermined, Symptom::Word(Word::Nxdomain), _) => {
            "A name server that could not be asked, for want of a socket, looks the same as a name that does not exist.".into()
        }
        (Culprit::Undetermined, Symptom::Word(Word::Undef | Word::Nofile), _) => {
            "A module that cannot be read, for want of a descriptor, looks the same as one that does not exist.".into()
        }
        (Culprit::NotALimit, Symptom::Word(Word::Timeout | Word::Etimedout), Operation::Connect) => {
            "The other side may be at one of its limits: a full backlog looks like this from here.".into()
        }
        (Culprit::NotALimit, Symptom::Word(Word::Closed), Operation::Accept) => {
            "accept says closed when the listening socket itself is closed, a TLS handshake when the other side went away.".into()
        }
        (Culprit::NotALimit, Symptom::Word(Word::Closed), Operation::Listen) => {
            "The listening socket itself was closed.".into()
        }
        (Culprit::NotALimit, Symptom::Word(Word::Closed | Word::Econnreset), _) => {
            "The other side closed. A BEAM node with a full port table does that to each client.".into()
        }
        _ => String::new(),
    }
}

/// Whose limit it was, where it was none of ours.
fn elsewhere(case: &Case) -> String {
    if !case.elsewhere {
        return String::new();
    }
    format!(
        "It happened on {}: the tables of this node say nothing about it.",
        case.whose
    )
}

/// How far the evidence goes.
fn basis(case: &Case) -> String {
    let Some(found) = &case.found else {
        return String::new();
    };
    let account = &found.account;
    match (case.basis, found.cause) {
        _ if case.elsewhere => String::new(),
        (Basis::ByElimination, Cause::OsProcesses) => format!("{}.", account.why),
        (Basis::ByElimination, Cause::KernelMemory) => {
            format!(
                "Nothing else is left; {}, so it may have passed.",
                account.why
            )
        }
        (Basis::ByElimination, Cause::MaxFds) => format!("This node now: {}.", account.why),
        (
            Basis::ByElimination,
            Cause::PortTable
            | Cause::Processes
            | Cause::Nofile
            | Cause::NrOpen
            | Cause::KernelFileMax
            | Cause::PipePages,
        ) => format!("It {} passed: {}.", has(account.room), account.why),
        (Basis::Recorded, _) => format!("The watcher saw it; now {}.", account.why),
        (Basis::Probed, Cause::LocalPorts) => format!("{}.", account.why),
        _ => String::new(),
    }
}

/// What is not measured may still be so.
fn has(room: bool) -> &'static str {
    if room {
        "has"
    } else {
        "may have"
    }
}

/// What is left when there is more than one.
fn possible(case: &Case) -> String {
    if case.culprit != Culprit::Undetermined {
        return String::new();
    }
    let passed = has(case.left().all(|suspect| suspect.account.room));
    let mut names: Vec<String> = case
        .left()
        .map(|suspect| format!("{} ({})", suspect.cause.noun(), suspect.account.why))
        .collect();
    if let Some(beside) = case.beside {
        // The cause of everyday comes first.
        return match names.as_slice() {
            [] => String::new(),
            names => format!(
                "Either {beside}; or it was {}, and {passed} passed.",
                names.join("; ")
            ),
        };
    }
    // Each of these has causes that are no limit.
    let everyday = matches!(
        case.symptom,
        Symptom::Word(Word::Badarg | Word::Undef | Word::Nofile | Word::Nxdomain)
    );
    match names.as_mut_slice() {
        [] => String::new(),
        [name] => format!("If it was a limit, it was {name}, and {passed} passed."),
        names if everyday => format!(
            "If it was a limit, it was one of these, and {passed} passed: {}.",
            names.join("; ")
        ),
        names => format!(
            "It was one of these, and {passed} passed: {}.",
            names.join("; ")
        ),
    }
}

/// Which operation would change the answer, when none is known.
fn choice(case: &Case, operation: Operation, scene: &Scene) -> String {
    if operation != Operation::Undefined || case.suspects.len() < 2 {
        return String::new();
    }
    let answers: Vec<String> = case
        .by_operation(scene)
        .iter()
        .map(|(culprit, operations)| {
            format!("{} if it was {}", culprit.as_str(), either(operations))
        })
        .collect();
    if answers.is_empty() {
        return String::new();
    }
    format!("Name the operation: {}.", answers.join("; "))
}

fn either(words: &[&str]) -> String {
    match words {
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second} or the like")
        }
        words => words.join(" or "),
    }
}

/// What is exhausted although it was not the culprit: an answer that is not known must not hide it.
fn exhausted_now(case: &Case, scene: &Scene) -> String {
    if case.found.is_some() {
        return String::new();
    }
    let full: Vec<String> = Resources::new(scene.facts)
        .iter()
        .filter(|resource| resource.enforced && resource.free == Limit::Finite(0))
        .map(|resource| {
            format!(
                "{} ({})",
                resource.name.noun(),
                of(resource.used, resource.limit)
            )
        })
        .collect();
    if full.is_empty() {
        return String::new();
    }
    format!("But exhausted now: {}.", full.join(", "))
}

/// What of a long text nobody read.
fn unread(seen: &Seen) -> String {
    match seen.unread {
        0 => String::new(),
        bytes => format!(
            "Not read: {} bytes in the middle of the text.",
            number::plain(bytes)
        ),
    }
}

/// All resources in one line.
pub(super) fn state(facts: &Facts) -> String {
    let name = |name: Name| match name {
        Name::Fds => "descriptors",
        name => name.as_str(),
    };
    let parts: Vec<String> = Resources::new(facts)
        .iter()
        .filter(|resource| resource.enforced)
        .map(|resource| {
            format!(
                "{} {}",
                name(resource.name),
                of(resource.used, resource.limit)
            )
        })
        .collect();
    parts.join(", ")
}
