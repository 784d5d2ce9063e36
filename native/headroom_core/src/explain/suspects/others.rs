//! What is no table and no count: one thing that was too large, a disk, memory of the VM.

use super::{kernel, Account, Question, Suspect};
use crate::advise::lines;
use crate::explain::case::Case;
use crate::explain::operation::Operation;
use crate::explain::scene::Scene;
use crate::explain::symptom::{Allocation, Symptom};
use crate::finding::Fix;
use headroom_facts::otp::DEFAULT_PORTS;

const UNMEASURED: &str = "it is not measured";

/// A disk is full, or a quota.
pub(super) struct Space;

impl Suspect for Space {
    fn stands(&self, _: Question, _: &Scene) -> Account {
        Account::possible(UNMEASURED)
    }

    fn headline(&self, _: &Case, _: &Scene) -> String {
        "A disk is full, or a quota of inotify or epoll watches is used up.".into()
    }

    fn fixes(&self, case: &Case, _: &Scene) -> Vec<Fix> {
        let disks = lines::look("df -h; df -i", "space and inodes of the disks");
        if case.operation == Operation::File {
            return vec![disks];
        }
        let watches = lines::look(
            "sysctl fs.inotify.max_user_watches fs.epoll.max_user_watches",
            "if no disk is full",
        );
        vec![disks, watches]
    }
}

/// A file system or a device with a limit of its own.
pub(super) struct FileSystem;

impl Suspect for FileSystem {
    fn stands(&self, _: Question, _: &Scene) -> Account {
        Account::possible(UNMEASURED)
    }

    fn headline(&self, _: &Case, _: &Scene) -> String {
        "A limit was in the way that headroom does not measure.".into()
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        Vec::new()
    }
}

/// One term that is too large.
pub(super) struct OneTerm;

impl Suspect for OneTerm {
    fn stands(&self, _: Question, _: &Scene) -> Account {
        Account::possible(UNMEASURED)
    }

    fn headline(&self, _: &Case, _: &Scene) -> String {
        "One term was too large: an atom, a binary or an integer.".into()
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        Vec::new()
    }
}

/// `ets:new` was refused something else than a table.
pub(super) struct NoTable;

impl Suspect for NoTable {
    fn stands(&self, _: Question, _: &Scene) -> Account {
        Account::possible(UNMEASURED)
    }

    fn headline(&self, _: &Case, _: &Scene) -> String {
        "ets:new was refused memory or a key position, not for a number of tables.".into()
    }

    fn fixes(&self, _: &Case, _: &Scene) -> Vec<Fix> {
        Vec::new()
    }
}

/// The emulator got no memory, which ends the node.
pub(super) struct VmMemory;

impl Suspect for VmMemory {
    fn stands(&self, _: Question, _: &Scene) -> Account {
        Account::possible(UNMEASURED)
    }

    fn headline(&self, case: &Case, _: &Scene) -> String {
        match case.symptom {
            Symptom::NoMemory(Allocation::PortTable) => {
                "The port table was too large for the memory: it is as large as nofile.".into()
            }
            Symptom::NoMemory(Allocation::ProcessTable) => {
                "The process table was too large for the memory (+P).".into()
            }
            _ => {
                "The VM got no more memory: of the machine, its container or address space.".into()
            }
        }
    }

    fn fixes(&self, case: &Case, _: &Scene) -> Vec<Fix> {
        match case.symptom {
            Symptom::NoMemory(Allocation::PortTable) => {
                vec![lines::flag("+Q", DEFAULT_PORTS)]
            }
            Symptom::NoMemory(Allocation::ProcessTable) => {
                vec![lines::flag("+P", 262_144)]
            }
            _ => kernel::memory_of_the_machine(),
        }
    }
}
