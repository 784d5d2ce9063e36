//! Limits as files write them.

/// A limit of descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nofile {
    /// So many.
    Is(u64),
    /// As many as the kernel or systemd itself has.
    Infinity,
}

impl Nofile {
    /// Whether it is above a number.
    pub fn is_above(self, n: u64) -> bool {
        match self {
            Nofile::Is(limit) => limit > n,
            Nofile::Infinity => true,
        }
    }

    /// The number, if it is one.
    pub fn finite(self) -> Option<u64> {
        match self {
            Nofile::Is(limit) => Some(limit),
            Nofile::Infinity => None,
        }
    }
}

/// A limit of a unit: `65536` or `infinity` (systemd, src/basic/rlimit-util.c, `rlimit_parse_u64`: no suffix). A container
/// engine writes `-1` for no limit.
pub fn limit(text: &str) -> Option<Nofile> {
    let text = text.trim();
    match text {
        "infinity" | "unlimited" | "-1" => Some(Nofile::Infinity),
        _ if text.starts_with('+') => None,
        _ => text.parse().ok().map(Nofile::Is),
    }
}

/// `soft:hard`, or one for both.
pub fn pair(text: &str) -> Option<(Nofile, Nofile)> {
    match text.split_once(':') {
        Some((soft, hard)) => Some((limit(soft)?, limit(hard)?)),
        None => limit(text).map(|both| (both, both)),
    }
}

/// A whole number, as a flag of the emulator must be.
pub fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Nofile::{Infinity, Is};

    // systemd ignores the whole line for anything else: a suffix that it takes elsewhere is none here.
    #[test]
    fn limits_of_a_unit() {
        let cases = [
            ("65536", Some((Is(65_536), Is(65_536)))),
            ("1024:524288", Some((Is(1024), Is(524_288)))),
            ("infinity", Some((Infinity, Infinity))),
            ("64k", None),
            ("64K:128K", None),
            ("", None),
            ("65 536", None),
            ("65536:", None),
            ("+5", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(pair(text), expected, "{text:?}");
        }
    }
}
