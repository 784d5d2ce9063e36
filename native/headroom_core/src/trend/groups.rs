//! Which group of holders grows: two looks at who holds descriptors, some time apart.
//!
//! The largest holder is not the leak: a listener with ten thousand steady clients holds more than the one that forgets a
//! hundred. What grew between two looks is told with both numbers.

use std::collections::VecDeque;

use serde::Serialize;

/// Looks that are remembered.
const LOOKS: usize = 6;
/// Groups of a look that are remembered: the largest.
const GROUPS: usize = 16;
/// What a group is called is kept up to this length.
const LONGEST_NAME: usize = 80;

/// One group at one look: what it is called, how many it held, and how many of those were idle if that is known.
pub type Held = (String, u64, Option<u64>);

#[derive(Clone, Debug)]
struct Look {
    at_ms: u64,
    groups: Vec<Held>,
}

impl Look {
    fn of(&self, name: &str) -> u64 {
        let found = self.groups.iter().find(|(group, ..)| group == name);
        found.map_or(0, |&(_, count, _)| count)
    }
}

/// The group that grew most between two looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grower {
    /// What it is called.
    pub group: String,
    /// How many descriptors it held at the first look.
    pub from: u64,
    /// How many it held at the last.
    pub to: u64,
    /// How many of these were idle, if that is known.
    pub idle: Option<u64>,
    /// Milliseconds between the two looks.
    pub within_ms: u64,
}

/// The last looks at who holds descriptors.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    looks: VecDeque<Look>,
}

impl Groups {
    /// Takes a look in.
    pub fn push(&mut self, at_ms: u64, mut groups: Vec<Held>) {
        groups.sort_by_key(|&(_, count, _)| std::cmp::Reverse(count));
        groups.truncate(GROUPS);
        for (name, ..) in &mut groups {
            *name = name.chars().take(LONGEST_NAME).collect();
        }
        if self.looks.len() == LOOKS {
            let least = self.least_missed(at_ms);
            self.looks.remove(least);
        }
        self.looks.push_back(Look { at_ms, groups });
    }

    /// The look without which the others still reach back evenly: far apart where they are old.
    fn least_missed(&self, now_ms: u64) -> usize {
        if self.looks[0].at_ms + FURTHEST_MS < now_ms {
            return 0;
        }
        let gap = |at: usize| {
            let around = self.looks[at + 1].at_ms - self.looks[at - 1].at_ms;
            around as f64 / (now_ms - self.looks[at].at_ms).max(1) as f64
        };
        let inner = 1..self.looks.len() - 1;
        inner
            .min_by(|&a, &b| gap(a).total_cmp(&gap(b)))
            .unwrap_or(0)
    }

    /// What grew most since a rise began: between the last look and the latest one before it began, or the oldest there is.
    pub fn grower(&self, since_ms: u64) -> Option<Grower> {
        let last = self.looks.back()?;
        let begun = last.at_ms.saturating_sub(since_ms);
        let before = self.looks.iter().rev().find(|look| look.at_ms <= begun);
        let first = before.or(self.looks.front())?;
        let grown = last.groups.iter().map(|(group, count, idle)| Grower {
            group: group.clone(),
            from: first.of(group),
            to: *count,
            idle: *idle,
            within_ms: last.at_ms - first.at_ms,
        });
        grown
            .filter(|grower| grower.to > grower.from)
            .max_by_key(|grower| grower.to - grower.from)
    }
}

/// No rise is looked for further back.
const FURTHEST_MS: u64 = 6 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn held(groups: &[(&str, u64)]) -> Vec<Held> {
        let held = groups
            .iter()
            .map(|&(name, n)| (name.into(), n, Some(n / 2)));
        held.collect()
    }

    // Whoever is told the largest holder restarts the wrong server.
    #[test]
    fn what_grew_is_named_and_not_what_is_large() {
        let mut groups = Groups::default();
        assert_eq!(groups.grower(60_000), None);
        groups.push(0, held(&[("steady", 10_000), ("falls", 500), ("leak", 10)]));
        assert_eq!(groups.grower(60_000), None, "one look tells nothing");
        groups.push(
            60_000,
            held(&[
                ("steady", 10_003),
                ("falls", 200),
                ("leak", 70),
                ("new", 40),
            ]),
        );
        let grower = groups.grower(60_000).unwrap();
        let expected = Grower {
            group: "leak".into(),
            from: 10,
            to: 70,
            idle: Some(35),
            within_ms: 60_000,
        };
        assert_eq!(grower, expected);
    }

    // A restart in the morning is no part of a rise that began at noon.
    #[test]
    fn it_is_compared_with_the_look_before_the_rise_began() {
        let mut groups = Groups::default();
        groups.push(0, held(&[("restarted", 0), ("leak", 10)]));
        groups.push(100_000, held(&[("restarted", 900), ("leak", 10)]));
        groups.push(200_000, held(&[("restarted", 900), ("leak", 60)]));
        assert_eq!(groups.grower(100_000).unwrap().group, "leak");
        assert_eq!(groups.grower(150_000).unwrap().group, "restarted");
    }

    // Memory must not grow with the uptime or with names.
    #[test]
    fn it_stays_small_and_keeps_an_old_look() {
        let mut groups = Groups::default();
        let many: Vec<Held> = (0..1000).map(|n| ("x".repeat(500), n, None)).collect();
        for look in 0..100 {
            groups.push(look * 30_000, many.clone());
        }
        assert_eq!(groups.looks.len(), LOOKS);
        assert!(groups.looks.iter().all(|look| look.groups.len() == GROUPS));
        assert!(groups.looks[0]
            .groups
            .iter()
            .all(|(name, ..)| name.len() == LONGEST_NAME));
        assert_eq!(groups.looks[0].at_ms, 0, "the first is within six hours");
        for look in 100..3000 {
            groups.push(look * 30_000, many.clone());
            let ages: Vec<u64> = groups
                .looks
                .iter()
                .map(|one| look * 30_000 - one.at_ms)
                .collect();
            assert!(ages[0] <= FURTHEST_MS && ages[0] > 600_000, "{ages:?}");
            assert!(ages[LOOKS - 2] <= 120_000, "{ages:?}");
        }
    }
}
