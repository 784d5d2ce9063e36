//! The soft limit that somebody asks for.

use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The soft limit that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As much as helps.
    Max,
    /// This one.
    Soft(u64),
}

/// The word for [`Wanted::Max`].
const MAX: &str = "max";

impl Serialize for Wanted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Wanted::Max => serializer.serialize_unit_variant("Wanted", 0, MAX),
            Wanted::Soft(soft) => serializer.serialize_u64(*soft),
        }
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Wanted;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a non-negative integer or max")
            }
            fn visit_u64<E>(self, soft: u64) -> Result<Wanted, E> {
                Ok(Wanted::Soft(soft))
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Wanted, E> {
                word.parse().map_err(E::custom)
            }
        }
        deserializer
            .deserialize_any(Written)
            .map_err(D::Error::custom)
    }
}

impl std::str::FromStr for Wanted {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Wanted, Self::Err> {
        match word.parse() {
            Ok(soft) => Ok(Wanted::Soft(soft)),
            Err(_) if word == MAX => Ok(Wanted::Max),
            Err(_) => Err("neither a number nor max"),
        }
    }
}
