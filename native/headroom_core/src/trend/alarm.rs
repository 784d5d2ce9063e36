//! An alarm is another word than a verdict: a rise is one thing, and a limit within sight another.
//!
//! Every service rises in the morning. The alarm waits until the time to the limit is no longer than the time in which the
//! rise was observed, and until that was so three times in a row.

use super::outlook::Outlook;
use super::verdict::Verdict;

/// How often in a row it must be so, and must not be so.
const IN_A_ROW: u8 = 3;
/// Between two looks that count lies this part of the window: the same samples say the same.
const LOOKS: u64 = 32;

/// The alarm of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    raised: bool,
    /// How often in a row a look has said the opposite.
    against: u8,
    next_look_ms: u64,
}

impl Alarm {
    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.raised
    }

    /// Looks at a trend; whether the alarm was raised or cleared by it.
    pub fn look(&mut self, outlook: &Outlook, now_ms: u64) -> bool {
        if now_ms < self.next_look_ms {
            return false;
        }
        self.next_look_ms = now_ms + outlook.window_ms / LOOKS;
        if is_near(outlook) == self.raised {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let turns = self.against >= IN_A_ROW;
        if turns {
            self.raised = !self.raised;
            self.against = 0;
        }
        turns
    }
}

/// An alarm looks no further ahead: after a quiet weekend, days look like a rise of days.
const FURTHEST_MS: u64 = 3 * 3_600_000;

/// Whether the limit is no further than the rise was observed.
fn is_near(outlook: &Outlook) -> bool {
    let full = outlook
        .full
        .filter(|_| outlook.verdict == Verdict::Growing && !outlook.is_known);
    full.is_some_and(|full| full.in_ms <= outlook.window_ms.min(FURTHEST_MS))
}

#[cfg(test)]
mod tests {
    use super::super::outlook::Full;
    use super::*;

    fn growing(in_ms: u64) -> Outlook {
        Outlook {
            verdict: Verdict::Growing,
            window_ms: 180_000,
            since_ms: 180_000,
            per_hour: 3600.0,
            full: Some(Full {
                in_ms,
                earliest_ms: in_ms,
                latest_ms: None,
            }),
            is_known: false,
        }
    }

    // An alarm at each rise is one that nobody reads.
    #[test]
    fn it_is_raised_when_the_limit_is_near_three_times_in_a_row() {
        let mut alarm = Alarm::default();
        let mut times = (0..).map(|look| look * 10_000);
        let mut look = |in_ms| alarm.look(&growing(in_ms), times.next().unwrap());
        for in_ms in [500_000, 100_000, 100_000, 500_000, 100_000, 100_000] {
            assert!(!look(in_ms));
        }
        assert!(look(100_000), "three in a row");
        for in_ms in [500_000, 500_000, 100_000, 500_000, 500_000] {
            assert!(!look(in_ms));
        }
        assert!(look(500_000), "cleared like it was raised");
        assert!(!alarm.is_raised());
    }

    // Every Monday rises to where every Friday was.
    #[test]
    fn a_rise_to_a_known_level_is_no_alarm() {
        let known = Outlook {
            is_known: true,
            ..growing(0)
        };
        let mut alarm = Alarm::default();
        assert!((0..10).all(|look| !alarm.look(&known, look * 10_000)));
    }

    // Three looks at the same second are one.
    #[test]
    fn looks_are_apart() {
        let mut alarm = Alarm::default();
        for _ in 0..10 {
            assert!(!alarm.look(&growing(0), 7));
        }
    }
}
