//! What the kernel said when it was asked for a descriptor and for a file, and what a watcher saw before: facts like others.

use serde::{Deserialize, Serialize, Serializer};

use crate::quotas::Quotas;
use crate::unreadable::Tag;
use crate::vocabulary::Name;

/// The answer to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It was granted, and given back at once.
    Granted,
    /// It was refused with this error number.
    Refused(i32),
    /// Nobody asked.
    #[default]
    NotDone,
}

impl Outcome {
    /// Whether it was refused with one of these error numbers.
    pub fn is_refused_with(self, errnos: &[i32]) -> bool {
        matches!(self, Outcome::Refused(errno) if errnos.contains(&errno))
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Outcome::Granted => serializer.serialize_unit_variant("Outcome", 0, "granted"),
            Outcome::Refused(errno) => (Tag::Errno, errno).serialize(serializer),
            Outcome::NotDone => serializer.serialize_unit_variant("Outcome", 2, "not_done"),
        }
    }
}

/// What the kernel said just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Probe {
    /// A slot of the descriptor table.
    pub fd: Outcome,
    /// An open file: a datagram socket.
    pub file: Outcome,
    /// A pipe, asked for only where pipes are under suspicion.
    #[serde(skip)]
    pub pipe: Outcome,
    /// What else was suspected.
    #[serde(skip)]
    pub quotas: Quotas,
}

/// The highest use of a resource that a watcher saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// The resource.
    pub name: Name,
    /// How many were taken.
    pub used: u64,
    /// How many there could be.
    pub limit: u64,
    /// System time in milliseconds.
    pub at: i64,
}
