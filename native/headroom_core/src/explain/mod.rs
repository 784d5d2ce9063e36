//! Why a call failed: `(reason, operation, facts)` gives a verdict with its evidence, whatever they are.
//!
//! Evidence counts in this order: exhausted now, recorded by the watcher, refused by the kernel just now, and what is left
//! when everything else is impossible.

mod case;
mod log_line;
mod operation;
mod printed;
mod reason;
mod repeat;
mod rules;
mod scene;
mod suspects;
mod symptom;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

pub use operation::Operation;
pub use scene::Scene;
pub use symptom::{Told, Word};
pub use verdict::{Basis, Culprit, Rejected, Verdict};

use case::Case;
use headroom_facts::probe::{Outcome, Probe};
use headroom_facts::quotas::Suspicion;
use headroom_facts::term::Value;
use headroom_facts::vocabulary::{Known, Limit};
use headroom_facts::Facts;
use reason::{Elsewhere, Seen};
use symptom::Symptom;

use crate::finding::{takes_restart, Evidence, Key, Proof};

/// What failed, once it is read: what to ask the kernel for, and why it failed.
#[derive(Clone, Debug)]
pub struct Failure {
    seen: Seen,
    /// The operation, as given or as the reason shows it.
    operation: Operation,
}

impl Failure {
    /// Reads a reason. Of a text that was too long, so many bytes were left out in the middle.
    pub fn new(reason: &Value, operation: Operation, unread: u64) -> Failure {
        let seen = Seen {
            unread,
            ..reason::read(reason)
        };
        let operation = match operation {
            Operation::Undefined => seen.operation.unwrap_or(Operation::Undefined),
            given => given,
        };
        Failure { seen, operation }
    }

    /// What the kernel should be asked for: nothing that cannot have been refused.
    pub fn suspicion(&self, facts: &Facts) -> Suspicion {
        let programs = self.operation.starts_program();
        let word = match self.seen.symptom {
            Symptom::Word(word) => Some(word),
            _ => None,
        };
        let raised = |max_fds: &u64| facts.nofile.soft.is_above(*max_fds);
        Suspicion {
            pipe: word == Some(Word::Enfile)
                && (programs || self.operation == Operation::Undefined),
            local_port: matches!(word, Some(Word::Eaddrnotavail | Word::Eaddrinuse)),
            inotify: matches!(
                self.seen.symptom,
                Symptom::Inotify | Symptom::InotifyWatches
            ),
            processes: self.seen.symptom == Symptom::NoProcess
                || programs && matches!(word, Some(Word::Eagain | Word::Badarg)),
            memory: matches!(word, Some(Word::Enomem | Word::Enobufs | Word::Enfile)),
            beyond: match word {
                Some(Word::Timeout | Word::Etimedout | Word::Eaddrinuse) => {
                    facts.nofile.max_fds.finite().filter(raised)
                }
                _ => None,
            },
        }
    }

    /// Why it failed.
    pub fn explain(self, scene: &Scene) -> Verdict {
        let here = &scene.facts.node;
        let elsewhere = self
            .seen
            .elsewhere
            .as_ref()
            .filter(|elsewhere| !matches!(elsewhere, Elsewhere::Node(node) if node == here));
        let Some(elsewhere) = elsewhere else {
            return self.judged(None, scene);
        };
        let scene = Scene {
            facts: &scene::of_another(scene.facts),
            probe: Probe::default(),
            recorded: Vec::new(),
        };
        self.judged(Some(elsewhere), &scene)
    }

    fn judged(&self, elsewhere: Option<&Elsewhere>, scene: &Scene) -> Verdict {
        let (seen, operation) = (&self.seen, self.operation);
        let weighed = if seen.spawning {
            Operation::Spawn
        } else {
            operation
        };
        let case = Case::new(possible(seen, scene.facts), weighed, elsewhere, scene);
        let fix = case.fixes(scene);
        let (headline, detail) = words::message(&case, seen, operation, scene);
        Verdict {
            reason: seen.told.clone(),
            operation,
            verdict: case.culprit,
            basis: case.basis,
            evidence: evidence(&case, scene),
            rejected: case.rejected(scene),
            client_sees: case.client_sees(operation),
            restart: takes_restart(&fix),
            fix,
            message: if detail.is_empty() {
                headline.clone()
            } else {
                format!("{headline} {detail}")
            },
            headline: headline.len(),
            elsewhere: case.elsewhere.then_some(case.whose),
        }
    }
}

/// Why an operation failed with a reason.
pub fn explain(reason: &Value, operation: Operation, scene: &Scene) -> Verdict {
    Failure::new(reason, operation, 0).explain(scene)
}

/// How full every enforced resource is, in one line.
pub fn state(facts: &Facts) -> String {
    words::state(facts)
}

/// No descriptor has a number beyond what the kernel allows: a driver handed in rubbish.
fn possible(seen: &Seen, facts: &Facts) -> Symptom {
    let largest = facts.nofile.nr_open.finite().unwrap_or(1 << 30);
    match (seen.symptom, seen.descriptor) {
        (Symptom::Deaf, Some(descriptor)) if descriptor >= largest => Symptom::Rubbish,
        (symptom, _) => symptom,
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
        (Key::Probe, Proof::Probe(Box::new(*probe))),
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
    let resource = case
        .found
        .as_ref()
        .and_then(|found| found.cause.suspect().resource());
    let peak = recorded.iter().find(|peak| Some(peak.name) == resource);
    let quotas = &probe.quotas;
    for (key, (used, limit)) in [
        (Key::OsProcesses, quotas.pids),
        (Key::Threads, quotas.threads),
        (Key::Memory, quotas.memory),
        (Key::LocalPorts, (quotas.sockets, ports(quotas.local_ports))),
    ] {
        if limit != Limit::Unknown {
            evidence.push((key, Proof::Table(used, limit)));
        }
    }
    evidence.extend(peak.map(|peak| (Key::Recorded, Proof::Peak(*peak))));
    Evidence(evidence)
}

/// How many local ports there are.
fn ports(range: Known<(u64, u64)>) -> Limit {
    let (low, high) = match range.get() {
        Some(range) => range,
        None => return Limit::Unknown,
    };
    Limit::Finite(high.saturating_sub(low) + 1)
}
