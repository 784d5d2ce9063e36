//! A snapshot as JSON, which [`headroom_facts::Facts::from_json`] reads back.

use serde::Serialize;

use crate::assess;
use crate::finding::Finding;
use crate::holders::Inventory;
use crate::snapshot::Snapshot;
use crate::trend::Data;
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

/// What the samples of a watched node say, as one line of JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn trend(data: &Data) -> serde_json::Result<String> {
    serde_json::to_string(data)
}

/// What [`health`] says of a node that is well.
pub const WELL: &str = r#"{"level":"ok","findings":[]}"#;

/// The level and what raised it, as one line of JSON.
///
/// # Errors
/// It cannot be written as JSON.
pub fn health(alarms: &[Finding]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Health<'a> {
        level: Level,
        findings: &'a [Finding],
    }
    serde_json::to_string(&Health {
        level: assess::level_of(alarms),
        findings: alarms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // A probe reads the body: a node whose pulse is well and one that was judged well must say the same.
    #[test]
    fn well_is_what_a_judgement_without_findings_says() {
        let fixture = include_str!("../../tests/fixtures/healthy.json");
        let facts = headroom_facts::Facts::from_json(fixture).unwrap();
        assert_eq!(health(assess::judge(&facts).alarms()).unwrap(), WELL);
    }
}
