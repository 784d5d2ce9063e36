//! The resource that is closest to its limit.

use serde::{Serialize, Serializer};

use headroom_facts::vocabulary::Name;

/// The resource that stops something first: a name, or the word `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding(pub Option<Name>);

impl Binding {
    /// The resource, if there is one.
    pub fn name(self) -> Option<Name> {
        self.0
    }
}

impl Serialize for Binding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(name) => name.serialize(serializer),
            None => serializer.serialize_unit_variant("Binding", 0, "none"),
        }
    }
}
