//! When a reserve is given back without anybody's word. Nothing is read or set here: a thread of the library looks, and
//! asks after each look.

use headroom_facts::vocabulary::Limit;

atoms! {
    /// What gives a reserve back by itself.
    pub enum ReleaseOn {
        /// No descriptor is left, and a connection waits at the distribution's listener: a remote shell, or another node.
        Waiting = "waiting",
        /// No descriptor is left.
        Full = "full",
    }
}

/// What a look saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether a connection waits at the distribution's listener.
    pub waits: bool,
    /// Slots below the soft limit that are not taken.
    pub free: Limit,
}

/// Counts the looks that saw it. One alone proves nothing: each connection waits for a moment before it is accepted, and
/// the last descriptor may come back at once.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    on: ReleaseOn,
    seen: u32,
}

impl Guard {
    /// So many looks in a row have to see it.
    pub const LOOKS: u32 = 2;

    /// A guard that has seen nothing yet.
    pub fn new(on: ReleaseOn) -> Guard {
        Guard { on, seen: 0 }
    }

    /// Whether a look has to count what is free: counting may take long, and most of the time nobody waits.
    pub fn wants_count(&self, waits: bool) -> bool {
        match self.on {
            ReleaseOn::Waiting => waits,
            ReleaseOn::Full => true,
        }
    }

    /// Whether the reserve is to be given back now. What could not be counted is not full.
    pub fn sees(&mut self, look: Look) -> bool {
        let full = look.free == Limit::Finite(0);
        let holds = match self.on {
            ReleaseOn::Waiting => look.waits && full,
            ReleaseOn::Full => full,
        };
        self.seen = if holds { self.seen + 1 } else { 0 };
        self.seen >= Guard::LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Limit::{Finite, Infinity, Unknown};
    use ReleaseOn::{Full, Waiting};

    fn look(waits: bool, free: Limit) -> Look {
        Look { waits, free }
    }

    // A reserve that goes at a false alarm is not there in the incident; one that waits for more never comes.
    #[test]
    fn only_what_lasts_gives_it_back() {
        let zero = Finite(0);
        let cases = [
            (Waiting, vec![look(true, zero)], false),
            (Waiting, vec![look(true, zero), look(true, zero)], true),
            (Waiting, vec![look(false, zero); 9], false),
            (Waiting, vec![look(true, Finite(1)); 9], false),
            (Waiting, vec![look(true, Unknown); 9], false),
            (
                Waiting,
                vec![look(true, zero), look(false, zero), look(true, zero)],
                false,
            ),
            (Full, vec![look(false, zero), look(false, zero)], true),
            (
                Full,
                vec![look(false, zero), look(false, Finite(1)), look(false, zero)],
                false,
            ),
            (Full, vec![look(true, Infinity); 9], false),
        ];
        for (on, looks, expected) in cases {
            let mut guard = Guard::new(on);
            let gave = looks.iter().any(|&look| guard.sees(look));
            assert_eq!(gave, expected, "{on:?} {looks:?}");
        }
    }

    #[test]
    fn nothing_is_counted_while_nobody_waits() {
        assert!(!Guard::new(Waiting).wants_count(false));
        assert!(Guard::new(Waiting).wants_count(true));
        assert!(Guard::new(Full).wants_count(false));
    }
}
