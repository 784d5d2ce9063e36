//! The status file: what a reader outside the node may believe, and what not.

use std::time::Duration;

use headroom_core::render::json;
use headroom_core::render::plugin::{self, answer, Answer};
use headroom_core::snapshot::Snapshot;
use headroom_core::status::{Fault, Status, SIZE};
use headroom_facts::moment::Moment;
use headroom_facts::vocabulary::{Known, Limit};
use headroom_facts::Facts;
use proptest::prelude::*;

fn facts() -> Facts {
    Facts::from_json(include_str!("fixtures/healthy.json")).unwrap()
}

fn at(uptime_ms: u64, boot_id: &str) -> Moment {
    let boot_id = Some(boot_id.to_string());
    Moment { uptime_ms, boot_id }
}

fn status_of(facts: Facts) -> Status {
    plugin::status(&Snapshot::new(facts), 7, at(100_000, "a"))
}

fn said(facts: Facts, now: &Moment) -> Answer {
    let record = status_of(facts).encode().unwrap();
    let read = Status::decode(&record).map_err(|fault| fault.to_string());
    answer(read, now, Duration::from_secs(10))
}

fn with_open(open: u64) -> Facts {
    let mut facts = facts();
    facts.fds.open = Known::Is(open);
    facts.fds.free = Limit::Finite(65_536 - open);
    facts
}

// The exit status is all that a monitoring system looks at.
#[test]
fn exit_status_and_line_of_each_level() {
    let now = at(100_500, "a");
    let performance = "fds=412;52428;62259;0;65536 ports=391;52428;62259;0;65536 \
        processes=2210;209715;249036;0;262144 ets_tables=812;;;0 \
        atoms=86141;838860;996147;0;1048576 kernel_files=2240;1972936;2342861;0;2466170";
    let ok = said(facts(), &now);
    assert_eq!(ok.exit, 0);
    assert_eq!(
        ok.line,
        format!("HEADROOM OK - closest to its limit: atoms, 8.2 % [shop@10.0.0.7 (os pid 1)] | {performance}")
    );
    let warning = said(with_open(60_000), &now);
    assert_eq!(warning.exit, 1);
    assert!(
        warning
            .line
            .starts_with("HEADROOM WARNING - 5536 of 65536 descriptors are left"),
        "{warning:?}"
    );
    let critical = said(with_open(65_536), &now);
    assert_eq!(critical.exit, 2);
    assert!(
        critical
            .line
            .starts_with("HEADROOM CRITICAL - All 65536 descriptors"),
        "{critical:?}"
    );
    assert_eq!(critical.line.lines().count(), 1);
}

// A node that hangs keeps its last word in the file; taken for fresh, it would be green for ever.
#[test]
fn what_is_old_is_unknown() {
    assert_eq!(said(facts(), &at(110_000, "a")).exit, 0);
    for now in [at(110_001, "a"), at(99_999, "a"), at(100_500, "b")] {
        let Answer { exit, line } = said(facts(), &now);
        assert_eq!(exit, 3, "{now:?}");
        assert!(
            line.starts_with("HEADROOM UNKNOWN - ") && line.contains("last said OK"),
            "{line}"
        );
    }
    let nameless = Moment {
        uptime_ms: 100_500,
        boot_id: None,
    };
    assert_eq!(said(facts(), &nameless).exit, 0);
    let missing = answer(Err("no such file".into()), &nameless, Duration::MAX);
    assert_eq!(
        (missing.exit, missing.line.as_str()),
        (3, "HEADROOM UNKNOWN - no such file")
    );
}

// Half of an old record and half of a new one must never be read as either.
#[test]
fn torn_records_are_refused() {
    let old = status_of(facts()).encode().unwrap();
    let new = status_of(with_open(65_536)).encode().unwrap();
    assert_eq!((old.len(), new.len()), (SIZE, SIZE));
    let first_difference = (0..SIZE).find(|&at| old[at] != new[at]).unwrap();
    let last_difference = (0..SIZE).rfind(|&at| old[at] != new[at]).unwrap();
    for at in first_difference + 1..=last_difference {
        let torn = [&new[..at], &old[at..]].concat();
        assert_eq!(Status::decode(&torn), Err(Fault::Checksum), "at {at}");
    }
    assert_eq!(Status::decode(&old[1..]), Err(Fault::Size(SIZE - 1)));
    assert_eq!(Status::decode(&[]), Err(Fault::Size(0)));
    assert_eq!(Status::decode(&[0; SIZE]), Err(Fault::Checksum));
}

// A record that is read by `cat` and by tools of others: a line of JSON, then the checksum.
#[test]
fn the_record_is_a_line_of_text() {
    let record = String::from_utf8(status_of(facts()).encode().unwrap()).unwrap();
    assert!(record.starts_with(
        "{\"headroom_status\":1,\"sequence\":7,\"uptime_ms\":100000,\"boot_id\":\"a\","
    ));
    assert_eq!(record.matches('\n').count(), 1);
    assert!(record.ends_with('\n'));
}

// What probes get over HTTP: never a notice, nothing that a proxy's parser stumbles over.
#[test]
fn health_as_json() {
    let health = |facts| json::health(Snapshot::new(facts).judgement.alarms()).unwrap();
    assert_eq!(health(facts()), "{\"level\":\"ok\",\"findings\":[]}");
    let critical: serde_json::Value = serde_json::from_str(&health(with_open(65_536))).unwrap();
    assert_eq!(critical["level"], "critical");
    assert_eq!(critical["findings"][0]["id"], "fds_exhausted");
    assert_eq!(critical["findings"].as_array().unwrap().len(), 1);
}

proptest! {
    // A name or number that makes a record longer or shorter would leave the tail of another one behind it.
    #[test]
    fn every_record_has_its_size(node in "\\PC*|[\u{0}-\u{7f}]{0,400}", sequence: u64, uptime_ms: u64, open: u64, limit: u64) {
        let mut facts = facts();
        facts.node = node;
        facts.fds.open = Known::Is(open);
        facts.nofile.soft = Limit::Finite(limit);
        facts.nofile.max_fds = Limit::Finite(limit);
        facts.fds.free = Limit::Finite(limit.saturating_sub(open));
        facts.beam.processes = (Known::Is(open), Limit::Finite(limit));
        let status = plugin::status(&Snapshot::new(facts), sequence, at(uptime_ms, &"f".repeat(36)));
        let record = status.encode().unwrap();
        prop_assert_eq!(record.len(), SIZE);
        prop_assert_eq!(Status::decode(&record), Ok(status));
    }
}
