//! How much can be held back for the operator. Nothing is set here: [`crate::nofile`] carries it out.
//!
//! Descriptors are held back by a soft limit that is lower by their number, ports by idle ones. No number but that of
//! the descriptors is kept: what a release gives back is added to the limit in force, and stops at what the VM watches.

use serde::Serialize;

use super::raise::Bounds;
use headroom_facts::beam::Reserved;
use headroom_facts::term::Value;
use headroom_facts::vocabulary::{Count, Known, Limit, Name};

/// Why an option or an argument asks for nothing that can be held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The pair at this index is wrong, and why.
    Key(usize, String),
    /// All of it is.
    Option(String),
}

/// What an option like `64` or `#{fds => 64, ports => 16}` asks to hold back.
///
/// # Errors
/// See [`Unusable`].
pub fn wanted(option: &Value) -> Result<Reserved, Unusable> {
    let mut wanted = Reserved::default();
    match option {
        Value::Map(pairs) => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                let count = match key.as_atom() {
                    Some("fds") => &mut wanted.fds,
                    Some("ports") => &mut wanted.ports,
                    _ => return Err(Unusable::Key(index, "neither fds nor ports".into())),
                };
                let not = || Unusable::Key(index, "not a non-negative integer".into());
                *count = value.as_u64().ok_or_else(not)?;
            }
            Ok(wanted)
        }
        Value::Integer(_) => {
            let not = || Unusable::Option("not a non-negative integer".into());
            wanted.fds = option.as_u64().ok_or_else(not)?;
            Ok(wanted)
        }
        _ => Err(Unusable::Option("neither a number nor a map".into())),
    }
}

/// What there is to hold back from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// The limits; `reserved` is what is held back now.
    pub bounds: Bounds,
    /// Open descriptors.
    pub open: Count,
    /// Slots below the soft limit that are not taken.
    pub free: Limit,
    /// The port table: used and limit.
    pub ports: (Count, Limit),
    /// Ports that are held back now.
    pub reserved_ports: u64,
}

/// Why nothing is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is not so much left.
    TooMany(TooMany),
    /// What the VM watches is not known.
    MaxFdsUnknown,
    /// How many descriptors are open is not known.
    OpenUnknown,
}

/// More than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TooMany {
    /// Descriptors or ports.
    pub resource: Name,
    /// How many were asked for.
    pub wanted: u64,
    /// How many there are to hold back, those that are held back already among them.
    pub room: u64,
}

/// The soft limit to set so that `wanted` is held back, instead of what is held back now; `None` to leave it.
///
/// # Errors
/// See [`Refusal`].
pub fn reserve(wanted: Reserved, room: &Room) -> Result<Option<u64>, Refusal> {
    if let (Known::Is(used), Limit::Finite(limit)) = room.ports {
        let others = used.saturating_sub(room.reserved_ports);
        fits(Name::Ports, wanted.ports, limit.saturating_sub(others))?;
    }
    if wanted.fds == 0 && room.bounds.reserved == 0 {
        return Ok(None);
    }
    let whole = whole(&room.bounds).ok_or(Refusal::MaxFdsUnknown)?;
    let free = match (room.bounds.soft, room.free) {
        // The reserve that is held now is free room, too.
        (Limit::Finite(soft), Limit::Finite(free)) if soft <= whole => free + (whole - soft),
        // Raised by somebody beyond what the VM watches: the slots above are none.
        _ => whole.saturating_sub(room.open.get().ok_or(Refusal::OpenUnknown)?),
    };
    fits(Name::Fds, wanted.fds, free)?;
    Ok(Some(whole - wanted.fds).filter(|&target| room.bounds.soft != Limit::Finite(target)))
}

/// The soft limit to set so that nothing is held back; `None` to leave it. Never lower than now.
pub fn release(bounds: &Bounds) -> Option<u64> {
    whole(bounds).filter(|&whole| bounds.reserved > 0 && bounds.soft.is_below(whole))
}

/// The soft limit with the reserve given back.
fn whole(bounds: &Bounds) -> Option<u64> {
    let most = match bounds.hard.finite() {
        Some(hard) => bounds.max_fds.finite()?.min(hard),
        None => bounds.max_fds.finite()?,
    };
    Some(match bounds.soft.finite() {
        Some(soft) => soft.saturating_add(bounds.reserved).min(most),
        None => most,
    })
}

fn fits(resource: Name, wanted: u64, room: u64) -> Result<(), Refusal> {
    let too_many = TooMany {
        resource,
        wanted,
        room,
    };
    (wanted <= room)
        .then_some(())
        .ok_or(Refusal::TooMany(too_many))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use Limit::{Finite, Unknown};

    fn room(soft: u64, max_fds: u64, reserved: u64, open: u64) -> Room {
        Room {
            bounds: Bounds {
                soft: Finite(soft),
                hard: Finite(524_288),
                nr_open: Finite(1_048_576),
                max_fds: Finite(max_fds),
                reserved,
            },
            open: Known::Is(open),
            free: Finite(soft.saturating_sub(open)),
            ports: (Known::Is(100), Finite(1024)),
            reserved_ports: 0,
        }
    }

    fn fds(fds: u64) -> Reserved {
        Reserved { fds, ports: 0 }
    }

    fn too_many(resource: Name, wanted: u64, room: u64) -> Result<Option<u64>, Refusal> {
        Err(Refusal::TooMany(TooMany {
            resource,
            wanted,
            room,
        }))
    }

    // An option that is half understood would hold back nothing, or everything.
    #[test]
    fn what_an_option_asks_for() {
        let key = |word: &str| Value::Atom(word.into());
        let of = |pairs: &[(&str, i64)]| {
            let pairs = pairs
                .iter()
                .map(|(word, n)| (key(word), Value::Integer(*n)));
            wanted(&Value::Map(pairs.collect()))
        };
        assert_eq!(wanted(&Value::Integer(64)), Ok(fds(64)));
        assert_eq!(of(&[]), Ok(fds(0)));
        let both = Reserved { fds: 64, ports: 16 };
        assert_eq!(of(&[("ports", 16), ("fds", 64)]), Ok(both));
        assert!(matches!(
            of(&[("fds", 1), ("port", 1)]),
            Err(Unusable::Key(1, _))
        ));
        assert!(matches!(of(&[("fds", -1)]), Err(Unusable::Key(0, _))));
        assert!(matches!(
            wanted(&Value::Integer(-1)),
            Err(Unusable::Option(_))
        ));
        assert!(matches!(wanted(&key("fds")), Err(Unusable::Option(_))));
    }

    // A wrong limit here shuts clients out for nothing, or leaves the operator no room.
    #[test]
    fn the_soft_limit_goes_down_by_the_reserve() {
        let plain = room(1024, 1024, 0, 100);
        assert_eq!(reserve(fds(64), &plain), Ok(Some(960)));
        assert_eq!(reserve(fds(924), &plain), Ok(Some(100)));
        assert_eq!(reserve(fds(925), &plain), too_many(Name::Fds, 925, 924));
        assert_eq!(reserve(fds(0), &plain), Ok(None));
        // The second replaces the first.
        let held = room(960, 1024, 64, 100);
        assert_eq!(reserve(fds(16), &held), Ok(Some(1008)));
        assert_eq!(reserve(fds(924), &held), Ok(Some(100)));
        assert_eq!(reserve(fds(925), &held), too_many(Name::Fds, 925, 924));
        assert_eq!(reserve(fds(0), &held), Ok(Some(1024)));
        assert_eq!(reserve(fds(64), &held), Ok(None));
    }

    // What somebody set on purpose stays: a lowered limit is where the reserve is taken from, one that was raised
    // beyond what the VM watches is not.
    #[test]
    fn a_limit_that_somebody_set() {
        assert_eq!(reserve(fds(64), &room(200, 1024, 0, 100)), Ok(Some(136)));
        assert_eq!(reserve(fds(64), &room(4096, 1024, 0, 100)), Ok(Some(960)));
        assert_eq!(reserve(fds(0), &room(4096, 1024, 0, 100)), Ok(None));
        let deaf = room(4096, 1024, 0, 1100);
        assert_eq!(reserve(fds(1), &deaf), too_many(Name::Fds, 1, 0));
    }

    #[test]
    fn ports_have_to_fit_into_their_table() {
        let ports = |ports| Reserved { fds: 0, ports };
        let plain = room(1024, 1024, 0, 100);
        assert_eq!(reserve(ports(924), &plain), Ok(None));
        assert_eq!(reserve(ports(925), &plain), too_many(Name::Ports, 925, 924));
        let held = Room {
            reserved_ports: 50,
            ..plain
        };
        assert_eq!(reserve(ports(974), &held), Ok(None));
    }

    // An unknown count never counts as room.
    #[test]
    fn what_is_unknown_refuses() {
        let mut unknown = room(1024, 1024, 0, 100);
        unknown.free = Unknown;
        unknown.open = Count::Unknown;
        assert_eq!(reserve(fds(1), &unknown), Err(Refusal::OpenUnknown));
        unknown.bounds.max_fds = Unknown;
        assert_eq!(reserve(fds(1), &unknown), Err(Refusal::MaxFdsUnknown));
    }

    #[test]
    fn a_release_gives_back_what_was_held_and_stops_at_max_fds() {
        let bounds = |soft, reserved| room(soft, 1024, reserved, 0).bounds;
        assert_eq!(release(&bounds(960, 64)), Some(1024));
        assert_eq!(release(&bounds(136, 64)), Some(200));
        assert_eq!(release(&bounds(1000, 64)), Some(1024));
        assert_eq!(release(&bounds(1024, 64)), None);
        assert_eq!(release(&bounds(4096, 64)), None);
        assert_eq!(release(&bounds(960, 0)), None);
    }

    proptest! {
        // Taken and given back, the limit is as it was; and nothing ever passes what the VM watches.
        #[test]
        fn there_and_back(soft in 20u64..4096, max_fds in 20u64..4096, held in 0u64..200, again in 0u64..200) {
            let soft = soft.min(max_fds);
            let mut room = room(soft, max_fds, 0, 10);
            for wanted in [held, again] {
                if let Ok(target) = reserve(fds(wanted), &room) {
                    room.bounds.soft = target.map_or(room.bounds.soft, Finite);
                    room.free = Finite(room.bounds.soft.finite().unwrap().saturating_sub(10));
                    room.bounds.reserved = wanted;
                }
            }
            prop_assert!(room.bounds.soft.finite().unwrap() + room.bounds.reserved == soft);
            let back = release(&room.bounds).map_or(room.bounds.soft, Finite);
            prop_assert_eq!(back, Finite(soft));
        }
    }
}
