//! The largest groups of a stream, in bounded memory (the algorithm of Misra and Gries).

use std::collections::HashMap;

use headroom_facts::dump::{Census, Group};

/// Groups that are counted at a time: a group above one in so many of the whole is always found.
const MOST: usize = 2048;

/// Counts by a text.
#[derive(Default)]
pub struct Counter {
    count: u64,
    groups: HashMap<String, u64>,
}

impl Counter {
    /// One more of a group.
    pub fn add(&mut self, what: String) {
        self.count += 1;
        if let Some(count) = self.groups.get_mut(&what) {
            *count += 1;
        } else if self.groups.len() < MOST {
            self.groups.insert(what, 1);
        } else {
            self.groups.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    /// One more that belongs to no group.
    pub fn add_alone(&mut self) {
        self.count += 1;
    }

    /// All, and the largest groups. With more groups than are counted at a time, a group's count is a least one.
    pub fn census(&self, shown: usize) -> Census {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let groups = groups.into_iter().take(shown);
        Census {
            count: self.count,
            groups: groups
                .map(|(what, &count)| Group {
                    what: what.clone(),
                    count,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first() {
        let mut counter = Counter::default();
        for word in ["a", "b", "a", "c", "a", "b"] {
            counter.add(word.into());
        }
        let census = counter.census(2);
        let groups: Vec<_> = census
            .groups
            .iter()
            .map(|group| (group.what.as_str(), group.count))
            .collect();
        assert_eq!((census.count, groups), (6, vec![("a", 3), ("b", 2)]));
    }

    // A million names must cost no memory, and must not hide the one group that matters.
    #[test]
    fn many_groups_are_bounded() {
        let mut counter = Counter::default();
        for n in 0..100_000 {
            counter.add(format!("name {n}"));
            if n % 4 == 0 {
                counter.add("leak".into());
            }
        }
        assert!(counter.groups.len() <= MOST);
        let census = counter.census(1);
        assert_eq!(census.count, 125_000);
        assert_eq!(census.groups[0].what, "leak");
        assert!(census.groups[0].count > 20_000 && census.groups[0].count <= 25_000);
    }
}
