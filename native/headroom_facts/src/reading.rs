//! How the operating system is asked.

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
    /// Everything but the highest descriptor, which is looked for only where it matters to a warning or critical finding.
    Limits,
    /// What a warning or critical finding can be about: also without the open files of the kernel where their limit does not
    /// apply, and with `fs.nr_open` as it was within the last second.
    Health,
}

/// The count needs a [`Scan`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanNeeded;
