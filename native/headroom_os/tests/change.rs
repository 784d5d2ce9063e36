//! Changes of this process's own limit: in a file of its own, since it is the process that has the limit.

use std::sync::{Mutex, PoisonError};

use headroom_facts::change::{Change, Changed, Standing, Unchanged};
use headroom_facts::unreadable::Reason;
use headroom_facts::vocabulary::Limit;
use headroom_os::change;

/// The tests here change the same limit.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn standing() -> Standing {
    let mut seen = None;
    let _ = change(0, |standing| {
        seen = Some(*standing);
        Err::<Change, ()>(())
    });
    seen.unwrap()
}

fn shift(by: u64, up: bool) -> Changed {
    let decide = |standing: &Standing| {
        let soft = standing.soft.finite().unwrap();
        std::thread::yield_now();
        let (soft, reserved) = if up {
            (soft + by, standing.reserved - by)
        } else {
            (soft - by, standing.reserved + by)
        };
        let soft = Some(soft);
        Ok::<_, ()>(Change { soft, reserved })
    };
    change(0, decide).unwrap()
}

// Threads that raise and lower at once: whatever the order, the limit and the reserve that are left must belong
// together. Without the lock around reading and setting, a limit is computed from one that is gone.
#[test]
fn changes_do_not_mix() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let start = standing();
    std::thread::scope(|scope| {
        for by in 1..=4 {
            scope.spawn(move || {
                for _ in 0..200 {
                    let lowered = shift(by, false);
                    assert_ne!(lowered.before, lowered.now);
                    shift(by, true);
                }
            });
        }
    });
    assert_eq!(standing(), start);
}

// An error of the kernel must leave the reserve as it was, or a release would give back what was never taken.
#[test]
fn a_refusal_leaves_everything() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let start = standing();
    let Limit::Finite(hard) = start.hard else {
        panic!("the hard limit has no bound");
    };
    let refused = change(0, |standing| {
        let soft = Some(hard + 1);
        let reserved = standing.reserved + 7;
        Ok::<_, ()>(Change { soft, reserved })
    });
    let einval = Reason::from_errno(libc::EINVAL);
    assert_eq!(refused, Err(Unchanged::Refused(einval)));
    assert_eq!(standing(), start);
}

// What a caller remembers is for a library that was just loaded; later it would undo a release that it has not heard of.
#[test]
fn what_a_caller_remembers_counts_once() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let known = standing().reserved;
    let _ = change(known + 64, |standing| {
        assert_eq!(standing.reserved, known);
        Err::<Change, ()>(())
    });
    assert_eq!(headroom_os::reserved(), Some(known));
}
