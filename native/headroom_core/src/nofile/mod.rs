//! Decides changes of the soft limit with [`raise`] and [`reserve`], and says what came of them.
//!
//! Nothing is set here: each function is handed the one that sets, gives it the decision, and words the outcome.

pub mod guard;
pub mod raise;
pub mod reserve;

use serde::Serialize;

use crate::advise::boot;
use crate::finding::Fix;
use headroom_facts::beam::Reserved;
use headroom_facts::change::{Change, Changed, Standing, Unchanged};
use headroom_facts::unreadable::Reason;
use headroom_facts::vocabulary::Limit;
use headroom_facts::wanted::Wanted;
use headroom_facts::Facts;
use raise::{Bounds, MaxFdsUnknown};
use reserve::{Room, TooMany};

/// Why a limit is as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// The kernel accepts no limit above this one.
    AboveNrOpen(u64),
    /// The hard limit is this one.
    AboveHard(u64),
    /// Only the next start of the VM can have it.
    RestartRequired(Restart),
    /// There is not so much to hold back.
    TooMany(TooMany),
    /// The kernel refused.
    Refused(Reason),
    /// A fact that the decision needs is not known.
    Unknown(Missing),
}

/// What a limit would need.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Restart {
    /// What was asked for.
    pub wanted: Wanted,
    /// What the VM watches until it is started again.
    pub max_fds: Limit,
    /// Hard limit of the process.
    pub hard: Limit,
    /// Lines to paste.
    pub fix: Vec<Fix>,
}

atoms! {
    /// Facts that a decision needs.
    pub enum Missing {
        /// What the VM watches.
        MaxFds = "max_fds",
        /// How many descriptors are open.
        Open = "open",
    }
}

/// The soft limit before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Raised {
    /// What was in force.
    pub before: Limit,
    /// What is in force, read again.
    pub now: Limit,
    /// What the VM watches.
    pub max_fds: Limit,
    /// Who profits.
    pub gives: Gives,
    /// What programs started by the VM have: it does not change.
    pub children: Children,
}

atoms! {
    /// Who profits from a raised limit.
    pub enum Gives {
        /// Sockets, files, everything that takes a descriptor of this process.
        Sockets = "sockets",
        /// Nobody: it was in force already.
        Nothing = "nothing",
    }
}

atoms! {
    /// The limit of programs that the VM starts.
    pub enum Children {
        /// The one that was in force when the VM started: a helper process hands it on.
        BootLimit = "boot_limit",
    }
}

/// The soft limit before and after a clamp.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clamped {
    /// What was in force.
    pub before: Limit,
    /// What is in force, read again.
    pub now: Limit,
    /// What the VM watches.
    pub max_fds: Limit,
}

impl From<MaxFdsUnknown> for Error {
    fn from(_: MaxFdsUnknown) -> Self {
        Error::Unknown(Missing::MaxFds)
    }
}

impl From<reserve::Refusal> for Error {
    fn from(refusal: reserve::Refusal) -> Self {
        match refusal {
            reserve::Refusal::TooMany(too_many) => Error::TooMany(too_many),
            reserve::Refusal::MaxFdsUnknown => Error::Unknown(Missing::MaxFds),
            reserve::Refusal::OpenUnknown => Error::Unknown(Missing::Open),
        }
    }
}

impl From<Unchanged<Error>> for Error {
    fn from(unchanged: Unchanged<Error>) -> Self {
        match unchanged {
            Unchanged::Decided(refusal) => refusal,
            Unchanged::Refused(reason) => Error::Refused(reason),
        }
    }
}

/// What is decided once the limits in force are known.
pub type Decide<'a> = &'a mut dyn FnMut(&Standing) -> Result<Change, Error>;

/// What came of a decision that was carried out, or not.
pub type Outcome = Result<Changed, Unchanged<Error>>;

fn bounds(standing: &Standing, nr_open: Limit, max_fds: Limit) -> Bounds {
    Bounds {
        soft: standing.soft,
        hard: standing.hard,
        nr_open,
        max_fds,
        reserved: standing.reserved,
    }
}

/// Raises the soft limit as far as it helps sockets.
///
/// # Errors
/// See [`Error`].
pub fn raise(
    wanted: Wanted,
    facts: &Facts,
    change: impl FnOnce(Decide) -> Outcome,
) -> Result<Raised, Error> {
    let (nr_open, max_fds) = (facts.nofile.nr_open, facts.nofile.max_fds);
    let told = |refusal| match refusal {
        raise::Refusal::AboveNrOpen(nr_open) => Error::AboveNrOpen(nr_open),
        raise::Refusal::AboveHard(hard) => Error::AboveHard(hard),
        raise::Refusal::Unknown(unknown) => unknown.into(),
        raise::Refusal::RestartRequired => Error::RestartRequired(Restart {
            wanted,
            max_fds,
            hard: facts.nofile.hard,
            fix: boot::instead_of_raising(facts, wanted),
        }),
    };
    let changed = change(&mut |standing| {
        let soft = raise::raise(wanted, &bounds(standing, nr_open, max_fds)).map_err(told)?;
        Ok(Change {
            soft,
            reserved: standing.reserved,
        })
    })?;
    let gained = changed.before != changed.now;
    Ok(Raised {
        before: changed.before,
        now: changed.now,
        max_fds,
        gives: if gained {
            Gives::Sockets
        } else {
            Gives::Nothing
        },
        children: Children::BootLimit,
    })
}

/// Brings a soft limit that somebody raised above `max_fds` back down to it, or to what a reserve leaves of it.
///
/// # Errors
/// `refused`, or `unknown`.
pub fn clamp(max_fds: Limit, change: impl FnOnce(Decide) -> Outcome) -> Result<Clamped, Error> {
    let changed = change(&mut |standing| {
        let soft = raise::clamp(&bounds(standing, Limit::Unknown, max_fds))?;
        Ok(Change {
            soft,
            reserved: standing.reserved,
        })
    })?;
    Ok(Clamped {
        before: changed.before,
        now: changed.now,
        max_fds,
    })
}

/// Holds back descriptors instead of what is held back now, once their number and that of the ports are known to fit.
/// The answer is the soft limit in force.
///
/// # Errors
/// `too_many`, `refused` or `unknown`.
pub fn reserve(
    wanted: Reserved,
    facts: &Facts,
    change: impl FnOnce(Decide) -> Outcome,
) -> Result<Limit, Error> {
    let (nr_open, max_fds) = (facts.nofile.nr_open, facts.nofile.max_fds);
    let changed = change(&mut |standing| {
        let room = Room {
            bounds: bounds(standing, nr_open, max_fds),
            open: facts.fds.open,
            free: facts.fds.free,
            ports: facts.beam.ports,
            reserved_ports: facts.reserved.ports,
        };
        let soft = reserve::reserve(wanted, &room)?;
        Ok(Change {
            soft,
            reserved: wanted.fds,
        })
    })?;
    Ok(changed.now)
}

/// Gives back the descriptors that are held back, and says by how many the limit rose.
///
/// # Errors
/// `refused`.
pub fn release(max_fds: Limit, change: impl FnOnce(Decide) -> Outcome) -> Result<u64, Error> {
    let changed = change(&mut |standing| {
        let soft = reserve::release(&bounds(standing, Limit::Unknown, max_fds));
        Ok(Change { soft, reserved: 0 })
    })?;
    Ok(match (changed.before, changed.now) {
        (Limit::Finite(before), Limit::Finite(now)) => now.saturating_sub(before),
        _ => 0,
    })
}

/// The soft limit for a program that is about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtStart {
    /// What was asked for.
    pub wanted: Wanted,
    /// The soft limit that was in force.
    pub before: Limit,
    /// The soft limit that is in force.
    pub now: Limit,
    /// Hard limit of the process.
    pub hard: Limit,
    /// Largest limit that the kernel accepts.
    pub nr_open: Limit,
    /// Whether that is what was asked for.
    pub in_full: bool,
    /// Why the kernel did not set it.
    pub refused: Option<Reason>,
}

/// Raises the soft limit of this process for the program that it is going to be.
pub fn at_start(wanted: Wanted, nr_open: Limit, change: impl FnOnce(Decide) -> Outcome) -> AtStart {
    let mut result = AtStart {
        wanted,
        before: Limit::Unknown,
        now: Limit::Unknown,
        hard: Limit::Unknown,
        nr_open,
        in_full: false,
        refused: None,
    };
    let changed = change(&mut |standing| {
        let decision = raise::before_boot(wanted, standing.soft, standing.hard, nr_open);
        result.before = standing.soft;
        result.now = standing.soft;
        result.hard = standing.hard;
        result.in_full = decision.in_full;
        Ok(Change {
            soft: decision.set,
            reserved: 0,
        })
    });
    match changed {
        Ok(changed) => result.now = changed.now,
        Err(unchanged) => {
            result.in_full = false;
            result.refused = unchanged.refusal();
        }
    }
    result
}
