//! A snapshot as JSON, which [`headroom_facts::Facts::from_json`] reads back.

use serde::Serialize;

use crate::assess::Judgement;
use crate::finding::Finding;
use crate::holders::Inventory;
use crate::snapshot::Snapshot;
use headroom_facts::vocabulary::Level;

/// One line of JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn snapshot(snapshot: &Snapshot) -> serde_json::Result<String> {
    serde_json::to_string(snapshot)
}

/// Who holds the descriptors, as one line of JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn inventory(inventory: &Inventory) -> serde_json::Result<String> {
    serde_json::to_string(inventory)
}

/// What [`health`] says of a node that is well.
pub const WELL: &str = r#"{"level":"ok","findings":[]}"#;

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

#[cfg(test)]
mod tests {
    use super::*;

    // A probe reads the body: a node that is well and one whose findings are over must say the same.
    #[test]
    fn well_is_what_a_judgement_without_findings_says() {
        let fixture = include_str!("../../tests/fixtures/healthy.json");
        let facts = headroom_facts::Facts::from_json(fixture).unwrap();
        assert_eq!(health(&crate::assess::judge(&facts)).unwrap(), WELL);
    }
}
