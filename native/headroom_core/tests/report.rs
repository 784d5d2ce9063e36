//! Snapshots in JSON, as users send them, and the reports that they give.
//!
//! `UPDATE_REPORTS=1 cargo test -p headroom_core --test report` writes the reports anew; read the difference.

use std::fs;
use std::path::PathBuf;

use headroom_core::explain::{Failure, Operation, Scene};
use headroom_core::hazards::hazards;
use headroom_core::render::dialect::{dialect, Dialect};
use headroom_core::render::holders::First;
use headroom_core::render::page::WIDTH;
use headroom_core::render::report::{self, Beside, Charset};
use headroom_core::render::{json, verdict};
use headroom_core::snapshot::Snapshot;
use headroom_facts::beam::Aside;
use headroom_facts::boot::{PortLimitSource, StartedBy};
use headroom_facts::exposure::Exposure;
use headroom_facts::probe::Probe;
use headroom_facts::term::Value;
use headroom_facts::vocabulary::{Count, Known, Level, Limit, Name};
use headroom_facts::Facts;
use proptest::prelude::*;

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

// A line that is longer breaks in a terminal and in a ticket.
#[test]
fn recorded_reports_fit_the_page() {
    for name in ALL {
        fits(&report::report(&snapshot(name), None, Charset::Unicode));
    }
}

fn fits(report: &str) {
    for line in report.lines() {
        let width = line.chars().count();
        assert!(width <= WIDTH, "{width} columns: {line}\n{report}");
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        4 => (0u64..100_000).prop_map(Limit::Finite),
        2 => any::<u64>().prop_map(Limit::Finite),
        1 => Just(Limit::Finite(i64::MAX as u64)),
        1 => Just(Limit::Infinity),
        1 => Just(Limit::Unknown),
    ]
}

fn count() -> impl Strategy<Value = Count> {
    limit().prop_map(|limit| limit.finite().map_or(Known::Unknown, Known::Is))
}

fn table() -> impl Strategy<Value = (Count, Limit)> {
    (count(), limit())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,12}@[a-z0-9.]{1,20}",
        "[a-z@.-]{100,255}",
        "(é| |x){0,90}"
    ]
}

/// A node in whatever state, which somebody called whatever he liked.
fn anything() -> impl Strategy<Value = Facts> {
    let nofile = (limit(), limit(), limit(), limit(), limit(), count());
    let fds = (count(), limit(), count());
    let tables = (table(), table(), table(), table(), count());
    let reserved = (0u64..100, 0u64..100);
    let boot = (
        prop::option::of(name()),
        prop::option::of(name()),
        prop::sample::select(StartedBy::ALL),
        prop::sample::select(PortLimitSource::ALL),
        prop::bool::ANY,
    );
    let names = (name(), name(), name(), any::<i64>(), any::<u32>());
    (nofile, fds, tables, reserved, boot, names).prop_map(
        |(nofile, fds, tables, reserved, boot, names)| {
            let mut facts = snapshot("incident").facts;
            let of = &mut facts.nofile;
            (
                of.soft,
                of.hard,
                of.nr_open,
                of.max_fds,
                of.file_max,
                of.file_nr,
            ) = nofile;
            of.exempt_from_file_max = Known::Is(boot.4);
            (facts.fds.open, facts.fds.free, facts.fds.highest) = fds;
            let of = &mut facts.beam;
            (of.ports, of.processes, of.ets_tables, of.atoms, of.sockets) = tables;
            (facts.reserved.fds, facts.reserved.ports) = reserved;
            let of = &mut facts.boot;
            (
                of.erl_max_ports,
                of.erts_max_ports,
                of.started_by,
                of.port_limit_source,
                _,
            ) = boot;
            (
                facts.node,
                facts.kernel,
                facts.otp_release,
                facts.taken_at,
                facts.os_pid,
            ) = names;
            facts
        },
    )
}

fn exposure() -> Exposure {
    serde_json::from_str(include_str!("exposure.json")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    // At every use, for every name, with everything that is told beside: the screen of an operator has 80 columns.
    #[test]
    fn no_line_of_any_report_is_longer_than_the_page(
        facts in anything(),
        holder in name(),
        gives: u64,
        line in prop::option::of("headroom:close\\(\\{idle, <<\"[a-z ]{1,90}\">>\\}\\)\\."),
        port: Option<u16>,
        uptime_ms: u64,
        ports: (u64, u64),
        elixir: bool,
        signal: bool,
        growing in prop::option::of(name()),
    ) {
        let first = First { headline: holder, line, gives, port };
        let hazards = hazards(&facts, &exposure());
        let mut snapshot = Snapshot::new(facts);
        first.relieve(&mut snapshot.judgement.findings);
        let aside = Aside { uptime_ms, inet_ports: ports.0, port_programs: ports.1, signal };
        let beside = Beside {
            hazards: Some(&hazards),
            holder: Some(&first.headline),
            growing: growing.as_deref(),
            aside: Some(aside),
        };
        let report = report::with(&snapshot, &beside, Charset::Ascii);
        prop_assert!(report.is_ascii());
        fits(&report);
        let tongue = if elixir { Dialect::Elixir } else { Dialect::Erlang };
        fits(&dialect(&report, tongue));
        let verdict = Failure::new(&Value::Atom("emfile".into()), Operation::Accept, 0)
            .explain(&Scene { facts: &snapshot.facts, probe: Probe::default(), recorded: Vec::new() });
        fits(&verdict::prose(&verdict, &snapshot.facts));
    }
}

// Used, limit and free that do not add up look like a fault of the report.
#[test]
fn what_stands_above_the_limit_is_told() {
    let mut facts = snapshot("healthy").facts;
    facts.nofile.soft = Limit::Finite(120);
    (facts.fds.open, facts.fds.free) = (Known::Is(99), Limit::Finite(22));
    facts.fds.highest = Known::Is(251);
    let report = report::report(&Snapshot::new(facts), None, Charset::Ascii);
    let told = "\n  fds: 1 of the 99 stands above the limit and takes none of it\n";
    assert!(report.contains(told), "{report}");
    assert!(!report::report(&snapshot("healthy"), None, Charset::Ascii).contains("above the limit"));
}

// Two reports in a ticket have an order, and a number that was copied is found again.
#[test]
fn a_report_says_when_and_what_the_descriptors_are() {
    let aside = Aside {
        uptime_ms: 93_784_000,
        inet_ports: 391,
        port_programs: 2,
        signal: true,
    };
    let beside = Beside {
        aside: Some(aside),
        ..Beside::default()
    };
    let report = report::with(&snapshot("healthy"), &beside, Charset::Ascii);
    let second = report.lines().nth(1).unwrap();
    assert!(
        second.contains("T") && second.ends_with("Z  up 1day 2h 3m"),
        "{second}"
    );
    assert!(
        report.contains("\nfds      412: 391 inet ports, "),
        "{report}"
    );
    assert!(report.contains(" 2466170 "), "{report}");
    assert!(
        !report.contains("USR2"),
        "a node that is well needs nobody: {report}"
    );
    let full = |beside: &Beside| report::with(&snapshot("incident"), beside, Charset::Ascii);
    let armed = full(&beside);
    assert!(armed.contains("\nno shell? kill -USR2 "), "{armed}");
    // A VM that does not handle the signal dies of it.
    let aside = Aside {
        signal: false,
        ..aside
    };
    let disarmed = full(&Beside {
        aside: Some(aside),
        ..beside
    });
    assert!(!disarmed.contains("USR2"), "{disarmed}");
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
