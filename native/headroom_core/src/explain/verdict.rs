//! The answer: which limit it was, how that is known, and what to do.

use serde::Serialize;

use super::operation::Operation;
use super::symptom::Told;
use crate::finding::{Evidence, Fix};

atoms! {
    /// What stopped the operation.
    pub enum Culprit {
        /// The VM's port table.
        PortTable = "port_table",
        /// The soft limit of descriptors.
        Nofile = "nofile",
        /// What the VM can watch, fixed at boot.
        MaxFds = "max_fds",
        /// The kernel's bound of one descriptor table.
        NrOpen = "nr_open",
        /// The kernel's limit of open files.
        KernelFileMax = "kernel_file_max",
        /// Memory of the kernel, or of the control group.
        KernelMemory = "kernel_memory",
        /// The kernel's limit of pipe buffers of one user.
        PipePages = "pipe_pages",
        /// The kernel's limit of inotify instances of one user.
        InotifyInstances = "inotify_instances",
        /// The number of ETS tables, on releases that had a limit.
        EtsTables = "ets_tables",
        /// The VM's process table.
        Processes = "processes",
        /// The VM's atom table.
        Atoms = "atoms",
        /// A limit that headroom does not measure.
        OtherLimit = "other_limit",
        /// No limit at all.
        NotALimit = "not_a_limit",
        /// It cannot be told.
        Undetermined = "undetermined",
    }
}

atoms! {
    /// How the culprit is known, the strongest first.
    pub enum Basis {
        /// The limit is exhausted at this moment.
        Observed = "observed",
        /// It was seen exhausted lately.
        Recorded = "recorded",
        /// The kernel was asked just now, and refused.
        Probed = "probed",
        /// Nothing else yields this error for this operation on this release.
        ByElimination = "by_elimination",
        /// It is not known, or there is no culprit.
        None = "none",
    }
}

/// A suspect that it was not, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The suspect.
    pub verdict: Culprit,
    /// The numbers or the rule that clear it.
    pub why: String,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The reason, without its wrappers.
    pub reason: Told,
    /// The operation, as given or as the reason shows it.
    pub operation: Operation,
    /// What stopped it.
    pub verdict: Culprit,
    /// How that is known.
    pub basis: Basis,
    /// The verdict in one sentence of at most 80 characters, then what matters beside it.
    pub message: String,
    /// The numbers.
    pub evidence: Evidence,
    /// The other suspects.
    pub rejected: Vec<Rejected>,
    /// What the other end of the connection notices.
    pub client_sees: String,
    /// What to do, in lines that can be pasted.
    pub fix: Vec<Fix>,
    /// Whether the fix needs a restart of the node.
    pub restart: bool,
    /// How much of the message is the first sentence.
    #[serde(skip)]
    pub headline: usize,
    /// The node that it happened on, if that is another one.
    #[serde(skip)]
    pub elsewhere: Option<String>,
}
