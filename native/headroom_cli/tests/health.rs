//! `headroom health` with status files of each kind.

use std::path::PathBuf;
use std::process::{Command, Output};

use headroom_core::render::plugin;
use headroom_core::snapshot::Snapshot;
use headroom_facts::moment::Moment;
use headroom_facts::vocabulary::{Known, Limit};
use headroom_facts::Facts;
use headroom_os as os;

/// A file that is removed with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Scratch {
        let file = format!("headroom-{}-{name}.status", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, content).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A record of a node with this many of 65 536 descriptors open, written so long ago.
fn record(open: u64, age_ms: u64) -> Vec<u8> {
    let json = include_str!("../../headroom_core/tests/fixtures/healthy.json");
    let mut facts = Facts::from_json(json).unwrap();
    facts.fds.open = Known::Is(open);
    facts.fds.free = Limit::Finite(65_536 - open);
    let now = os::moment();
    let uptime_ms = now.uptime_ms - age_ms;
    let written = Moment { uptime_ms, ..now };
    plugin::status(&Snapshot::new(facts), 1, written)
        .encode()
        .unwrap()
}

fn health(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
    command.arg("health").args(arguments).output().unwrap()
}

fn said(content: &[u8], name: &str, more: &[&str]) -> (Option<i32>, String) {
    let file = Scratch::new(name, content);
    let output = health(&[&["--file", file.0.to_str().unwrap()], more].concat());
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

// A monitoring system looks at the exit status and shows the first line.
#[test]
fn each_level_has_its_exit_status_and_line() {
    let cases = [
        (412, 0, "HEADROOM OK - closest to its limit: atoms"),
        (60_000, 1, "HEADROOM WARNING - 5536 of 65536"),
        (65_536, 2, "HEADROOM CRITICAL - All 65536 descriptors"),
    ];
    for (open, code, beginning) in cases {
        let (status, line) = said(&record(open, 0), "level", &[]);
        assert_eq!(status, Some(code), "{line}");
        assert!(line.starts_with(beginning), "{line}");
        assert!(
            line.contains("| fds=") && line.lines().count() == 1,
            "{line}"
        );
    }
}

// A node that hangs, a disk that lost half a record and a typing error in the path are all not "ok".
#[test]
fn stale_torn_and_missing_are_unknown() {
    let unknown = |(status, line): (Option<i32>, String), part: &str| {
        assert_eq!(status, Some(3), "{line}");
        assert!(
            line.starts_with("HEADROOM UNKNOWN - ") && line.contains(part),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    };
    unknown(
        said(&record(412, 11_000), "old", &[]),
        "11 s old, more than 10 s",
    );
    assert_eq!(
        said(&record(412, 11_000), "old_enough", &["--max-age", "60"]).0,
        Some(0)
    );
    unknown(
        said(&record(412, 1500), "older", &["--max-age=0"]),
        "1 s old",
    );

    let torn = [&record(65_536, 0)[..150], &record(412, 0)[150..]].concat();
    unknown(said(&torn, "torn", &[]), "checksum");
    unknown(said(&record(412, 0)[..100], "short", &[]), "100 bytes");
    unknown(said(b"", "empty", &[]), "0 bytes");
    let output = health(&["--file", "/nonexistent/status"]);
    let line = String::from_utf8(output.stdout).unwrap();
    unknown(
        (output.status.code(), line),
        "/nonexistent/status: No such file",
    );
}

// A plugin that waits for ever is killed by its monitoring system, and says nothing about the node.
#[test]
fn what_is_no_file_is_unknown_at_once() {
    let fifo = std::env::temp_dir().join(format!("headroom-{}.fifo", std::process::id()));
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let fifo = Scratch(fifo);
    for path in [fifo.0.to_str().unwrap(), "/dev/null", "/"] {
        let output = health(&["--file", path]);
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{line}");
        assert!(line.contains("no regular file"), "{line}");
        let history = Command::new(env!("CARGO_BIN_EXE_headroom"))
            .args(["history", "--file", path])
            .output()
            .unwrap();
        assert_eq!(history.status.code(), Some(3), "{history:?}");
    }
}

// 125 or 2 for a wrong command line would be read as a state of the node.
#[test]
fn a_wrong_command_line_is_unknown() {
    for arguments in [&[][..], &["--file"], &["--file", "x", "--max-age", "soon"]] {
        let output = health(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
    }
    assert_eq!(health(&["--help"]).status.code(), Some(0));
}

// A pod that is taken for ill at a warning loses its clients to the others, one after the other.
#[test]
fn critical_only_lets_a_warning_pass_and_nothing_else() {
    for (open, age_ms, plain, critical_only) in [
        (100, 0, 0, 0),
        (60_000, 0, 1, 0),
        (65_536, 0, 2, 2),
        (60_000, 60_000, 3, 3),
    ] {
        let content = record(open, age_ms);
        let name = format!("critical-only-{open}-{age_ms}");
        let (exit, line) = said(&content, &name, &[]);
        assert_eq!(exit, Some(plain), "{line}");
        // What is said stays the same.
        assert_eq!(
            said(&content, &name, &["--critical-only"]),
            (Some(critical_only), line)
        );
    }
}
