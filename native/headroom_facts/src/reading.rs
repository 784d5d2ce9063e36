//! How the operating system is asked, and the few facts of a health check.

use crate::vocabulary::{Count, Flag, Limit};

/// The few facts that a health check needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge {
    /// Soft limit of descriptors.
    pub soft: Limit,
    /// Open descriptors.
    pub open: Count,
    /// Slots below the soft limit that are not taken.
    pub free: Limit,
    /// Largest limit of descriptors that the kernel accepts; unknown here if it was not readable at load.
    pub nr_open: Limit,
    /// The kernel's open files and their limit; unknown and infinite when they do not concern this process.
    pub kernel_files: (Count, Limit),
    /// Whether the kernel's limit of open files does not apply to this process.
    pub exempt_from_file_max: Flag,
}

atoms! {
    /// How old a count of the descriptor table may be when counting it needs several steps.
    pub enum Patience {
        /// It must be made now.
        Fresh = "fresh",
        /// One of the last second will do.
        Recent = "recent",
        /// Whatever there is; what is missing stays unknown.
        Never = "never",
    }
}

/// How much a reading is to contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    Full,
    /// What a warning or critical finding can be about: the highest descriptor only where it matters to one.
    Health,
}

/// The count needs a [`Scan`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanNeeded;
