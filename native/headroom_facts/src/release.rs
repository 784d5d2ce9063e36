//! A release of OTP, so that rules can say since when they hold.

/// A release: `R14B04` is `(14, 4)`, `R15B` is `(15, 0)`, `27` is `(27, 0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub u32, pub u32);

impl Release {
    /// Before every release.
    pub const FIRST: Release = Release(0, 0);
    /// After every release.
    pub const NEVER: Release = Release(u32::MAX, 0);

    /// What `erlang:system_info(otp_release)` says. An unknown text is taken for a release of today.
    pub fn parse(text: &str) -> Release {
        let digits = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit());
            text[..end.unwrap_or(text.len())].parse().ok()
        };
        let old = text.strip_prefix('R');
        let major = digits(old.unwrap_or(text)).unwrap_or(25);
        let minor = old.and_then(|old| {
            digits(
                old.trim_start_matches(|c: char| c.is_ascii_digit())
                    .get(1..)?,
            )
        });
        Release(major, minor.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // R15B01 is where accept stopped to say enfile for a full port table: it must sort after R15B and R14B04.
    #[test]
    fn releases_are_ordered() {
        let texts = [
            "R12B-5", "R14B04", "R15B", "R15B01", "R16B03-1", "17", "23", "29",
        ];
        let releases = texts.map(Release::parse);
        assert!(
            releases.windows(2).all(|pair| pair[0] < pair[1]),
            "{releases:?}"
        );
        for odd in ["", "R", "x", "R15\u{e9}01", "99999999999"] {
            assert!(Release::parse(odd) > Release::FIRST, "{odd}");
        }
    }
}
