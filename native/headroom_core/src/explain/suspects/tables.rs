//! Tables of the VM, whose sizes are fixed when it starts.

use super::{counted, full, of, Account, Question, Standing, Suspect};
use crate::advise::{boot, lines};
use crate::explain::case::Case;
use crate::explain::operation::Operation;
use crate::explain::scene::Scene;
use crate::explain::symptom::{Symptom, Word};
use crate::explain::verdict::Basis;
use crate::finding::Fix;
use crate::number;
use headroom_facts::vocabulary::{Count, Limit, Name};

fn stands(noun: &str, (used, limit): (Count, Limit)) -> Account {
    let standing = if full(used, limit) {
        Standing::Exhausted
    } else {
        Standing::Possible
    };
    Account::new(
        standing,
        format!("{} {noun} are taken", of(used, limit)),
        counted(used, limit),
    )
}

/// The port table.
pub(super) struct PortTable;

impl Suspect for PortTable {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        stands("ports", scene.facts.beam.ports)
    }

    fn headline(&self, case: &Case, scene: &Scene) -> String {
        let whose = &case.whose;
        if case.basis == Basis::Observed {
            let (used, limit) = scene.facts.beam.ports;
            return format!(
                "The port table of {whose} is full: {} ports are taken.",
                of(used, limit)
            );
        }
        let enfile = case.symptom == Symptom::Word(Word::Enfile);
        if enfile && case.operation == Operation::Accept {
            return "The port table of the node was full: up to R14 accept calls that enfile."
                .into();
        }
        format!("The port table of {whose} was full {}.", case.when(scene))
    }

    fn fixes(&self, case: &Case, scene: &Scene) -> Vec<Fix> {
        more(case, scene, Name::Ports)
    }

    fn seen_by_client(&self, operation: Operation, now: bool) -> Option<String> {
        match operation {
            Operation::Accept => {
                let pace = if now { "closes" } else { "would close" };
                Some(format!("It is accepted and closed at once: end of file, or a reset if it had sent data. An accept loop {pace} every client that is queued."))
            }
            Operation::Undefined => Some("New connections are accepted and closed at once.".into()),
            _ => None,
        }
    }

    fn resource(&self) -> Option<Name> {
        Some(Name::Ports)
    }
}

/// Lines for a table of this node; those of another are in its own report.
fn more(case: &Case, scene: &Scene, name: Name) -> Vec<Fix> {
    if case.elsewhere {
        return vec![lines::report_there()];
    }
    boot::more(scene.facts, name)
}

/// The process table.
pub(super) struct Processes;

impl Suspect for Processes {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        stands("processes", scene.facts.beam.processes)
    }

    fn headline(&self, case: &Case, scene: &Scene) -> String {
        let whose = &case.whose;
        if case.basis == Basis::Observed {
            let (used, limit) = scene.facts.beam.processes;
            return format!(
                "The process table of {whose} is full: {} are taken.",
                of(used, limit)
            );
        }
        format!(
            "The process table of {whose} was full {}.",
            case.when(scene)
        )
    }

    /// A table that fills is a leak more often than a small table.
    fn fixes(&self, case: &Case, scene: &Scene) -> Vec<Fix> {
        let mut fixes = more(case, scene, Name::Processes);
        if !case.elsewhere {
            let newest = Fix::now(
                "lists:sublist(lists:reverse(processes()), 20).",
                "the newest; process_info(P, initial_call) says what starts them: is it a leak?",
            );
            fixes.insert(0, newest);
        }
        fixes
    }

    fn seen_by_client(&self, operation: Operation, _now: bool) -> Option<String> {
        (operation == Operation::Accept).then(|| "It hangs in the listen backlog.".into())
    }

    fn resource(&self) -> Option<Name> {
        Some(Name::Processes)
    }
}

/// The atom table.
pub(super) struct Atoms;

impl Suspect for Atoms {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        stands("atoms", scene.facts.beam.atoms)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        if case.basis == Basis::Observed {
            return "The atom table of this node is full: the next new atom ends it.".into();
        }
        "The atom table was full: that ended the node.".into()
    }

    /// A larger table only puts off the end.
    fn fixes(&self, _: &Case, scene: &Scene) -> Vec<Fix> {
        let mut fixes = vec![Fix::now(
            "erlang:system_info(atom_count).",
            "twice, a minute apart: atoms are never freed. Who makes them, list_to_atom or String.to_atom of input?",
        )];
        fixes.extend(boot::more(scene.facts, Name::Atoms));
        fixes
    }

    fn resource(&self) -> Option<Name> {
        Some(Name::Atoms)
    }
}

/// The number of ETS tables, on releases that had a limit.
pub(super) struct EtsTables;

impl Suspect for EtsTables {
    fn stands(&self, _: Question, scene: &Scene) -> Account {
        let (used, limit) = scene.facts.beam.ets_tables;
        let why = format!(
            "{} ETS tables, {} advised",
            number::count(used),
            number::limit(limit)
        );
        Account::new(Standing::Possible, why, false)
    }

    fn headline(&self, _: &Case, _: &Scene) -> String {
        "A node older than OTP 20 had no room for another ETS table.".into()
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        vec![lines::variable("ERL_MAX_ETS_TABLES", 65_536)
            .saying("on the node that printed it, or run OTP 20 or later")]
    }

    fn resource(&self) -> Option<Name> {
        Some(Name::EtsTables)
    }
}
