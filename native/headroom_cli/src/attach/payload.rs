//! What is put into a node: the library, and the beams that its release can load.

/// The beams that one release of OTP compiled.
pub struct Set {
    /// That release.
    pub release: u32,
    /// The application resource, as an encoded term.
    pub resource: &'static [u8],
    /// Each module with its code.
    pub modules: &'static [(&'static str, &'static [u8])],
}

include!(concat!(env!("OUT_DIR"), "/payload.rs"));

/// Beams that OTP 27 and later compile need this release or a later one; earlier beams are refused by OTP 29.
const MODERN: u32 = 27;
/// The earliest release that loads what the older set was compiled to.
const OLDEST: u32 = 25;

/// The set for a release, or why there is none.
pub fn set_for(release: u32) -> Result<&'static Set, String> {
    choose(SETS, release)
}

fn choose(sets: &'static [Set], release: u32) -> Result<&'static Set, String> {
    if sets.is_empty() {
        return Err(
            "this build of the command carries nothing to attach: it is made by script/attach"
                .into(),
        );
    }
    if release < OLDEST {
        return Err(format!(
            "the node runs OTP {release}, and headroom can be attached from OTP {OLDEST} on"
        ));
    }
    let fits =
        |set: &&Set| (set.release >= MODERN) == (release >= MODERN) && set.release <= release;
    sets.iter().rev().find(fits).ok_or_else(|| {
        let carried: Vec<String> = sets.iter().map(|set| set.release.to_string()).collect();
        format!(
            "the node runs OTP {release}, and this build carries beams of OTP {} alone, which it would not load",
            carried.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn set(release: u32) -> Set {
        Set {
            release,
            resource: &[],
            modules: &[],
        }
    }

    static BOTH: [Set; 2] = [set(25), set(27)];
    static OLD: [Set; 1] = [set(25)];

    fn chosen(sets: &'static [Set], release: u32) -> Option<u32> {
        choose(sets, release).ok().map(|set| set.release)
    }

    // A set of the wrong kind does not load, and leaves half of an application in a node that has trouble already.
    #[test]
    fn each_release_gets_beams_that_it_loads() {
        let cases = [
            (24, None),
            (25, Some(25)),
            (26, Some(25)),
            (27, Some(27)),
            (29, Some(27)),
        ];
        for (release, expected) in cases {
            assert_eq!(chosen(&BOTH, release), expected, "{release}");
        }
        assert_eq!(chosen(&OLD, 27), None);
        assert!(choose(&[], 27).is_err());
    }
}
