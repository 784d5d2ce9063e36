//! Other systems: the limits through libc, and everything else unknown.

pub mod inventory;

use headroom_facts::probe::Probe;
use headroom_facts::quotas::Suspicion;
use headroom_facts::reading::{Detail, Patience, ScanNeeded};
use headroom_facts::unreadable::{Reason, Unreadable, What, Word};
use headroom_facts::vocabulary::{Count, Flag, Limit};
use headroom_facts::{Fds, Nofile, System};

use crate::{limits, system, Reading};

const UNSUPPORTED: Reason = Reason::Word(Word::UnsupportedOs);

/// Nothing is held here.
pub fn acquire() {}

/// Nothing is held here.
pub fn release() {}

/// Not known here.
pub fn local_ports() -> Option<(u64, u64)> {
    None
}

/// Not known here.
///
/// # Errors
/// Always `unsupported_os`.
pub fn open_count() -> Result<Option<u64>, Reason> {
    Err(UNSUPPORTED)
}

/// A count in steps, of which there are none here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scan {}

impl Scan {
    /// Nothing to count.
    pub fn start() -> Scan {
        Scan {}
    }

    /// Complete at once.
    pub fn step(self) -> Option<Scan> {
        None
    }
}

/// The limits; everything else is unknown.
///
/// # Errors
/// None here: the signature is that of Linux.
pub fn read(max_fds: Limit, _patience: Patience, _detail: Detail) -> Result<System, ScanNeeded> {
    let mut reading = Reading::default();
    let (soft, hard) = reading.take(What::Nofile, limits::nofile());
    let missing = [
        What::NrOpen,
        What::FileMax,
        What::FileNr,
        What::Capabilities,
        What::UserNs,
        What::Open,
        What::Highest,
    ];
    let missing = missing.map(|what| Unreadable::new(what, UNSUPPORTED));
    reading.unreadable.extend(missing);
    Ok(System {
        pid: system::pid(),
        kernel: system::kernel().to_owned(),
        fds: Fds {
            open: Count::Unknown,
            free: Limit::Unknown,
            highest: Count::Unknown,
            own: 0,
            age_ms: 0,
        },
        nofile: Nofile {
            soft,
            hard,
            nr_open: Limit::Unknown,
            max_fds,
            file_max: Limit::Unknown,
            file_nr: Count::Unknown,
            exempt_from_file_max: Flag::Unknown,
            can_raise_hard: Flag::Unknown,
        },
        unreadable: reading.unreadable,
    })
}

/// A listening socket, of which none is seen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {}

impl Listener {
    /// Not known here.
    pub fn at(_fd: i32) -> Option<Listener> {
        None
    }

    /// Not known here.
    pub fn queued(&self) -> u32 {
        0
    }
}

/// Nothing is asked here.
pub fn probe(_suspicion: Suspicion) -> Probe {
    Probe::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A system that cannot be read must say so, and never show a zero for a count.
    #[test]
    fn unknown_with_a_reason() {
        let system = read(Limit::Unknown, Patience::Fresh, Detail::Full).unwrap();
        assert!(system.nofile.soft.finite().is_some());
        assert_eq!(
            (system.fds.open, system.fds.free),
            (Count::Unknown, Limit::Unknown)
        );
        assert!(system
            .unreadable
            .contains(&Unreadable::new(What::Open, UNSUPPORTED)));
    }
}
