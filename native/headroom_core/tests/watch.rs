//! What a watched node remembers and says: levels, times at a limit, metrics, the trend as text and as a picture.

use headroom_core::metrics::{metrics, prometheus};
use headroom_core::render::report::Charset;
use headroom_core::render::{chart, trend, watch as lines};
use headroom_core::snapshot::Snapshot;
use headroom_core::trend::{Clock, Tick, Turn, Watch};
use headroom_facts::vocabulary::{Count, Level, Limit, Name};
use headroom_facts::Facts;

const SECOND: u64 = 1000;

fn fixture(name: &str) -> Facts {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    Facts::from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The healthy node with so many descriptors left.
fn left(free: u64) -> Snapshot {
    let mut facts = fixture("healthy");
    let Limit::Finite(soft) = facts.nofile.soft else {
        panic!("the fixture has a limit");
    };
    facts.fds.free = Limit::Finite(free);
    facts.fds.open = Count::Is(soft - free);
    Snapshot::new(facts)
}

fn soft() -> u64 {
    match fixture("healthy").nofile.soft {
        Limit::Finite(soft) => soft,
        _ => panic!("the fixture has a limit"),
    }
}

struct Clocked {
    watch: Watch,
    now_ms: u64,
}

impl Clocked {
    fn new() -> Clocked {
        Clocked {
            watch: Watch::new(SECOND),
            now_ms: 50 * SECOND,
        }
    }

    fn tick(&mut self, free: u64) -> Tick {
        self.now_ms += SECOND;
        self.watch.tick(self.now_ms, &left(free))
    }

    fn clock(&self) -> Clock {
        Clock {
            uptime_ms: self.now_ms,
            system_ms: 1_700_000_000_000,
        }
    }
}

// A limit that is touched each second must be one line in the log, not sixty; and the first of them at once.
#[test]
fn a_level_is_told_up_at_once_and_down_after_a_calm_time() {
    let mut node = Clocked::new();
    assert_eq!(node.tick(soft() / 2).turn, None);
    let up = Turn {
        from: Level::Ok,
        to: Level::Critical,
    };
    assert_eq!(node.tick(0).turn, Some(up));
    for round in 0..30 {
        assert_eq!(
            node.tick(if round % 3 == 0 { 0 } else { soft() / 2 }).turn,
            None,
            "{round}"
        );
    }
    // Two calm samples have gone by.
    for calm in 0..7 {
        assert_eq!(node.tick(soft() / 2).turn, None, "{calm}");
    }
    let down = Turn {
        from: Level::Critical,
        to: Level::Ok,
    };
    assert_eq!(node.tick(soft() / 2).turn, Some(down));
}

// The morning after, the question is when, for how long, and who.
#[test]
fn times_at_a_limit_are_remembered_with_their_holder() {
    let mut node = Clocked::new();
    node.tick(100);
    assert_eq!(node.tick(0).emptied, vec![Name::Fds]);
    node.watch.note_holder("chat: 200 of 300 sockets");
    for _ in 0..4 {
        assert!(node.tick(0).emptied.is_empty());
    }
    node.tick(100);
    node.watch.note_holder("somebody else, later");
    let data = node.watch.data(node.clock());
    let fds = &data.resources[0];
    assert_eq!(fds.at_zero.len(), 1);
    assert_eq!(
        (fds.at_zero[0].for_ms, fds.at_zero[0].limit),
        (4 * SECOND, soft())
    );
    assert_eq!(
        fds.at_zero[0].at,
        node.clock().system_ms - 5 * SECOND as i64
    );
    assert_eq!(
        fds.at_zero[0].held_by.as_deref(),
        Some("chat: 200 of 300 sockets")
    );
    let recorded = node.watch.recorded(node.clock());
    assert_eq!(
        recorded.iter().map(|peak| peak.name).collect::<Vec<_>>(),
        [Name::Fds]
    );
    let later = Clock {
        uptime_ms: node.now_ms + 2 * 3600 * SECOND,
        ..node.clock()
    };
    assert_eq!(
        node.watch.recorded(later),
        [],
        "what is two hours old explains no error of now"
    );
    for _ in 0..20 {
        node.tick(0);
        node.tick(100);
    }
    assert_eq!(node.watch.episodes(Name::Fds).count(), 8, "bounded");
    assert_eq!(node.watch.times_emptied(Name::Fds), 21);
}

// The line in the log is all that somebody has at night: what, how much, and what helps.
#[test]
fn a_turn_is_told_with_the_limit_and_a_line_to_paste() {
    let turn = Turn {
        from: Level::Ok,
        to: Level::Critical,
    };
    let line = lines::turned(&left(0), turn);
    assert!(line.starts_with("headroom: ok -> critical: All "), "{line}");
    assert!(
        line.contains("descriptors are taken") && line.contains(": "),
        "{line}"
    );
    assert!(!line.contains('\n'));
    let calm = lines::turned(
        &left(soft() / 2),
        Turn {
            from: Level::Critical,
            to: Level::Ok,
        },
    );
    assert!(
        calm.starts_with("headroom: critical -> ok: closest to its limit: "),
        "{calm}"
    );
}

// A value of 0 for what could not be read would end every alert on it.
#[test]
fn what_is_unknown_is_left_out_of_the_metrics() {
    let unknown = prometheus(metrics(&Snapshot::new(fixture("no_proc")), None)).unwrap();
    assert!(!unknown.contains("process_open_fds"), "{unknown}");
    assert!(
        !unknown.contains("headroom_free{resource=\"fds\"}"),
        "{unknown}"
    );
    let mut node = Clocked::new();
    node.tick(0);
    let known = prometheus(metrics(&left(0), Some(&node.watch))).unwrap();
    for line in [
        "# HELP process_open_fds Number of open file descriptors",
        "# TYPE process_open_fds gauge",
        "headroom_level 2",
        "headroom_free{resource=\"fds\"} 0",
        "# TYPE headroom_exhausted_total counter",
        "headroom_exhausted_total{resource=\"fds\"} 1",
        "headroom_samples_total 1",
    ] {
        let found = known
            .lines()
            .any(|found| found == line || found.starts_with(&format!("{line}.")));
        assert!(found, "{line} is not in\n{known}");
    }
    assert!(
        !known.contains("headroom_exhaustion_seconds"),
        "nothing grows"
    );
}

// A leak must be seen in the table, in a sentence and in the picture; on any terminal.
#[test]
fn a_leak_is_shown_with_the_time_that_is_left() {
    let mut node = Clocked::new();
    let start = soft() - 412;
    let held = |leak| {
        vec![
            ("chat".into(), 400, None),
            (
                "srv_l\u{e9}ak at 127.0.0.1:5222".into(),
                leak,
                Some(leak / 2),
            ),
        ]
    };
    node.tick(start);
    node.watch.note_groups(node.now_ms, held(10));
    for second in 1..200 {
        node.tick(start - second);
    }
    node.watch.note_groups(node.now_ms, held(200));
    let outlooks = node.watch.outlooks(None);
    node.watch.show(outlooks);
    let data = node.watch.data(node.clock());
    let full = data.resources[0].full.unwrap();
    let truth = (start - 199) * SECOND;
    assert!(full.in_ms.abs_diff(truth) < truth / 50, "{full:?} {truth}");
    let text = trend::trend(&node.watch, &data, Charset::Ascii);
    assert!(
        text.is_ascii() && text.contains("fds has grown for "),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let drawn = trend::trend(&node.watch, &data, Charset::Unicode);
    assert!(
        drawn
            .chars()
            .any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)),
        "{drawn}"
    );
    // The larger one does not grow: who is told it restarts the wrong server.
    let grew = "srv_l\u{e9}ak at 127.0.0.1:5222 grew most: from 10 to 200 descriptors in 3 min, 100 of them idle.";
    assert!(drawn.replace("\n  ", " ").contains(grew), "{drawn}");
    assert!(lines::growing(&data).unwrap().ends_with(grew));
    assert!(lines::alarm(&data, Name::Fds, true).ends_with(grew));
    assert!(!lines::alarm(&data, Name::Atoms, true).contains("grew"));
    let svg = chart::svg(&node.watch, &data).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("fds has grown for "));
}
