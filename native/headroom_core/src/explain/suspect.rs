//! How each suspect stands: exhausted now, seen exhausted, refused just now, possible, or impossible; and the numbers.

use super::operation::Operation;
use super::symptom::{Symptom, Word};
use super::verdict::Culprit;
use super::Scene;
use crate::number;
use headroom_facts::probe::{Outcome, Peak};
use headroom_facts::vocabulary::{Count, Known, Limit, Name};

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

/// A suspect, how it stands, and the numbers that say so.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    pub culprit: Culprit,
    pub standing: Standing,
    pub why: String,
    /// Whether the numbers or the probe show room at this moment.
    pub room: bool,
}

/// The question that a suspect is weighed for.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub symptom: Symptom,
    pub operation: Operation,
}

impl Culprit {
    /// The resource that a watcher counts.
    pub(super) fn resource(self) -> Option<Name> {
        match self {
            Culprit::PortTable => Some(Name::Ports),
            Culprit::Nofile => Some(Name::Fds),
            Culprit::KernelFileMax => Some(Name::KernelFiles),
            Culprit::EtsTables => Some(Name::EtsTables),
            Culprit::Processes => Some(Name::Processes),
            Culprit::Atoms => Some(Name::Atoms),
            _ => None,
        }
    }
}

pub(super) fn weigh(culprit: Culprit, question: Question, scene: &Scene) -> Suspect {
    let (standing, why) = standing(culprit, question, scene);
    let recorded = scene.recorded.iter().find(|peak| {
        Some(peak.name) == culprit.resource() && peak.limit > 0 && peak.used >= peak.limit
    });
    let standing = match (standing, recorded) {
        (Standing::Possible | Standing::Refused, Some(peak)) => Standing::Recorded(*peak),
        (standing, _) => standing,
    };
    Suspect {
        culprit,
        standing,
        why,
        room: room(culprit, question.operation, scene),
    }
}

/// Whether the numbers or the probe show room for one more. A suspect that is exhausted is never asked.
fn room(culprit: Culprit, operation: Operation, scene: &Scene) -> bool {
    let (facts, probe) = (&scene.facts, &scene.probe);
    let (fds, nofile) = (&facts.fds, &facts.nofile);
    let counted = |(used, limit): (Count, Limit)| limit.minus(used) != Limit::Unknown;
    match culprit {
        Culprit::PortTable => counted(facts.beam.ports),
        Culprit::Processes => counted(facts.beam.processes),
        Culprit::Atoms => counted(facts.beam.atoms),
        Culprit::Nofile => fds.free != Limit::Unknown || probe.fd == Outcome::Granted,
        Culprit::NrOpen => counted((fds.open, nofile.nr_open)) || probe.fd == Outcome::Granted,
        Culprit::MaxFds => counted((fds.open, nofile.max_fds)) && nofile.soft != Limit::Unknown,
        Culprit::KernelFileMax => {
            // Whom the limit does not bind is granted a file in any case.
            let bound = nofile.exempt_from_file_max == Known::Is(false);
            counted((nofile.file_nr, nofile.file_max)) || bound && probe.file == Outcome::Granted
        }
        Culprit::KernelMemory if operation.starts_program() => {
            probe.pipe == Outcome::Granted || probe.file == Outcome::Granted
        }
        Culprit::KernelMemory => probe.file == Outcome::Granted,
        Culprit::PipePages => probe.pipe == Outcome::Granted,
        _ => false,
    }
}

fn standing(culprit: Culprit, question: Question, scene: &Scene) -> (Standing, String) {
    let facts = &scene.facts;
    match culprit {
        Culprit::PortTable => table("ports", facts.beam.ports),
        Culprit::Processes => table("processes", facts.beam.processes),
        Culprit::Atoms => table("atoms", facts.beam.atoms),
        Culprit::EtsTables => {
            let (used, limit) = facts.beam.ets_tables;
            let why = format!(
                "{} ETS tables, {} advised",
                number::count(used),
                number::limit(limit)
            );
            (Standing::Possible, why)
        }
        Culprit::Nofile => nofile(question.operation, scene),
        Culprit::MaxFds => max_fds(question, scene),
        Culprit::NrOpen => nr_open(scene),
        Culprit::KernelFileMax => kernel_file_max(question.symptom, scene),
        Culprit::KernelMemory => kernel_memory(question.operation, scene),
        Culprit::PipePages => pipe_pages(scene),
        Culprit::InotifyInstances => (
            Standing::Possible,
            "the kernel does not tell how many inotify instances a user has".into(),
        ),
        Culprit::OtherLimit | Culprit::NotALimit | Culprit::Undetermined => {
            (Standing::Possible, "it is not measured".into())
        }
    }
}

fn full(used: Count, limit: Limit) -> bool {
    matches!((used, limit), (Known::Is(used), Limit::Finite(limit)) if used >= limit)
}

fn table(noun: &str, (used, limit): (Count, Limit)) -> (Standing, String) {
    let why = format!(
        "{} of {} {noun} are taken",
        number::count(used),
        number::limit(limit)
    );
    let standing = if full(used, limit) {
        Standing::Exhausted
    } else {
        Standing::Possible
    };
    (standing, why)
}

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

const A_DESCRIPTOR: &str = "a descriptor";
const A_FILE: &str = "an open file";

fn nofile(operation: Operation, scene: &Scene) -> (Standing, String) {
    let facts = &scene.facts;
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
    let standing = if free.is_below(operation.descriptors()) {
        Standing::Exhausted
    } else if probe.is_refused_with(&[libc::EMFILE]) && !nr_open_reached(scene) {
        Standing::Refused
    } else {
        Standing::Possible
    };
    (standing, why)
}

/// The kernel rounds down to whole words of the table (`expand_files` in fs/file.c).
fn nr_open_reached(scene: &Scene) -> bool {
    let facts = &scene.facts;
    let bound = facts.nofile.nr_open.finite().map(|nr_open| nr_open & !63);
    matches!((facts.fds.open, bound), (Known::Is(open), Some(bound)) if open >= bound)
}

fn nr_open(scene: &Scene) -> (Standing, String) {
    let facts = &scene.facts;
    let (nr_open, soft) = (facts.nofile.nr_open, facts.nofile.soft);
    let below = match (nr_open, soft) {
        (Limit::Finite(nr_open), Limit::Finite(soft)) => nr_open & !63 < soft,
        (Limit::Finite(_), Limit::Infinity) => true,
        _ => false,
    };
    let (nr_open, soft) = (number::limit(nr_open), number::limit(soft));
    if !below {
        return (
            Standing::Impossible,
            format!("fs.nr_open {nr_open} is not below the soft limit {soft}"),
        );
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
    (standing, why)
}

/// Whether the soft limit lets the kernel hand out numbers that the VM cannot watch.
pub(super) fn is_raised(scene: &Scene) -> bool {
    let nofile = &scene.facts.nofile;
    let bound = nofile.max_fds.finite();
    bound.is_some_and(|max_fds| nofile.soft.is_above(max_fds))
}

fn max_fds(question: Question, scene: &Scene) -> (Standing, String) {
    let facts = &scene.facts;
    let (soft, max_fds) = (facts.nofile.soft, facts.nofile.max_fds);
    let highest = facts.fds.highest.get();
    let open = facts.fds.open.get();
    let bound = max_fds.finite();
    let above = matches!((highest, bound), (Some(highest), Some(bound)) if highest >= bound);
    let (soft, max_fds) = (number::limit(soft), number::limit(max_fds));
    if !is_raised(scene) {
        // The kernel hands out no number at or above the soft limit: what is open beyond was inherited, or is from before.
        let unknown = bound.is_none() || facts.nofile.soft == Limit::Unknown;
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
        return (standing, why);
    }
    // The next descriptors have the lowest free numbers: with as many open as can be watched they are beyond.
    let needs = if question.operation.starts_program() {
        question.operation.descriptors()
    } else {
        0
    };
    let reached = above
        || matches!((open, bound), (Some(open), Some(bound)) if open.saturating_add(needs) >= bound);
    let highest = number::count(facts.fds.highest);
    let why = format!("max_fds {max_fds}, soft limit {soft}, highest open descriptor {highest}");
    (
        if reached {
            Standing::Exhausted
        } else {
            Standing::Possible
        },
        why,
    )
}

fn kernel_file_max(symptom: Symptom, scene: &Scene) -> (Standing, String) {
    let nofile = &scene.facts.nofile;
    let (used, limit) = (nofile.file_nr, nofile.file_max);
    let numbers = format!(
        "{} of {} files are open in the kernel",
        number::count(used),
        number::limit(limit)
    );
    let someone_else = symptom == Symptom::FileMaxReached;
    if nofile.exempt_from_file_max == Known::Is(true) && !someone_else {
        return (
            Standing::Impossible,
            format!(
                "{numbers}; fs.file-max does not apply to this process, which has CAP_SYS_ADMIN{}",
                answer(scene.probe.file, A_FILE)
            ),
        );
    }
    let probe = scene.probe.file;
    let standing = if full(used, limit) {
        Standing::Exhausted
    } else if probe.is_refused_with(&[libc::ENFILE]) && limit.minus(used) == Limit::Unknown {
        Standing::Refused
    } else if limit == Limit::Infinity && !someone_else {
        Standing::Impossible
    } else {
        Standing::Possible
    };
    (standing, format!("{numbers}{}", answer(probe, A_FILE)))
}

/// A refusal that `fs.file-max` cannot explain.
fn kernel_memory(operation: Operation, scene: &Scene) -> (Standing, String) {
    let probe = &scene.probe;
    let file_max = kernel_file_max(Symptom::Unknown, scene).0;
    let explained = matches!(file_max, Standing::Exhausted | Standing::Refused);
    let without_memory = probe.file.is_refused_with(&[libc::ENOMEM, libc::ENOBUFS]);
    let without_inode = !explained && probe.file.is_refused_with(&[libc::ENFILE]);
    // Pages of pipes do not bind whom fs.file-max does not bind: what is left is the memory of the pipe itself.
    let exempt = scene.facts.nofile.exempt_from_file_max == Known::Is(true);
    let without_pipe = exempt && probe.pipe.is_refused_with(&[libc::ENFILE]);
    if without_memory || without_inode || without_pipe {
        return (
            Standing::Refused,
            "the kernel refused a socket or pipe just now, and fs.file-max is not the reason"
                .into(),
        );
    }
    let why = match (operation.starts_program(), probe.pipe, probe.file) {
        (true, Outcome::Granted, _) => "the kernel granted a pipe just now",
        (_, _, Outcome::Granted) => "the kernel granted a socket just now",
        _ => "it is not measured",
    };
    (Standing::Possible, why.into())
}

fn pipe_pages(scene: &Scene) -> (Standing, String) {
    // too_many_pipe_buffers_hard counts only for those without CAP_SYS_ADMIN and CAP_SYS_RESOURCE (fs/pipe.c).
    let nofile = &scene.facts.nofile;
    if [nofile.exempt_from_file_max, nofile.can_raise_hard].contains(&Known::Is(true)) {
        return (
            Standing::Impossible,
            "with its capabilities fs.pipe-user-pages-hard does not apply to this process".into(),
        );
    }
    let refused =
        scene.probe.pipe.is_refused_with(&[libc::ENFILE]) && scene.probe.file == Outcome::Granted;
    let standing = if refused {
        Standing::Refused
    } else {
        Standing::Possible
    };
    let why = match scene.probe.pipe {
        Outcome::NotDone => "the pages of this user's pipes are not measured".into(),
        outcome => answer(outcome, "a pipe")
            .trim_start_matches(", and ")
            .into(),
    };
    (standing, why)
}
