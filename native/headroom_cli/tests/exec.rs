//! `headroom exec` with real programs, under limits of their own.

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use rustix::fs::OFlags;

const HEADROOM: &str = env!("CARGO_BIN_EXE_headroom");

/// The command under a soft limit of 256 and a hard limit of 2048.
fn limited(arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -Sn 256 && ulimit -Hn 2048 && exec \"$@\"",
            "sh",
            HEADROOM,
        ])
        .args(arguments)
        .env_remove("ERL_MAX_PORTS");
    command
}

fn run(arguments: &[&str]) -> Output {
    limited(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap().trim_end()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

// The one thing that it is for.
#[test]
fn raises_the_soft_limit_and_leaves_the_hard_one() {
    const LIMITS: [&str; 3] = ["sh", "-c", "ulimit -Sn; ulimit -Hn"];
    let cases: [(&[&str], &str); 4] = [
        (&["exec"], "2048\n2048"),
        (&["exec", "--nofile", "max", "--"], "2048\n2048"),
        (&["exec", "--nofile", "1000"], "1000\n2048"),
        // Never down.
        (&["exec", "--nofile=100", "--"], "256\n2048"),
    ];
    for (arguments, expected) in cases {
        let output = run(&[arguments, &LIMITS].concat());
        assert!(output.status.success());
        assert_eq!(stdout(&output), expected, "{arguments:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

// An init, a supervisor or a container engine knows the process by its number and talks to it by signals: a parent that
// stays in between would swallow them.
#[test]
fn the_program_takes_the_place_of_the_command() {
    let child = limited(&["exec", "--", "sh", "-c", "echo $$"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    assert_eq!(stdout(&child.wait_with_output().unwrap()), pid);

    assert_eq!(run(&["exec", "sh", "-c", "exit 7"]).status.code(), Some(7));
    let killed = run(&["exec", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(killed.status.signal(), Some(libc::SIGTERM));
    let piped = run(&["exec", "sh", "-c", "kill -PIPE $$"]);
    assert_eq!(piped.status.signal(), Some(libc::SIGPIPE));
}

// What is open in the command would count in the program for as long as it runs.
#[test]
fn leaves_no_descriptor_behind() {
    let open = ["sh", "-c", "ls /proc/$$/fd"];
    let plain = Command::new(open[0]).args(&open[1..]).output().unwrap();
    let within = run(&[&["exec"], &open[..]].concat());
    assert_eq!(stdout(&within), stdout(&plain));
}

// Everything after the program's name is the program's.
#[test]
fn arguments_are_handed_on() {
    let output = run(&["exec", "printf", "%s|", "--quiet", "-h", "", "--", "a b"]);
    assert_eq!(stdout(&output), "--quiet|-h||--|a b|");
}

// The VM sizes its port table by itself; a variable that nobody asked for would make a smaller one.
#[test]
fn the_port_table_is_left_alone_unless_asked_for() {
    const PORTS: [&str; 3] = ["sh", "-c", "echo ${ERL_MAX_PORTS-unset}"];
    assert_eq!(stdout(&run(&[&["exec"], &PORTS[..]].concat())), "unset");
    let asked = run(&[&["exec", "--ports", "4096"], &PORTS[..]].concat());
    assert_eq!(stdout(&asked), "4096");
    assert!(!stderr(&asked).contains("ERL_MAX_PORTS"));

    let small = run(&[&["exec", "--ports", "1024"], &PORTS[..]].concat());
    assert_eq!(stdout(&small), "1024");
    let line = stderr(&small);
    assert!(
        line.contains("ERL_MAX_PORTS") && line.contains("1024"),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);

    // One that was given before is handed on, and judged by what the emulator makes of it.
    let mut inherited = limited(&[&["exec"], &PORTS[..]].concat());
    let inherited = inherited.env("ERL_MAX_PORTS", "").output().unwrap();
    assert_eq!(stdout(&inherited), "");
    assert!(stderr(&inherited).contains("port table of 1024"));
}

// Scripts tell these apart; 125 to 127 are those of env, nohup and timeout, 78 is EX_CONFIG.
#[test]
fn exit_statuses_of_its_own() {
    let cases: [(&[&str], i32); 9] = [
        (&[], 125),
        (&["exec"], 125),
        (&["exec", "--nofile", "many", "true"], 125),
        (&["exec", "--nofile", "-1", "true"], 125),
        (&["exec", "--ports", "1023", "true"], 125),
        (&["exec", "--no-such-option", "true"], 125),
        (&["exec", "--", "/etc/passwd"], 126),
        (&["exec", "--", "no-such-program-anywhere"], 127),
        (&["exec", "--strict", "--nofile", "2049", "true"], 78),
    ];
    for (arguments, status) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(stdout(&output).is_empty(), "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
    assert!(run(&["exec", "--help"]).status.success());
    assert!(run(&["exec", "--strict", "--nofile", "2048", "true"])
        .status
        .success());
    // Without --strict a smaller limit is better than no node.
    let short = run(&["exec", "--nofile", "2049", "sh", "-c", "ulimit -n"]);
    assert_eq!(stdout(&short), "2048");
    assert!(stderr(&short).contains("not 2049: the hard limit is 2048"));
}

/// A pipe that takes nothing more, and its other end.
fn full_pipe(blocking: bool) -> (Stdio, PipeReader) {
    let (reader, writer) = std::io::pipe().unwrap();
    let set = |flags| rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    set(OFlags::NONBLOCK);
    for bytes in [&[0; 4096][..], &[0]] {
        while (&writer).write(bytes).is_ok() {}
    }
    if blocking {
        set(OFlags::empty());
    }
    (Stdio::from(writer), reader)
}

// A container that logs to a full disk, and a supervisor whose log reader is gone or stands still, must get their node
// all the same, and what tells a script why there is none.
#[test]
fn what_becomes_of_its_words_changes_nothing() {
    let cases: [(&[&str], i32); 6] = [
        (&["exec", "--", "sh", "-c", "exit 7"], 7),
        (&["exec", "--nofile", "9999", "sh", "-c", "exit 7"], 7),
        (&["exec", "--", "no-such-program-anywhere"], 127),
        (&["exec", "--", "/etc/passwd"], 126),
        (&["exec", "--strict", "--nofile", "2049", "true"], 78),
        (&["exec", "--no-such-option", "true"], 125),
    ];
    for (arguments, status) in cases {
        let ended = |kind: &str, stderr: Stdio| {
            let ended = limited(arguments)
                .stdout(Stdio::null())
                .stderr(stderr)
                .status()
                .unwrap();
            assert_eq!(ended.code(), Some(status), "{arguments:?}, {kind}");
        };
        ended(
            "a full disk",
            OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap()
                .into(),
        );
        ended("not writable", File::open("/dev/null").unwrap().into());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        ended("no reader", writer.into());
        let (writer, _reader) = full_pipe(false);
        ended("a full pipe", writer);
        // Waits for a second.
        if status == 7 || status == 127 {
            let (writer, _reader) = full_pipe(true);
            ended("a full pipe that blocks", writer);
        }
    }
}

// systemd starts services with SIGPIPE ignored: a node that gets the default instead dies of the first closed pipe.
#[test]
fn an_ignored_sigpipe_stays_ignored() {
    let ignored = |trap: &str| {
        let script = format!("{trap} exec '{HEADROOM}' exec --quiet grep SigIgn /proc/self/status");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let mask = stdout(&output).split_whitespace().next_back().unwrap();
        u64::from_str_radix(mask, 16).unwrap() >> (libc::SIGPIPE - 1) & 1
    };
    assert_eq!((ignored("trap '' PIPE;"), ignored("")), (1, 0));
}

// After `--` comes a program, whatever it is called.
#[test]
fn a_program_with_the_name_of_an_option() {
    let marked = run(&["exec", "--", "-x"]);
    assert_eq!(marked.status.code(), Some(127), "{}", stderr(&marked));
    assert_eq!(run(&["exec", "-x"]).status.code(), Some(125));
    assert_eq!(run(&["exec", "-x", "--", "true"]).status.code(), Some(125));
}

// A program whose standard error is read by another one must be able to keep it clean; what ends the start is said always.
#[test]
fn quiet_says_only_what_went_wrong() {
    let quiet = run(&["exec", "--quiet", "--nofile", "9999", "true"]);
    assert_eq!((quiet.status.code(), stderr(&quiet)), (Some(0), ""));
    for arguments in [
        &["exec", "--quiet", "no-such-program-anywhere"][..],
        &["exec", "--quiet", "--strict", "--nofile", "9999", "true"],
    ] {
        let output = run(arguments);
        assert_eq!(stderr(&output).lines().count(), 1, "{arguments:?}");
    }
}

// The loaded library stays lean: what only the command needs must not come into the node.
#[test]
fn the_library_needs_nothing_of_the_command() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--package", "headroom_nif", "--edges", "normal,build"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", stderr(&tree));
    let names: Vec<&str> = stdout(&tree)
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains(&"headroom_core"), "{names:?}");
    let foreign = ["clap", "clap_builder", "anstyle", "headroom_cli"];
    assert!(
        !names.iter().any(|name| foreign.contains(name)),
        "{names:?}"
    );
}
