//! Numbers as people read them.

use headroom_facts::vocabulary::{Count, Known, Limit};

/// Thousands set apart by spaces: `1 048 576`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count, or the word for its absence.
pub fn count(count: Count) -> String {
    match count {
        Known::Is(n) => grouped(n),
        Known::Unknown => "unknown".into(),
    }
}

/// A limit, or the word for its absence.
pub fn limit(limit: Limit) -> String {
    match limit {
        Limit::Finite(n) => grouped(n),
        Limit::Infinity => "infinity".into(),
        Limit::Unknown => "unknown".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_048_576, "1 048 576"),
        ];
        for (n, text) in cases {
            assert_eq!(grouped(n), text);
        }
        assert_eq!(count(Count::Unknown), "unknown");
        assert_eq!(limit(Limit::Infinity), "infinity");
    }
}
