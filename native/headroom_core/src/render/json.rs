//! A snapshot as JSON, which [`headroom_facts::Facts::from_json`] reads back.

use serde::Serialize;

use crate::assess::Judgement;
use crate::finding::Finding;
use crate::snapshot::Snapshot;
use headroom_facts::vocabulary::Level;

/// One line of JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn snapshot(snapshot: &Snapshot) -> serde_json::Result<String> {
    serde_json::to_string(snapshot)
}

/// The level and what raised it, as one line of JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn health(judgement: &Judgement) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Health<'a> {
        level: Level,
        findings: &'a [Finding],
    }
    let health = Health {
        level: judgement.level,
        findings: judgement.alarms(),
    };
    serde_json::to_string(&health)
}
