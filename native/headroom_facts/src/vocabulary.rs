//! The words that every other module shares: levels, counts, limits and the names of the resources.
//!
//! One `Serialize` serves two formats. A compact format (Erlang terms) gets the atoms `unknown` and `infinity`; a
//! human-readable one (JSON) gets `null` and `"infinity"`.

use std::fmt;

use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};

atoms! {
    /// How bad something is, in rising order.
    pub enum Level {
        /// Nothing to say.
        Ok = "ok",
        /// Worth knowing; it never changes the level of a node.
        Notice = "notice",
        /// Act before it gets worse.
        Warning = "warning",
        /// Act now.
        Critical = "critical",
    }
}

atoms! {
    /// The six resources, in the order in which they are always listed.
    pub enum Name {
        /// File descriptors of this process.
        Fds = "fds",
        /// Slots of the port table.
        Ports = "ports",
        /// Slots of the process table.
        Processes = "processes",
        /// ETS tables; the limit is advice, no release from 23 to 29 refuses a table.
        EtsTables = "ets_tables",
        /// Atoms; a full table ends the node.
        Atoms = "atoms",
        /// Open files of the whole kernel (`fs.file-nr` against `fs.file-max`).
        KernelFiles = "kernel_files",
    }
}

impl Name {
    /// What one of them is called in a sentence, in the plural.
    pub const fn noun(self) -> &'static str {
        match self {
            Name::Fds => "descriptors",
            Name::Ports => "ports",
            Name::Processes => "processes",
            Name::EtsTables => "ETS tables",
            Name::Atoms => "atoms",
            Name::KernelFiles => "open files of the kernel",
        }
    }
}

/// A value that may not have been readable. Why is in the list of unreadable things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Known<T> {
    /// It was read.
    Is(T),
    /// It was not.
    #[default]
    Unknown,
}

/// How many there are.
pub type Count = Known<u64>;

/// Yes, no, or not known.
pub type Flag = Known<bool>;

impl<T: Copy> Known<T> {
    /// The value, if it was read.
    pub fn get(self) -> Option<T> {
        match self {
            Known::Is(value) => Some(value),
            Known::Unknown => None,
        }
    }
}

impl<T> From<Option<T>> for Known<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Known::Unknown, Known::Is)
    }
}

impl<T: Serialize> Serialize for Known<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Known::Is(value) => value.serialize(serializer),
            Known::Unknown if serializer.is_human_readable() => serializer.serialize_unit(),
            Known::Unknown => serializer.serialize_unit_variant("Known", 1, "unknown"),
        }
    }
}

/// The upper end of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Limit {
    /// This many and no more.
    Finite(u64),
    /// There is no bound.
    Infinity,
    /// It was not readable.
    #[default]
    Unknown,
}

impl Limit {
    /// The bound, if there is one and it is known.
    pub fn finite(self) -> Option<u64> {
        match self {
            Limit::Finite(limit) => Some(limit),
            Limit::Infinity | Limit::Unknown => None,
        }
    }

    /// Whether `n` is more than this limit allows; an unknown limit is never exceeded.
    pub fn is_below(self, n: u64) -> bool {
        self.finite().is_some_and(|limit| limit < n)
    }

    /// Whether this limit allows more than `n`; an unknown one is not known to.
    pub fn is_above(self, n: u64) -> bool {
        match self {
            Limit::Finite(limit) => limit > n,
            Limit::Infinity => true,
            Limit::Unknown => false,
        }
    }

    /// What is left of this limit once `used` are taken.
    pub fn minus(self, used: Count) -> Limit {
        match (self, used) {
            (Limit::Infinity, _) => Limit::Infinity,
            (Limit::Finite(limit), Known::Is(used)) => Limit::Finite(limit.saturating_sub(used)),
            _ => Limit::Unknown,
        }
    }
}

impl From<Count> for Limit {
    fn from(count: Count) -> Self {
        count.get().map_or(Limit::Unknown, Limit::Finite)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Limit::Finite(limit) => serializer.serialize_u64(*limit),
            Limit::Infinity => serializer.serialize_unit_variant("Limit", 1, "infinity"),
            Limit::Unknown => Known::<u64>::Unknown.serialize(serializer),
        }
    }
}

/// What a count or limit may be written as, in either format.
struct Written;

impl Visitor<'_> for Written {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a non-negative integer, infinity or unknown")
    }

    fn visit_u64<E>(self, n: u64) -> Result<Limit, E> {
        Ok(Limit::Finite(n))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Limit, E> {
        match word {
            "infinity" => Ok(Limit::Infinity),
            "unknown" => Ok(Limit::Unknown),
            _ => Err(E::custom("neither infinity nor unknown")),
        }
    }

    fn visit_unit<E>(self) -> Result<Limit, E> {
        Ok(Limit::Unknown)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Written)? {
            Limit::Finite(n) => Ok(Known::Is(n)),
            Limit::Unknown => Ok(Known::Unknown),
            Limit::Infinity => Err(D::Error::custom("a count is never infinite")),
        }
    }
}

struct WrittenFlag;

impl Visitor<'_> for WrittenFlag {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("true, false or unknown")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
        Ok(Known::Is(value))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Flag, E> {
        match word {
            "unknown" => Ok(Known::Unknown),
            _ => Err(E::custom("neither a boolean nor unknown")),
        }
    }

    fn visit_unit<E>(self) -> Result<Flag, E> {
        Ok(Known::Unknown)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenFlag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A wrong word here would be read by users as a number that was never measured.
    #[test]
    fn json_has_null_for_unknown_and_a_word_for_no_bound() {
        let json = serde_json::to_string(&(Count::Unknown, Limit::Infinity, Known::Is(7u64)));
        assert_eq!(json.unwrap(), r#"[null,"infinity",7]"#);
    }

    // If this failed, a snapshot sent by a user could not be a test fixture.
    #[test]
    fn what_is_written_is_read_back() {
        for limit in [Limit::Finite(0), Limit::Infinity, Limit::Unknown] {
            let json = serde_json::to_string(&limit).unwrap();
            assert_eq!(serde_json::from_str::<Limit>(&json).unwrap(), limit);
        }
        for flag in [Known::Is(true), Known::Is(false), Known::Unknown] {
            let json = serde_json::to_string(&flag).unwrap();
            assert_eq!(serde_json::from_str::<Flag>(&json).unwrap(), flag);
        }
        assert!(serde_json::from_str::<Count>("-1").is_err());
        assert!(serde_json::from_str::<Count>("\"infinity\"").is_err());
        assert!(serde_json::from_str::<Limit>("\"many\"").is_err());
    }

    #[test]
    fn names_are_parsed_as_they_are_written() {
        for &name in Name::ALL {
            assert_eq!(Name::parse(name.as_str()), Some(name));
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(json, format!("\"{}\"", name.as_str()));
        }
        assert_eq!(Name::parse("default"), None);
    }
}
