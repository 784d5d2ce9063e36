//! What the soft limit of descriptors may be set to, or why not. Nothing is set here: [`crate::nofile`] carries it out.
//!
//! A VM watches `max_fds` descriptors and fixes that number when it starts. A socket at or above it gets no event and
//! is never closed, so no decision here passes it.

use headroom_facts::vocabulary::Limit;
use headroom_facts::wanted::Wanted;

/// The largest limit that is taken without being named: a VM sizes its port table to it.
pub const LARGEST_SANE: u64 = 1_048_576;

/// The limits at the moment of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Soft limit of the process.
    pub soft: Limit,
    /// Hard limit of the process.
    pub hard: Limit,
    /// Largest limit that the kernel accepts.
    pub nr_open: Limit,
    /// What the VM watches, fixed when it started.
    pub max_fds: Limit,
    /// Descriptors that are held back for the operator.
    pub reserved: u64,
}

/// Why nothing is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel accepts no limit above this one.
    AboveNrOpen(u64),
    /// The hard limit is this one.
    AboveHard(u64),
    /// Only the next start of the VM can watch so many.
    RestartRequired,
    /// No number is known to be safe.
    Unknown(MaxFdsUnknown),
}

/// What the VM watches is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFdsUnknown;

impl From<MaxFdsUnknown> for Refusal {
    fn from(unknown: MaxFdsUnknown) -> Self {
        Refusal::Unknown(unknown)
    }
}

impl Bounds {
    fn watched(&self) -> Result<u64, MaxFdsUnknown> {
        self.max_fds.finite().ok_or(MaxFdsUnknown)
    }

    /// The highest soft limit that keeps the reserve.
    fn ceiling(&self, max_fds: u64) -> u64 {
        at_most(self.hard, max_fds.saturating_sub(self.reserved))
    }
}

/// `n`, or the limit if that is smaller.
fn at_most(limit: Limit, n: u64) -> u64 {
    limit.finite().map_or(n, |limit| limit.min(n))
}

/// The soft limit to set, or `None` when there is nothing to gain. Never lower than now.
///
/// # Errors
/// See [`Refusal`].
pub fn raise(wanted: Wanted, bounds: &Bounds) -> Result<Option<u64>, Refusal> {
    if let Wanted::Soft(wanted) = wanted {
        match (bounds.nr_open, bounds.hard) {
            (Limit::Finite(nr_open), _) if wanted > nr_open => {
                return Err(Refusal::AboveNrOpen(nr_open))
            }
            (_, Limit::Finite(hard)) if wanted > hard => return Err(Refusal::AboveHard(hard)),
            _ => {}
        }
    }
    let max_fds = bounds.watched()?;
    let ceiling = bounds.ceiling(max_fds);
    let target = match wanted {
        Wanted::Soft(wanted) if wanted > max_fds => return Err(Refusal::RestartRequired),
        Wanted::Soft(wanted) => wanted.min(ceiling),
        Wanted::Max => ceiling,
    };
    if bounds.soft.is_below(target) {
        Ok(Some(target))
    } else if wanted == Wanted::Max && bounds.hard.is_above(max_fds) {
        Err(Refusal::RestartRequired)
    } else {
        Ok(None)
    }
}

/// The soft limit to set when somebody raised it above what the VM watches, or `None` when nobody did.
///
/// # Errors
/// What the VM watches is not known.
pub fn clamp(bounds: &Bounds) -> Result<Option<u64>, MaxFdsUnknown> {
    let max_fds = bounds.watched()?;
    let above = bounds.soft.is_above(max_fds);
    Ok(above.then(|| bounds.ceiling(max_fds)))
}

/// What can be set before a VM starts, when nothing is fixed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeforeBoot {
    /// The soft limit to set, or `None` to leave it.
    pub set: Option<u64>,
    /// Whether this is all that was asked for.
    pub in_full: bool,
}

/// The soft limit for a program that is about to start: at most the hard limit, `fs.nr_open` and [`LARGEST_SANE`], and
/// never lower than now.
pub fn before_boot(wanted: Wanted, soft: Limit, hard: Limit, nr_open: Limit) -> BeforeBoot {
    let most = at_most(nr_open, at_most(hard, LARGEST_SANE));
    let target = match wanted {
        Wanted::Max => most,
        Wanted::Soft(wanted) => wanted.min(most),
    };
    let set = soft.is_below(target).then_some(target);
    let in_full = match wanted {
        Wanted::Max => true,
        Wanted::Soft(wanted) => wanted <= target || !soft.is_below(wanted),
    };
    BeforeBoot { set, in_full }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use Limit::{Finite, Infinity, Unknown};

    fn bounds(soft: u64, hard: u64, max_fds: u64, reserved: u64) -> Bounds {
        Bounds {
            soft: Finite(soft),
            hard: Finite(hard),
            nr_open: Finite(1_048_576),
            max_fds: Finite(max_fds),
            reserved,
        }
    }

    // Each row is a promise of the manual; a wrong one either harms the node or sends the operator the wrong way.
    #[test]
    fn what_may_be_raised() {
        use Refusal::*;
        use Wanted::{Max, Soft};
        let lowered = bounds(200, 4096, 1024, 0);
        let cases = [
            (Soft(800), lowered, Ok(Some(800))),
            (Soft(1024), lowered, Ok(Some(1024))),
            (Soft(1025), lowered, Err(RestartRequired)),
            (Soft(4097), lowered, Err(AboveHard(4096))),
            (Soft(1_048_577), lowered, Err(AboveNrOpen(1_048_576))),
            (Max, lowered, Ok(Some(1024))),
            // Never lower.
            (Soft(100), lowered, Ok(None)),
            (Soft(0), lowered, Ok(None)),
            // Nothing to gain: only a restart would bring more, or nothing would.
            (Max, bounds(1024, 4096, 1024, 0), Err(RestartRequired)),
            (Max, bounds(1024, 1024, 1024, 0), Ok(None)),
            (Soft(1024), bounds(1024, 4096, 1024, 0), Ok(None)),
            (Max, bounds(512, 512, 1024, 0), Ok(None)),
            (Max, bounds(100, 512, 1024, 0), Ok(Some(512))),
            // A reserve is kept.
            (Max, bounds(200, 4096, 1024, 64), Ok(Some(960))),
            (Soft(1000), bounds(200, 4096, 1024, 64), Ok(Some(960))),
            (Max, bounds(960, 1024, 1024, 64), Ok(None)),
            (Max, bounds(960, 4096, 1024, 64), Err(RestartRequired)),
            // Somebody raised it too far: not ours to lower here.
            (Soft(1000), bounds(2048, 4096, 1024, 0), Ok(None)),
            (Max, bounds(2048, 4096, 1024, 0), Err(RestartRequired)),
        ];
        for (wanted, bounds, expected) in cases {
            assert_eq!(raise(wanted, &bounds), expected, "{wanted:?} {bounds:?}");
        }
    }

    // Without knowing what the VM watches, no number is known to be safe.
    #[test]
    fn an_unknown_max_fds_refuses() {
        let unknown = Bounds {
            max_fds: Unknown,
            ..bounds(200, 4096, 0, 0)
        };
        let refused = Err(Refusal::Unknown(MaxFdsUnknown));
        assert_eq!(raise(Wanted::Max, &unknown), refused);
        assert_eq!(raise(Wanted::Soft(300), &unknown), refused);
        assert_eq!(clamp(&unknown), Err(MaxFdsUnknown));
    }

    #[test]
    fn limits_without_a_bound() {
        let open = Bounds {
            hard: Infinity,
            nr_open: Unknown,
            ..bounds(200, 0, 1024, 0)
        };
        assert_eq!(raise(Wanted::Max, &open), Ok(Some(1024)));
        assert_eq!(
            raise(Wanted::Soft(u64::MAX), &open),
            Err(Refusal::RestartRequired)
        );
        let unlimited = Bounds {
            soft: Infinity,
            ..open
        };
        assert_eq!(raise(Wanted::Soft(1024), &unlimited), Ok(None));
        assert_eq!(clamp(&unlimited), Ok(Some(1024)));
    }

    // Lowering what is not above would take descriptors away that work.
    #[test]
    fn only_what_is_above_is_clamped() {
        assert_eq!(clamp(&bounds(4096, 4096, 1024, 0)), Ok(Some(1024)));
        assert_eq!(clamp(&bounds(4096, 4096, 1024, 64)), Ok(Some(960)));
        assert_eq!(clamp(&bounds(1024, 4096, 1024, 0)), Ok(None));
        assert_eq!(clamp(&bounds(1000, 4096, 1024, 64)), Ok(None));
    }

    // The container default of today and the huge one of yesterday, and what an operator asks for in between.
    #[test]
    fn what_a_start_can_have() {
        use Wanted::{Max, Soft};
        let cases = [
            (Max, (1024, 524_288), (Some(524_288), true)),
            (Max, (1024, 2_000_000), (Some(LARGEST_SANE), true)),
            (Max, (1_073_741_816, 1_073_741_816), (None, true)),
            (Max, (1024, 1024), (None, true)),
            (Soft(65_536), (1024, 524_288), (Some(65_536), true)),
            (Soft(65_536), (1024, 4096), (Some(4096), false)),
            (Soft(512), (1024, 4096), (None, true)),
            (
                Soft(2_000_000),
                (1024, 4_000_000),
                (Some(LARGEST_SANE), false),
            ),
        ];
        for (wanted, (soft, hard), (set, in_full)) in cases {
            let nr_open = Finite(1 << 30);
            let result = before_boot(wanted, Finite(soft), Finite(hard), nr_open);
            assert_eq!(
                result,
                BeforeBoot { set, in_full },
                "{wanted:?} {soft} {hard}"
            );
        }
        let small = before_boot(Max, Finite(1024), Infinity, Finite(70_000));
        assert_eq!(small.set, Some(70_000));
        assert_eq!(before_boot(Max, Infinity, Infinity, Unknown).set, None);
    }

    #[test]
    fn wanted_as_it_is_written() {
        assert_eq!("max".parse(), Ok(Wanted::Max));
        assert_eq!("4096".parse(), Ok(Wanted::Soft(4096)));
        for bad in ["", "-1", "4k", "MAX", "1e3"] {
            assert!(bad.parse::<Wanted>().is_err(), "{bad}");
        }
    }

    proptest! {
        // The one rule that must hold whatever the numbers are: up, and never past what the VM watches or may have.
        #[test]
        fn never_past_the_bounds(soft: u64, hard: u64, max_fds: u64, reserved: u64, wanted: Option<u64>) {
            let bounds = Bounds { soft: Finite(soft), hard: Finite(hard), nr_open: Unknown, max_fds: Finite(max_fds), reserved };
            let wanted = wanted.map_or(Wanted::Max, Wanted::Soft);
            if let Ok(Some(target)) = raise(wanted, &bounds) {
                prop_assert!(target > soft && target <= hard && target <= max_fds.saturating_sub(reserved));
            }
            if let Ok(Some(target)) = clamp(&bounds) {
                prop_assert!(target < soft && target <= max_fds);
            }
        }
    }
}
