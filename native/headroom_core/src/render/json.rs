//! A snapshot as JSON, which [`crate::snapshot::Facts::from_json`] reads back.

use crate::snapshot::Snapshot;

/// One line of JSON.
pub fn snapshot(snapshot: &Snapshot) -> String {
    serde_json::to_string(snapshot).unwrap_or_default()
}
