//! Linux: joins the parts, and knows which of them to skip on the fast path.

mod control_group;
mod fd_table;
mod held;
pub mod inventory;
mod kernel_files;
mod listener;
mod privileges;
mod probe;
mod quotas;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use headroom_facts::reading::{Detail, Patience, ScanNeeded};
use headroom_facts::unreadable::{Reason, Unreadable, What, Word};
use headroom_facts::vocabulary::{Count, Known, Limit};
use headroom_facts::{Fds, Nofile, System};

use crate::{limits, system, Reading};
use privileges::Privileges;

pub use listener::Listener;
pub use probe::probe;
pub use quotas::local_ports;

/// Slots that are counted in passing, in some 10 µs; more of them take a [`Scan`].
const IN_PASSING: u64 = 64;
/// A step of a [`Scan`] ends when it has taken this long: by the clock, since an open slot takes twice as long as an empty
/// one, and a busy machine longer than an idle one.
const STEP: Duration = Duration::from_micros(200);
/// Slots that a step counts between two looks at the clock, each behind a jump to the next open descriptor.
const STRETCH: u64 = 128;
/// How old a count that took several steps may be where its age is told: in a health check.
const RECENT: Duration = Duration::from_secs(1);

/// It cannot change: nothing moves a process of several threads to another one.
static IN_INITIAL_USER_NS: OnceLock<Result<bool, Reason>> = OnceLock::new();
/// `HEADROOM_FORCE_SCAN=1`: count as on a kernel before 6.2.
static FORCE_SCAN: AtomicBool = AtomicBool::new(false);
/// The last count that took several steps.
static COUNTED: Mutex<Option<Counted>> = Mutex::new(None);
/// The soft limit at or above which nothing was open when it was looked at last, and when that was.
static CLEAN_FROM: Mutex<Option<(u64, Instant)>> = Mutex::new(None);
/// `fs.nr_open` and when it was read.
static NR_OPEN: Mutex<Option<(Limit, Instant)>> = Mutex::new(None);

#[derive(Clone, Copy)]
struct Counted {
    open: u64,
    above: u64,
    soft: Limit,
    at: Instant,
}

/// Opens what is held, and reads what is read once. Called by load and upgrade.
pub fn acquire() {
    held::acquire();
    privileges();
    let force = std::env::var_os("HEADROOM_FORCE_SCAN").is_some_and(|value| value == "1");
    FORCE_SCAN.store(force, Ordering::Relaxed);
    recent_nr_open();
}

/// Closes what is held. Called by unload.
pub fn release() {
    held::release();
}

/// The number of open descriptors, where the kernel says it at once.
pub fn open_count() -> Result<Option<u64>, Reason> {
    if FORCE_SCAN.load(Ordering::Relaxed) {
        return held::FD_DIR.fd().map(|_| None);
    }
    fd_table::open_count()
}

/// Counts of the descriptor table.
struct Tally {
    open: u64,
    /// Descriptors at or above the soft limit, which take no slot below it.
    above: u64,
    /// The highest open descriptor, where counting has shown it.
    highest: Option<u64>,
    age: Duration,
}

enum Untold {
    Scan,
    Because(Reason),
}

impl From<Reason> for Untold {
    fn from(reason: Reason) -> Self {
        Untold::Because(reason)
    }
}

fn tally(soft: Limit, patience: Patience) -> Result<Tally, Untold> {
    match open_count()? {
        Some(open) => above_soft(open, soft, patience),
        None => recent(soft, patience),
    }
}

/// Nothing can be opened at or above the soft limit, so something stands there only after somebody lowered it.
fn above_soft(open: u64, soft: Limit, patience: Patience) -> Result<Tally, Untold> {
    let now = |above, highest| {
        let age = Duration::ZERO;
        Ok(Tally {
            open,
            above,
            highest,
            age,
        })
    };
    let Some(from) = soft.finite() else {
        return now(0, None);
    };
    if is_clean(from, patience) {
        return now(0, None);
    }
    let end = fd_table::end(open, from)?;
    *CLEAN_FROM.lock().unwrap_or_else(PoisonError::into_inner) =
        (end.above == Some(0)).then(|| (from, Instant::now()));
    if let Some(above) = end.above {
        return now(above, end.highest);
    }
    if patience != Patience::Fresh {
        if let Ok(counted) = recent(soft, patience) {
            return Ok(Tally { open, ..counted });
        }
    }
    if let (Some(lowest), Some(highest)) = (fd_table::lowest_from(from)?, end.highest) {
        if highest - lowest < IN_PASSING {
            return now(fd_table::count_open(lowest..highest + 1), end.highest);
        }
    }
    recent(soft, patience).map(|counted| Tally { open, ..counted })
}

/// Whether nothing stands at or above this limit, as the last look says. It can have become wrong only where somebody raised
/// the limit, opened, and lowered it to the same number since: a health check takes that risk, others for a second.
fn is_clean(from: u64, patience: Patience) -> bool {
    let looked = *CLEAN_FROM.lock().unwrap_or_else(PoisonError::into_inner);
    looked.is_some_and(|(clean_from, at)| {
        clean_from == from && (patience == Patience::Recent || at.elapsed() <= RECENT)
    })
}

/// A count that took several steps, if it is young enough to be used.
fn recent(soft: Limit, patience: Patience) -> Result<Tally, Untold> {
    let counted = *COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let usable = counted
        .filter(|_| patience != Patience::Fresh)
        .filter(|counted| counted.soft == soft && counted.at.elapsed() <= RECENT);
    match (usable, patience) {
        (Some(counted), _) => Ok(Tally {
            open: counted.open,
            above: counted.above,
            highest: None,
            age: counted.at.elapsed(),
        }),
        (None, Patience::Never) => Err(Untold::Because(Word::TooCostly.into())),
        (None, _) => Err(Untold::Scan),
    }
}

/// A count of the descriptor table in steps, each short enough for a normal scheduler.
///
/// It is carried through the caller between the steps, so it is plain data; the last step keeps the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scan {
    next: u64,
    open: u64,
    above: u64,
    soft: Limit,
}

impl Scan {
    /// Begins where the count has to begin.
    pub fn start() -> Scan {
        let soft = limits::nofile().map_or(Limit::Unknown, |(soft, _)| soft);
        let only_above = matches!(open_count(), Ok(Some(_)));
        Scan {
            next: soft.finite().filter(|_| only_above).unwrap_or(0),
            open: 0,
            above: 0,
            soft,
        }
    }

    /// Counts on; `None` when the count is complete and kept, or cannot be made.
    pub fn step(mut self) -> Option<Scan> {
        let started = Instant::now();
        while started.elapsed() < STEP {
            let Some(lowest) = fd_table::lowest_from(self.next).ok()? else {
                *COUNTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Counted {
                    open: self.open,
                    above: self.above,
                    soft: self.soft,
                    at: Instant::now(),
                });
                return None;
            };
            let end = lowest.saturating_add(STRETCH);
            let border = self.soft.finite().unwrap_or(u64::MAX).clamp(lowest, end);
            let below = fd_table::count_open(lowest..border);
            let above = fd_table::count_open(border..end);
            self.open = self.open.saturating_add(below).saturating_add(above);
            self.above = self.above.saturating_add(above);
            self.next = end;
        }
        Some(self)
    }
}

/// The facts of this moment.
///
/// # Errors
/// The descriptor table takes a [`Scan`] to count, and `patience` does not allow to do without.
pub fn read(max_fds: Limit, patience: Patience, detail: Detail) -> Result<System, ScanNeeded> {
    let mut reading = Reading::default();
    let (soft, hard) = reading.take(What::Nofile, limits::nofile());
    let privileges = privileges();
    let exempt = privileges.exempt_from_file_max();
    let nr_open = match detail {
        Detail::Health => recent_nr_open(),
        Detail::Full | Detail::Limits => reading.take(What::NrOpen, nr_open()),
    };
    let (file_nr, file_max) = if detail == Detail::Health && exempt == Some(true) {
        (Count::Unknown, Limit::Infinity)
    } else {
        let file_nr = kernel_files::file_nr();
        let file_max = reading.take(What::FileMax, file_nr.map(|(_, limit)| limit));
        let used = reading.take(What::FileNr, file_nr.map(|(used, _)| Known::Is(used)));
        (used, file_max)
    };
    reading.take(What::Capabilities, privileges.capabilities);
    reading.take(What::UserNs, privileges.initial_user_ns);

    let (tally, why) = match tally(soft, patience) {
        Ok(tally) => (Some(tally), Word::NotAsked.into()),
        Err(Untold::Scan) => return Err(ScanNeeded),
        Err(Untold::Because(reason)) => (None, reason),
    };
    if tally.is_none() {
        reading.unreadable.push(Unreadable::new(What::Open, why));
    }
    let deaf = max_fds.finite().filter(|_| is_above(soft, max_fds));
    let highest = match &tally {
        None => Some(Err(why)),
        Some(tally) if tally.highest.is_some() => tally.highest.map(Ok),
        Some(tally) if deaf.is_some() || tally.above > 0 && detail != Detail::Health => {
            Some(fd_table::highest_for_sure(tally.open, deaf))
        }
        Some(_) if detail == Detail::Health => None,
        Some(_) if detail == Detail::Limits => Some(Err(Word::NotAsked.into())),
        Some(tally) => Some(fd_table::highest_of(tally.open)),
    };
    let highest = highest.map_or(Count::Unknown, |highest| {
        reading.take(What::Highest, highest.map(Known::Is))
    });
    Ok(System {
        pid: system::pid(),
        kernel: system::kernel().to_owned(),
        fds: Fds {
            open: tally.as_ref().map(|tally| tally.open).into(),
            free: free_slots(soft, tally.as_ref()),
            highest,
            own: held::own(),
            age_ms: tally.map_or(0, |tally| tally.age.as_millis() as u64),
        },
        nofile: Nofile {
            soft,
            hard,
            nr_open,
            max_fds,
            file_max,
            file_nr,
            exempt_from_file_max: exempt.into(),
            can_raise_hard: privileges.can_raise_hard().into(),
        },
        unreadable: reading.unreadable,
    })
}

/// `fs.nr_open`, read now.
fn nr_open() -> Result<Limit, Reason> {
    let nr_open = kernel_files::nr_open().map(Limit::Finite);
    let kept = nr_open.unwrap_or(Limit::Unknown);
    *NR_OPEN.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept, Instant::now()));
    nr_open
}

/// `fs.nr_open` as it was within the last second: nobody changes it often, and a health check is short.
fn recent_nr_open() -> Limit {
    let kept = *NR_OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    match kept {
        Some((nr_open, at)) if at.elapsed() <= RECENT => nr_open,
        _ => nr_open().unwrap_or(Limit::Unknown),
    }
}

/// Read each time: a program that drops its privileges after it started is exempt no longer.
fn privileges() -> Privileges {
    Privileges::read(*IN_INITIAL_USER_NS.get_or_init(privileges::in_initial_user_ns))
}

fn is_above(soft: Limit, max_fds: Limit) -> bool {
    max_fds
        .finite()
        .is_some_and(|max_fds| soft == Limit::Infinity || soft.finite() > Some(max_fds))
}

fn free_slots(soft: Limit, tally: Option<&Tally>) -> Limit {
    let below: Count = tally
        .map(|tally| tally.open.saturating_sub(tally.above))
        .into();
    soft.minus(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    // If the two roads disagreed, an older kernel would show other numbers for the same node.
    #[test]
    fn both_roads_count_the_same() {
        acquire();
        let Ok(Some(_)) = fd_table::open_count() else {
            return; // a kernel before 6.2
        };
        let agrees = (0..200).any(|_| {
            let fast = fd_table::open_count().unwrap().unwrap();
            let mut scan = Scan {
                next: 0,
                ..Scan::start()
            };
            while let Some(next) = scan.step() {
                scan = next;
            }
            let counted = COUNTED.lock().unwrap().unwrap();
            counted.open == fast && fd_table::open_count().unwrap() == Some(fast)
        });
        assert!(agrees);
    }

    // A count of the last second says that all is well while the last descriptor goes: only what tells the age of its
    // answer may use one.
    #[test]
    fn a_fresh_count_is_made_anew() {
        acquire();
        let soft = Limit::Finite(4242);
        *COUNTED.lock().unwrap() = Some(Counted {
            open: 7,
            above: 0,
            soft,
            at: Instant::now(),
        });
        let open = |patience| match recent(soft, patience) {
            Ok(tally) => Some(tally.open),
            Err(Untold::Scan) => None,
            Err(Untold::Because(reason)) => panic!("{reason:?}"),
        };
        assert_eq!(open(Patience::Fresh), None);
        assert_eq!(open(Patience::Recent), Some(7));
        assert!(matches!(
            recent(Limit::Finite(4243), Patience::Never),
            Err(Untold::Because(Reason::Word(Word::TooCostly)))
        ));
    }

    fn counted() {
        let mut scan = Scan::start();
        while let Some(next) = scan.step() {
            scan = next;
        }
    }

    // All facts of a machine that has /proc are known, and they fit together.
    #[test]
    fn a_whole_reading_is_complete_and_consistent() {
        acquire();
        counted(); // for a kernel that does not say the number at once
        let os = read(Limit::Unknown, Patience::Never, Detail::Full).unwrap();
        assert!(os.fds.own >= 7 && os.fds.open.get() > Some(3), "{os:?}");
        let slots = os.fds.free.finite().unwrap() + os.fds.open.get().unwrap();
        assert_eq!(Some(slots), os.nofile.soft.finite());
        assert!(
            os.fds.highest.get() >= os.fds.open.get().map(|open| open - 1),
            "{os:?}"
        );
        assert!(os.kernel.starts_with("Linux "));
        let limits = procfs::process::Process::myself()
            .unwrap()
            .limits()
            .unwrap();
        let procfs::process::LimitValue::Value(soft) = limits.max_open_files.soft_limit else {
            panic!("no soft limit");
        };
        assert_eq!(os.nofile.soft, Limit::Finite(soft));
        assert_eq!(os.nofile.nr_open.finite().map(|n| n >= soft), Some(true));
        let missing: Vec<_> = os
            .unreadable
            .iter()
            .filter(|u| u.what != What::Highest)
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
