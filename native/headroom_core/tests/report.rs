//! Snapshots in JSON, as users send them, and the reports that they give.
//!
//! `UPDATE_REPORTS=1 cargo test -p headroom_core --test report` writes the reports anew; read the difference.

use std::fs;
use std::path::PathBuf;

use headroom_core::render::json;
use headroom_core::render::report::{self, Charset};
use headroom_core::snapshot::Snapshot;
use headroom_facts::vocabulary::{Level, Name};
use headroom_facts::Facts;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn snapshot(name: &str) -> Snapshot {
    let json = fs::read_to_string(fixture(&format!("{name}.json"))).unwrap();
    Snapshot::new(Facts::from_json(&json).unwrap())
}

const ALL: [&str; 4] = ["incident", "healthy", "no_proc", "raised_after_boot"];

// The report is what an operator reads and pastes into tickets: each change of it must be seen in review.
#[test]
fn reports_are_as_recorded() {
    for name in ALL {
        let report = report::report(&snapshot(name), None, Charset::Ascii);
        let path = fixture(&format!("{name}.txt"));
        if std::env::var_os("UPDATE_REPORTS").is_some() {
            fs::write(&path, &report).unwrap();
        }
        assert_eq!(report, fs::read_to_string(path).unwrap(), "{name}");
    }
}

// A line that is longer breaks in a ticket. Only the marked row of the table may be longer.
#[test]
fn lines_fit_where_numbers_allow_it() {
    for name in ALL {
        for line in report::report(&snapshot(name), None, Charset::Ascii).lines() {
            let may_be_long = line.starts_with("  permanent ")
                || line.starts_with("  now ")
                || line.contains("<-");
            assert!(
                may_be_long || line.len() <= headroom_core::render::page::WIDTH,
                "{name}: {line}"
            );
        }
    }
}

// Without this a terminal in another character set would show escapes in the middle of the table.
#[test]
fn the_plain_report_is_ascii_and_the_other_has_blocks() {
    let snapshot = snapshot("incident");
    assert!(report::report(&snapshot, None, Charset::Ascii).is_ascii());
    assert!(report::report(&snapshot, None, Charset::Unicode).contains('\u{2588}'));
}

// What a user sends must be read back to the same facts, whatever is added to the shape later.
#[test]
fn json_is_read_back_to_the_same_snapshot() {
    for name in ALL {
        let first = snapshot(name);
        let json = json::snapshot(&first).unwrap();
        let second = Snapshot::new(Facts::from_json(&json).unwrap());
        assert_eq!(first, second, "{name}");
        let more = json.replacen('{', r#"{"added_later":{"a":[1]},"#, 1);
        assert_eq!(Facts::from_json(&more).unwrap(), second.facts, "{name}");
    }
}

#[test]
fn the_incident_is_judged_as_one() {
    let judgement = snapshot("incident").judgement;
    assert_eq!(judgement.level, Level::Critical);
    assert_eq!(judgement.binding.name(), Some(Name::Fds));
    let ids: Vec<&str> = judgement
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(ids, ["fds_nearly_exhausted", "ports_below_nofile"]);
}
