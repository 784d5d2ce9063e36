//! The descriptor table of the OS process, and what the VM can watch of it.

use super::{answer, counted, hangs, Account, Question, Standing, Suspect, A_DESCRIPTOR};
use crate::advise::{boot, lines, now};
use crate::explain::case::Case;
use crate::explain::operation::Operation;
use crate::explain::scene::Scene;
use crate::explain::symptom::{Symptom, Word};
use crate::explain::verdict::Basis;
use crate::finding::Fix;
use crate::number;
use headroom_facts::probe::Outcome;
use headroom_facts::vocabulary::{Count, Known, Limit, Name};

/// The soft limit of descriptors.
pub(super) struct Nofile;

impl Suspect for Nofile {
    fn stands(&self, question: Question, scene: &Scene) -> Account {
        let facts = scene.facts;
        // Without a descriptor to copy nobody asks for another; a file needs one just as well.
        let probe = match (scene.probe.fd, scene.probe.file) {
            (Outcome::NotDone, refused @ Outcome::Refused(libc::EMFILE)) => refused,
            (outcome, _) => outcome,
        };
        let (free, soft) = (facts.fds.free, facts.nofile.soft);
        let answered = answer(probe, A_DESCRIPTOR);
        let why = format!(
            "{} of {} descriptors are free{answered}",
            number::limit(free),
            number::limit(soft)
        );
        let standing = if free.is_below(question.operation.descriptors()) {
            Standing::Exhausted
        } else if probe.is_refused_with(&[libc::EMFILE]) && !nr_open_reached(scene) {
            Standing::Refused
        } else {
            Standing::Possible
        };
        let room = free != Limit::Unknown || scene.probe.fd == Outcome::Granted;
        Account::new(standing, why, room)
    }

    fn headline(&self, case: &Case, scene: &Scene) -> String {
        let facts = scene.facts;
        let whose = &case.whose;
        match facts.fds.free {
            Limit::Finite(0) => format!(
                "This node has no free descriptor: {} are open (nofile).",
                super::of(facts.fds.open, facts.nofile.soft)
            ),
            free if case.basis == Basis::Observed => {
                let free = match free {
                    Limit::Finite(1) => "1 descriptor is".into(),
                    free => format!("{} descriptors are", number::limit(free)),
                };
                let needs = case.operation.descriptors();
                format!("Only {free} free, and a program needs {needs} to start (nofile).")
            }
            _ if case.basis == Basis::Probed => {
                "This node has no free descriptor: the kernel refused one just now (nofile).".into()
            }
            _ => {
                let whose = match whose.as_str() {
                    "this node" => "This node",
                    "another node" => "Another node",
                    name => name,
                };
                format!(
                    "{whose} had no free descriptor {} (nofile).",
                    case.when(scene)
                )
            }
        }
    }

    fn fixes(&self, case: &Case, scene: &Scene) -> Vec<Fix> {
        if case.elsewhere {
            return vec![lines::report_there()];
        }
        boot::more(scene.facts, Name::Fds)
    }

    fn seen_by_client(&self, operation: Operation, now: bool) -> Option<String> {
        hangs(operation, now)
    }

    fn resource(&self) -> Option<Name> {
        Some(Name::Fds)
    }
}

/// The kernel rounds down to whole words of the table (`expand_files` in fs/file.c).
fn nr_open_reached(scene: &Scene) -> bool {
    let facts = scene.facts;
    let bound = facts.nofile.nr_open.finite().map(|nr_open| nr_open & !63);
    matches!((facts.fds.open, bound), (Known::Is(open), Some(bound)) if open >= bound)
}

/// The kernel's bound of one descriptor table.
pub(super) struct NrOpen;

impl Suspect for NrOpen {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        let facts = scene.facts;
        let (nr_open, soft) = (facts.nofile.nr_open, facts.nofile.soft);
        let below = match (nr_open, soft) {
            (Limit::Finite(nr_open), Limit::Finite(soft)) => nr_open & !63 < soft,
            (Limit::Finite(_), Limit::Infinity) => true,
            _ => false,
        };
        let room = counted(facts.fds.open, nr_open) || scene.probe.fd == Outcome::Granted;
        let (nr_open, soft) = (number::limit(nr_open), number::limit(soft));
        if !below {
            let why = format!("fs.nr_open {nr_open} is not below the soft limit {soft}");
            return Account::new(Standing::Impossible, why, room);
        }
        let why = format!(
            "fs.nr_open {nr_open} is below the soft limit {soft}{}",
            answer(scene.probe.fd, A_DESCRIPTOR)
        );
        let refused = scene.probe.fd.is_refused_with(&[libc::EMFILE]);
        let standing = match (nr_open_reached(scene), scene.probe.fd) {
            // The bound is looked at only when the table must grow, so reaching it is not enough.
            (true, _) if refused => Standing::Refused,
            (true, Outcome::NotDone) => Standing::Exhausted,
            _ => Standing::Possible,
        };
        Account::new(standing, why, room)
    }

    fn headline(&self, _: &Case, scene: &Scene) -> String {
        format!(
            "fs.nr_open {} stops this node before its nofile.",
            number::limit(scene.facts.nofile.nr_open)
        )
    }

    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        let wanted = scene.facts.nofile.soft.finite().unwrap_or(1 << 20);
        lines::nr_open_now(wanted).into_iter().collect()
    }

    fn seen_by_client(&self, operation: Operation, now: bool) -> Option<String> {
        hangs(operation, now)
    }
}

/// Whether the soft limit lets the kernel hand out numbers that the VM cannot watch.
pub(in crate::explain) fn is_raised(scene: &Scene) -> bool {
    let nofile = &scene.facts.nofile;
    let bound = nofile.max_fds.finite();
    bound.is_some_and(|max_fds| nofile.soft.is_above(max_fds))
}

/// What the VM can watch, fixed at boot.
pub(super) struct MaxFds;

impl Suspect for MaxFds {
    fn stands(&self, question: Question, scene: &Scene) -> Account {
        let facts = scene.facts;
        let bound = facts.nofile.max_fds.finite();
        let highest = facts.fds.highest.get();
        let above = matches!((highest, bound), (Some(highest), Some(bound)) if highest >= bound);
        let room =
            counted(facts.fds.open, facts.nofile.max_fds) && facts.nofile.soft != Limit::Unknown;
        if !is_raised(scene) {
            let (standing, why) = not_raised(question, scene, above);
            return Account::new(standing, why, room);
        }
        let (standing, looked) = raised(question, scene, above);
        let why = format!(
            "max_fds {}, soft limit {}, highest open descriptor {}{looked}",
            number::limit(facts.nofile.max_fds),
            number::limit(facts.nofile.soft),
            number::count(facts.fds.highest)
        );
        Account::new(standing, why, room)
    }

    fn headline(&self, case: &Case, scene: &Scene) -> String {
        if case.basis == Basis::Observed {
            return format!(
                "This node is beyond max_fds {}: what it opens now is deaf.",
                number::limit(scene.facts.nofile.max_fds)
            );
        }
        // The line may be of another node: the numbers of this one say nothing about it.
        "A descriptor was beyond what the node that printed this can watch (max_fds).".into()
    }

    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        let nofile = &scene.facts.nofile;
        let within = matches!((nofile.soft, nofile.max_fds),
            (Limit::Finite(soft), Limit::Finite(max_fds)) if soft <= max_fds);
        let back = if within {
            Vec::new()
        } else {
            now::back_to_max_fds(scene.facts)
        };
        back.into_iter()
            .chain(boot::nofile_at_boot(scene.facts))
            .collect()
    }

    fn seen_by_client(&self, operation: Operation, _now: bool) -> Option<String> {
        (!operation.starts_program()).then(|| {
            "It is connected and never hears anything, not even a close, until its own timeout."
                .into()
        })
    }
}

/// The kernel hands out no number at or above the soft limit: what is open beyond was inherited, or is from before.
fn not_raised(question: Question, scene: &Scene, above: bool) -> (Standing, String) {
    let facts = scene.facts;
    let (soft, max_fds) = (
        number::limit(facts.nofile.soft),
        number::limit(facts.nofile.max_fds),
    );
    let unknown = facts.nofile.max_fds.finite().is_none() || facts.nofile.soft == Limit::Unknown;
    let emfile = question.symptom == Symptom::Word(Word::Emfile);
    let deaf = question.symptom == Symptom::Deaf;
    let mut why = if unknown {
        format!("max_fds {max_fds}, soft limit {soft}")
    } else {
        format!("max_fds {max_fds} is not below the soft limit {soft}")
    };
    if above {
        let highest = number::count(facts.fds.highest);
        why += &format!("; the highest open descriptor is {highest}");
    }
    let standing = if unknown || deaf || above && !emfile {
        Standing::Possible
    } else {
        Standing::Impossible
    };
    (standing, why)
}

/// The error itself is one of everyday wherever it is not the VM's own: the sockets that it may be about are looked at.
fn raised(question: Question, scene: &Scene, above: bool) -> (Standing, String) {
    let quotas = &scene.probe.quotas;
    let symptom = question.symptom;
    let silent = matches!(symptom, Symptom::Word(Word::Timeout | Word::Etimedout));
    let in_use = symptom == Symptom::Word(Word::Eaddrinuse);
    let found = |count: Count, what: &str| {
        let count = count.get()?;
        let standing = if count > 0 {
            Standing::Exhausted
        } else {
            Standing::Impossible
        };
        Some((
            standing,
            format!("; {} {what} beyond it", number::plain(count)),
        ))
    };
    let looked = match question.operation {
        Operation::Accept if silent => found(quotas.beyond[0], "listening sockets are"),
        Operation::Listen if in_use => found(quotas.beyond[0], "listening sockets are"),
        Operation::UdpOpen if in_use => found(quotas.beyond[1], "datagram sockets are"),
        Operation::Connect if silent => next_is_watched(scene),
        _ => None,
    };
    if let Some(looked) = looked {
        return looked;
    }
    // The next descriptors have the lowest free numbers: with as many open as can be watched they are beyond.
    let needs = if question.operation.starts_program() {
        question.operation.descriptors()
    } else {
        0
    };
    let facts = scene.facts;
    let bound = facts.nofile.max_fds.finite();
    let open = facts.fds.open.get();
    let reached = above
        || matches!((open, bound), (Some(open), Some(bound)) if open.saturating_add(needs) >= bound);
    let standing = if reached {
        Standing::Exhausted
    } else {
        Standing::Possible
    };
    (standing, String::new())
}

fn next_is_watched(scene: &Scene) -> Option<(Standing, String)> {
    let next = scene.probe.quotas.next.get()?;
    let bound = scene.facts.nofile.max_fds.finite()?;
    let standing = if next >= bound {
        Standing::Exhausted
    } else {
        Standing::Possible
    };
    Some((
        standing,
        format!("; the next one is {}", number::plain(next)),
    ))
}
