//! What the operating system says about this process: the only place that asks it, and the only one with `unsafe`.
//!
//! Nothing here opens a file once [`acquire`] has run, so all of it answers with no free descriptor. [`probe`] alone
//! asks for one, and says whether it got it.

mod change;
mod environment;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod fd_table;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod held;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod kernel_files;
mod limits;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod linux;
#[cfg(any(not(target_os = "linux"), headroom_portable))]
mod portable;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod privileges;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod probe;
mod stderr;
mod system;
mod uptime;

use crate::unreadable::{Reason, Unreadable, What};
use crate::vocabulary::{Count, Flag, Limit};

#[cfg(all(target_os = "linux", not(headroom_portable)))]
pub use linux::{acquire, gauge, open_count, read, release, Scan};
#[cfg(any(not(target_os = "linux"), headroom_portable))]
pub use portable::{acquire, gauge, open_count, read, release, Scan};

pub use change::{change, reserved, Change, Changed, Standing, Unchanged};
pub use environment::environment;
#[cfg(any(not(target_os = "linux"), headroom_portable))]
pub use portable::probe;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
pub use probe::probe;
pub use stderr::last_words;
pub use uptime::moment;

/// The facts of the operating system at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Os {
    /// Number of this OS process.
    pub pid: u32,
    /// Name and release of the kernel, for example `Linux 6.8.0`.
    pub kernel: String,
    /// Soft limit of descriptors.
    pub soft: Limit,
    /// Hard limit of descriptors.
    pub hard: Limit,
    /// Largest limit of descriptors that the kernel accepts (`fs.nr_open`).
    pub nr_open: Limit,
    /// The kernel's limit of open files (`fs.file-max`).
    pub file_max: Limit,
    /// Open files of the whole kernel (`fs.file-nr`).
    pub file_nr: Count,
    /// Whether the kernel's limit of open files does not apply to this process.
    pub exempt_from_file_max: Flag,
    /// Whether this process may raise its own hard limit.
    pub can_raise_hard: Flag,
    /// Open descriptors.
    pub open: Count,
    /// Slots below the soft limit that are not taken.
    pub free: Limit,
    /// The highest open descriptor.
    pub highest: Count,
    /// Descriptors that headroom itself holds.
    pub own: u64,
    /// Age of the count, in milliseconds.
    pub age_ms: u64,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

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

/// Collects values and the reasons of those that could not be read.
#[derive(Default)]
struct Reading {
    unreadable: Vec<Unreadable>,
}

impl Reading {
    fn take<T: Default>(&mut self, what: What, result: Result<T, Reason>) -> T {
        result.unwrap_or_else(|reason| {
            self.unreadable.push(Unreadable::new(what, reason));
            T::default()
        })
    }
}

/// The error of the last system call.
fn last_error() -> Reason {
    Reason::from_errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}
