//! A change of the soft limit of descriptors: what is in force, what was decided, what was done.

use crate::unreadable::Reason;
use crate::vocabulary::Limit;

/// What is in force when a change is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Soft limit.
    pub soft: Limit,
    /// Hard limit.
    pub hard: Limit,
    /// Descriptors that are held back.
    pub reserved: u64,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The soft limit to set, or `None` to leave it.
    pub soft: Option<u64>,
    /// Descriptors that are held back from now on.
    pub reserved: u64,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The soft limit that was in force.
    pub before: Limit,
    /// The soft limit that is in force.
    pub now: Limit,
}

/// Why everything is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchanged<E> {
    /// It was decided so.
    Decided(E),
    /// The kernel refused.
    Refused(Reason),
}

impl<E> Unchanged<E> {
    /// Why the kernel refused, if it did.
    pub fn refusal(&self) -> Option<Reason> {
        match self {
            Unchanged::Decided(_) => None,
            Unchanged::Refused(reason) => Some(*reason),
        }
    }
}
