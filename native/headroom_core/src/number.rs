//! Numbers as people read them.

use headroom_facts::vocabulary::{Count, Known, Limit};

/// A number as it can be copied, searched for and pasted: digits alone.
pub fn plain(n: u64) -> String {
    n.to_string()
}

/// A count, or the word for its absence.
pub fn count(count: Count) -> String {
    match count {
        Known::Is(n) => plain(n),
        Known::Unknown => "unknown".into(),
    }
}

/// A limit, or the word for its absence.
pub fn limit(limit: Limit) -> String {
    match limit {
        Limit::Finite(n) => plain(n),
        Limit::Infinity => "infinity".into(),
        Limit::Unknown => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A number with spaces in it is two for a double click, and none for grep.
    #[test]
    fn numbers_can_be_copied() {
        assert_eq!(plain(1_048_576), "1048576");
        assert_eq!(count(Known::Is(65_536)), "65536");
        assert_eq!(count(Count::Unknown), "unknown");
        assert_eq!(limit(Limit::Infinity), "infinity");
    }
}
