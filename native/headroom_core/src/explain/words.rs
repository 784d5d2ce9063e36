//! The sentences of a verdict: true, short, for an operator at night.

use super::operation::Operation;
use super::reason::Seen;
use super::suspect::{self, Question, Standing, Suspect};
use super::symptom::{Symptom, Told, Word};
use super::verdict::{Basis, Culprit, Rejected};
use super::{Case, Scene};
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
        basis(case),
        possible(case),
        choice(case, operation, scene),
        exhausted_now(case, scene),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (headline(case, &seen.told, scene), parts.join(" "))
}

fn of(used: Count, limit: Limit) -> String {
    format!("{} of {}", number::count(used), number::limit(limit))
}

/// Whether it is so, or was.
fn tense(case: &Case, now: &str, then: &str) -> String {
    (if case.holds_now() { now } else { then }).to_string()
}

fn when(case: &Case, scene: &Scene) -> String {
    match case.found.as_ref().map(|suspect| suspect.standing) {
        Some(Standing::Recorded(peak)) => {
            let seconds = scene.facts.taken_at.saturating_sub(peak.at).max(0) / 1000;
            format!("{} s ago", number::grouped(seconds.unsigned_abs()))
        }
        _ => "when this happened".into(),
    }
}

fn headline(case: &Case, told: &Told, scene: &Scene) -> String {
    let facts = &scene.facts;
    let nofile = &facts.nofile;
    let when = when(case, scene);
    let observed = case.basis == Basis::Observed;
    match case.culprit {
        Culprit::PortTable if observed => {
            let (used, limit) = facts.beam.ports;
            format!(
                "The port table of this node is full: {} ports are taken.",
                of(used, limit)
            )
        }
        Culprit::PortTable
            if case.symptom == Symptom::Word(Word::Enfile)
                && case.operation == Operation::Accept =>
        {
            "The port table of the node was full: up to R14 accept calls that enfile.".into()
        }
        Culprit::PortTable => format!("The port table of this node was full {when}."),
        Culprit::Nofile if facts.fds.free == Limit::Finite(0) => {
            format!(
                "This node has no free descriptor: {} are open (nofile).",
                of(facts.fds.open, nofile.soft)
            )
        }
        Culprit::Nofile if observed => {
            let free = match facts.fds.free {
                Limit::Finite(1) => "1 descriptor is".into(),
                free => format!("{} descriptors are", number::limit(free)),
            };
            let needs = case.operation.descriptors();
            format!("Only {free} free, and a program needs {needs} to start (nofile).")
        }
        Culprit::Nofile if case.basis == Basis::Probed => {
            "This node has no free descriptor: the kernel refused one just now (nofile).".into()
        }
        Culprit::Nofile => format!("This node had no free descriptor {when} (nofile)."),
        Culprit::MaxFds if observed => {
            format!(
                "This node is beyond max_fds {}: what it opens now is deaf.",
                number::limit(nofile.max_fds)
            )
        }
        // The line may be of another node: the numbers of this one say nothing about it.
        Culprit::MaxFds => {
            "A descriptor was beyond what the node that printed this can watch (max_fds).".into()
        }
        Culprit::NrOpen => format!(
            "fs.nr_open {} stops this node before its nofile.",
            number::limit(nofile.nr_open)
        ),
        Culprit::KernelFileMax if observed => {
            format!(
                "The kernel is out of open files: {} (fs.file-max).",
                of(nofile.file_nr, nofile.file_max)
            )
        }
        Culprit::KernelFileMax if case.basis == Basis::Probed => {
            "The kernel is out of open files: it refused one just now (fs.file-max).".into()
        }
        Culprit::KernelFileMax => format!("The kernel was out of open files {when} (fs.file-max)."),
        Culprit::KernelMemory => tense(
            case,
            "The kernel has no memory for another socket, pipe or file.",
            "The kernel had no memory for another socket, pipe or file.",
        ),
        Culprit::PipePages => tense(
            case,
            "The kernel refuses pipes to this user (fs.pipe-user-pages-hard).",
            "The kernel refused a pipe to this user (fs.pipe-user-pages-hard).",
        ),
        Culprit::InotifyInstances => {
            "This user had no inotify instance left (fs.inotify.max_user_instances).".into()
        }
        Culprit::EtsTables => "A node older than OTP 20 had no room for another ETS table.".into(),
        Culprit::Processes if observed => {
            let (used, limit) = facts.beam.processes;
            format!(
                "The process table of this node is full: {} are taken.",
                of(used, limit)
            )
        }
        Culprit::Processes => format!("The process table of this node was full {when}."),
        Culprit::Atoms if observed => {
            "The atom table of this node is full: the next new atom ends it.".into()
        }
        Culprit::Atoms => "The atom table was full: that ended the node.".into(),
        Culprit::OtherLimit => other(case).into(),
        Culprit::NotALimit => format!("{} is not a limit of this node.", told.as_str()),
        Culprit::Undetermined => match case.symptom {
            Symptom::Word(_) if case.suspects.is_empty() => {
                format!("{} is not known to come from a limit here.", told.as_str())
            }
            Symptom::Word(_) if case.suspects.len() == 1 => format!(
                "{} has one known cause here, and that does not show now.",
                told.as_str()
            ),
            Symptom::Word(_) => format!(
                "{} has several causes, and none of them shows now.",
                told.as_str()
            ),
            _ => "This reason is not known to come from a limit.".into(),
        },
    }
}

fn other(case: &Case) -> &'static str {
    match case.symptom {
        Symptom::Word(Word::Eaddrnotavail) => {
            "No local port was left towards that address (ip_local_port_range)."
        }
        Symptom::Word(Word::Eagain) => {
            "The system has no room for another OS process (pids, nproc)."
        }
        Symptom::Word(Word::Enospc) => {
            "A disk is full, or a quota of inotify or epoll watches is used up."
        }
        Symptom::TooLarge => "One term was too large: an atom, a binary or an integer.",
        Symptom::Unwatched => {
            "The kernel refused to watch a descriptor (fs.epoll.max_user_watches)."
        }
        Symptom::Word(Word::SystemLimit) => {
            "ets:new was refused memory or a key position, not for a number of tables."
        }
        _ => "A limit was in the way that headroom does not measure.",
    }
}

/// What the error means for this operation on this release.
fn rule(case: &Case, seen: &Seen, operation: Operation, scene: &Scene) -> String {
    let release = &scene.facts.otp_release;
    let noun = operation.noun();
    let old = case.release < Release(15, 1);
    match (case.culprit, case.symptom, operation) {
        (_, Symptom::Word(Word::Enfile), Operation::Undefined) if !old => {
            format!(
                "On OTP {release} only gen_sctp:peeloff says enfile for a full port table; up to R14 accept did."
            )
        }
        (_, _, Operation::Undefined) => String::new(),
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
            let raised = if suspect::is_raised(scene) {
                "The soft limit was raised after boot."
            } else {
                "It comes from a soft limit that is raised after boot, or from a high descriptor that is handed in."
            };
            format!("{raised} Such a socket gets no events, and closing it leaks the descriptor until the node ends.")
        }
        (Culprit::EtsTables, Symptom::TooManyTables, _) => {
            format!("This node runs OTP {release}, which refuses no table for their number.")
        }
        (Culprit::OtherLimit, Symptom::Word(Word::SystemLimit), Operation::Ets) => {
            format!("OTP {release} has no limit of ETS tables.")
        }
        (_, Symptom::Word(Word::Badarg), Operation::OsCmd) if case.culprit == Culprit::Undetermined => {
            "os:cmd keeps the cause in the stacktrace: pass {badarg, Stacktrace}.".into()
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

/// How far the evidence goes.
fn basis(case: &Case) -> String {
    let Some(found) = &case.found else {
        return String::new();
    };
    match (case.basis, case.culprit) {
        (
            Basis::ByElimination,
            Culprit::OtherLimit | Culprit::EtsTables | Culprit::Atoms | Culprit::InotifyInstances,
        ) => String::new(),
        (Basis::ByElimination, Culprit::KernelMemory) => {
            format!(
                "Nothing else is left; {}, so it may have passed.",
                found.why
            )
        }
        (Basis::ByElimination, Culprit::MaxFds) => format!("This node now: {}.", found.why),
        (Basis::ByElimination, _) => format!("It {} passed: {}.", has(found.room), found.why),
        (Basis::Recorded, _) => format!("The watcher saw it; now {}.", found.why),
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

/// The suspects that are left when there is more than one.
fn possible(case: &Case) -> String {
    if case.culprit != Culprit::Undetermined {
        return String::new();
    }
    let left: Vec<&Suspect> = case
        .suspects
        .iter()
        .filter(|suspect| suspect.standing == Standing::Possible)
        .collect();
    let passed = has(left.iter().all(|suspect| suspect.room));
    let names: Vec<String> = left
        .iter()
        .map(|suspect| format!("{} ({})", suspect.culprit.as_str(), suspect.why))
        .collect();
    // Each of these has causes that are no limit.
    let everyday = matches!(
        case.symptom,
        Symptom::Word(Word::Badarg | Word::Undef | Word::Nofile)
    );
    match names.as_slice() {
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
    let mut answers: Vec<(Culprit, Vec<&'static str>)> = Vec::new();
    for &operation in Operation::ALL {
        if super::rules::of(case.symptom, operation, case.release).is_empty()
            || operation == Operation::Undefined
        {
            continue;
        }
        let culprit = Case::new(case.symptom, operation, scene).culprit;
        match answers.iter_mut().find(|(known, _)| *known == culprit) {
            Some((_, operations)) => operations.push(operation.as_str()),
            None => answers.push((culprit, vec![operation.as_str()])),
        }
    }
    answers.retain(|(culprit, _)| *culprit != case.culprit);
    if answers.is_empty() {
        return String::new();
    }
    let answers: Vec<String> = answers
        .iter()
        .map(|(culprit, operations)| {
            format!("{} if it was {}", culprit.as_str(), either(operations))
        })
        .collect();
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
    let full: Vec<String> = Resources::new(&scene.facts)
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

/// The usual suspects that the error itself rules out, with their numbers.
pub(super) fn rules_out(case: &Case, scene: &Scene) -> Vec<Rejected> {
    let Symptom::Word(word) = case.symptom else {
        return Vec::new();
    };
    if !matches!(word, Word::Emfile | Word::Enfile | Word::SystemLimit) {
        return Vec::new();
    }
    let question = Question {
        symptom: case.symptom,
        operation: case.operation,
    };
    let usual = [Culprit::PortTable, Culprit::Nofile, Culprit::KernelFileMax];
    usual
        .into_iter()
        .filter(|culprit| {
            !case
                .suspects
                .iter()
                .any(|suspect| suspect.culprit == *culprit)
        })
        .map(|culprit| {
            let numbers = suspect::weigh(culprit, question, scene).why;
            let error = match culprit {
                Culprit::PortTable if word == Word::SystemLimit => {
                    format!("{} takes no port", case.operation.noun())
                }
                Culprit::PortTable => "that is system_limit".into(),
                Culprit::Nofile => "that is emfile".into(),
                _ => "that is enfile".into(),
            };
            let since = match (culprit, word) {
                (Culprit::PortTable, Word::Enfile) => " since R15B01",
                _ => "",
            };
            Rejected {
                verdict: culprit,
                why: format!("{error}{since}; {numbers}"),
            }
        })
        .collect()
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
