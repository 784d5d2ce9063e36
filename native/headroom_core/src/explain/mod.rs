//! Why a call failed: `(reason, operation, facts)` gives a verdict with its evidence, whatever they are.
//!
//! Evidence counts in this order: exhausted now, recorded by the watcher, refused by the kernel just now, and what is left
//! when everything else is impossible.

mod client;
mod log_line;
mod operation;
mod printed;
mod reason;
mod remedy;
mod rules;
mod suspect;
mod symptom;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

use headroom_facts::probe::{Outcome, Peak, Probe};
pub use operation::Operation;
pub use symptom::{Told, Word};
pub use verdict::{Basis, Culprit, Rejected, Verdict};

use headroom_facts::release::Release;
use rules::Weight;
use suspect::{Question, Standing, Suspect};
use symptom::Symptom;

use crate::finding::{takes_restart, Evidence, Fix, Key, Proof};
use headroom_facts::term::Value;
use headroom_facts::Facts;

/// The facts of one moment: of the node, of the kernel when it was asked, and of the watcher.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The node.
    pub facts: Facts,
    /// What the kernel said.
    pub probe: Probe,
    /// The highest use that a watcher saw, for each resource that it watches.
    pub recorded: Vec<Peak>,
}

/// Whether the probe should ask for a pipe too: only where a pipe may be what was refused.
pub fn suspects_pipes(reason: &Value, operation: Operation) -> bool {
    let seen = reason::read(reason);
    let operation = asked(operation, seen.operation);
    seen.symptom == Symptom::Word(Word::Enfile)
        && (operation.starts_program() || operation == Operation::Undefined)
}

fn asked(given: Operation, shown: Option<Operation>) -> Operation {
    match given {
        Operation::Undefined => shown.unwrap_or(Operation::Undefined),
        given => given,
    }
}

/// How full every enforced resource is, in one line.
pub fn state(facts: &Facts) -> String {
    words::state(facts)
}

/// Why an operation failed with a reason.
pub fn explain(reason: &Value, operation: Operation, scene: &Scene) -> Verdict {
    let seen = reason::read(reason);
    let operation = asked(operation, seen.operation);
    let weighed = if seen.spawning {
        Operation::Spawn
    } else {
        operation
    };
    let case = Case::new(possible(&seen, &scene.facts), weighed, scene);
    let fix: Vec<Fix> = remedy::fixes(&case, scene);
    let (headline, detail) = words::message(&case, &seen, operation, scene);
    Verdict {
        reason: seen.told,
        operation,
        verdict: case.culprit,
        basis: case.basis,
        evidence: evidence(&case, scene),
        rejected: case.rejected(scene),
        client_sees: client::sees(&case, operation),
        restart: takes_restart(&fix),
        fix,
        message: if detail.is_empty() {
            headline.clone()
        } else {
            format!("{headline} {detail}")
        },
        headline: headline.len(),
    }
}

/// No descriptor has a number beyond what the kernel allows: a driver handed in rubbish.
fn possible(seen: &reason::Seen, facts: &Facts) -> Symptom {
    let largest = facts.nofile.nr_open.finite().unwrap_or(1 << 30);
    match (seen.symptom, seen.descriptor) {
        (Symptom::Deaf, Some(descriptor)) if descriptor >= largest => Symptom::Rubbish,
        (symptom, _) => symptom,
    }
}

/// The suspects of one question, and which of them it was.
struct Case {
    symptom: Symptom,
    operation: Operation,
    release: Release,
    culprit: Culprit,
    basis: Basis,
    /// How the culprit stands, if it is a suspect.
    found: Option<Suspect>,
    suspects: Vec<Suspect>,
}

impl Case {
    fn new(symptom: Symptom, operation: Operation, scene: &Scene) -> Case {
        let release = Release::parse(&scene.facts.otp_release);
        let mut rules = rules::of(symptom, operation, release);
        if rules.is_empty() && !rules::is_harmless(symptom) {
            // Such an operation does not say so: what the state shows counts.
            rules = rules::of(symptom, Operation::Undefined, release);
        }
        let question = Question { symptom, operation };
        let mut suspects: Vec<(Suspect, Weight)> = Vec::new();
        for rule in rules {
            if !suspects
                .iter()
                .any(|(known, _)| known.culprit == rule.culprit)
            {
                suspects.push((suspect::weigh(rule.culprit, question, scene), rule.weight));
            }
        }
        let (found, basis) = choose(&suspects);
        let culprit = match found {
            Some(index) => suspects[index].0.culprit,
            None if rules::is_harmless(symptom) => Culprit::NotALimit,
            None => Culprit::Undetermined,
        };
        Case {
            symptom,
            operation,
            release,
            culprit,
            basis,
            found: found.map(|index| suspects[index].0.clone()),
            suspects: suspects.into_iter().map(|(suspect, _)| suspect).collect(),
        }
    }

    fn rejected(&self, scene: &Scene) -> Vec<Rejected> {
        let cleared = |suspect: &&Suspect| match self.found {
            Some(_) => suspect.culprit != self.culprit,
            None => suspect.standing == Standing::Impossible,
        };
        let others = self.suspects.iter().filter(cleared);
        let mut rejected: Vec<Rejected> = others
            .map(|suspect| Rejected {
                verdict: suspect.culprit,
                why: suspect.why.clone(),
            })
            .collect();
        rejected.extend(words::rules_out(self, scene));
        rejected
    }
}

/// The first of the strongest evidence. By elimination there must be one that is left, and only one.
fn choose(suspects: &[(Suspect, Weight)]) -> (Option<usize>, Basis) {
    let strongest = suspects
        .iter()
        .enumerate()
        .filter_map(|(index, (suspect, _))| Some((index, basis_of(suspect.standing)?)))
        .min_by_key(|(_, basis)| *basis);
    if let Some((index, basis)) = strongest {
        return (Some(index), basis);
    }
    for weight in [Weight::Usual, Weight::Otherwise] {
        let left: Vec<usize> = suspects
            .iter()
            .enumerate()
            .filter(|(_, (suspect, w))| *w == weight && suspect.standing == Standing::Possible)
            .map(|(index, _)| index)
            .collect();
        match left[..] {
            [] => continue,
            [index] => return (Some(index), Basis::ByElimination),
            _ => break,
        }
    }
    (None, Basis::None)
}

/// The basis of what a suspect's own standing shows.
fn basis_of(standing: Standing) -> Option<Basis> {
    match standing {
        Standing::Exhausted => Some(Basis::Observed),
        Standing::Recorded(_) => Some(Basis::Recorded),
        Standing::Refused => Some(Basis::Probed),
        Standing::Possible | Standing::Impossible => None,
    }
}

fn evidence(case: &Case, scene: &Scene) -> Evidence {
    let Scene {
        facts,
        probe,
        recorded,
    } = scene;
    let nofile = &facts.nofile;
    let mut evidence = vec![
        (Key::Probe, Proof::Probe(*probe)),
        (Key::OtpRelease, Proof::Text(facts.otp_release.clone())),
        (Key::Fds, Proof::Table(facts.fds.open, nofile.soft)),
        (Key::Free, Proof::Limit(facts.fds.free)),
        (Key::Highest, Proof::Count(facts.fds.highest)),
        (Key::MaxFds, Proof::Limit(nofile.max_fds)),
        (Key::NrOpen, Proof::Limit(nofile.nr_open)),
        (
            Key::Ports,
            Proof::Table(facts.beam.ports.0, facts.beam.ports.1),
        ),
        (
            Key::Processes,
            Proof::Table(facts.beam.processes.0, facts.beam.processes.1),
        ),
        (
            Key::KernelFiles,
            Proof::Table(nofile.file_nr, nofile.file_max),
        ),
        (
            Key::ExemptFromFileMax,
            Proof::Flag(nofile.exempt_from_file_max),
        ),
    ];
    if probe.pipe != Outcome::NotDone {
        evidence.push((Key::Pipe, Proof::Outcome(probe.pipe)));
    }
    let peak = recorded
        .iter()
        .find(|peak| Some(peak.name) == case.culprit.resource());
    evidence.extend(peak.map(|peak| (Key::Recorded, Proof::Peak(*peak))));
    Evidence(evidence)
}
