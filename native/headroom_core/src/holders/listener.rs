//! The sockets that listen: why clients hang while the node looks well.

use headroom_facts::unreadable::Reason;
use headroom_facts::vocabulary::{Count, Flag, Known};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A socket that listens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listener {
    /// Its address.
    pub address: String,
    /// Connections that nobody has accepted.
    pub queue: u32,
    /// How many may wait.
    pub backlog: Known<u32>,
    /// Whether no more may wait: further clients hang, or are refused.
    pub full: Flag,
    /// Connections that it dropped since it listens.
    pub dropped: Known<u32>,
    /// The group that its owner belongs to.
    pub owner: Option<String>,
    /// Its descriptor.
    pub fd: u32,
    /// Index of the claim that says whose it is.
    pub claim: Option<usize>,
}

impl Listener {
    /// Whether it is known that no more may wait.
    pub fn is_full(&self) -> bool {
        self.full == Known::Is(true)
    }
}

/// What the machine says of all listeners since it was booted, or why it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drops(pub Result<(u64, u64), Reason>);

impl Serialize for Drops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.0 {
            Ok((overflows, drops)) => {
                map.serialize_entry(&Word::Overflows, overflows)?;
                map.serialize_entry(&Word::Drops, drops)?;
            }
            Err(reason) => {
                map.serialize_entry(&Word::Overflows, &Count::Unknown)?;
                map.serialize_entry(&Word::Drops, &Count::Unknown)?;
                map.serialize_entry(&Word::Reason, reason)?;
            }
        }
        map.end()
    }
}

atoms! {
    /// The keys of [`Drops`].
    pub enum Word {
        /// Connections for which a queue had no room.
        Overflows = "overflows",
        /// Connections that were dropped, for whatever reason.
        Drops = "drops",
        /// Why both are not known.
        Reason = "reason",
    }
}
