//! `headroom lint` on a folder of broken configurations: each planted fault is found, in its file and line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lint(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
    command.arg("lint").arg("--root").arg(root).args(arguments);
    command.output().unwrap()
}

fn broken() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/broken");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

/// `file:line id`, as the folders state what is planted in them.
fn findings(output: &Output) -> BTreeSet<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with(' '));
    lines
        .filter_map(|line| {
            let (place, rest) = line.rsplit_once(": ")?;
            Some(format!("{place} {}", rest.split(' ').nth(1)?))
        })
        .collect()
}

// A fault that is not found is a night on which somebody is woken; one that is not there is a morning lost. So nothing is
// found but what was planted.
#[test]
fn each_planted_fault_is_found_and_nothing_else() {
    let cases = broken();
    assert!(cases.len() >= 25, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let expected = fs::read_to_string(case.join("expect")).unwrap();
        let expected: BTreeSet<String> = expected.lines().map(String::from).collect();
        let output = lint(&case.join("root"), &[]);
        if findings(&output) != expected || output.status.code() != Some(1) {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            wrong.push(format!("{}: expected {expected:?}\n{text}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// What a release before 20 did with a number of ETS tables, and before 21 with +K, was no mistake there.
#[test]
fn an_old_release_is_judged_as_what_it_is() {
    let sheet = broken()
        .into_iter()
        .find(|case| case.ends_with("seed-tuning-sheet"))
        .unwrap()
        .join("root");
    let old = findings(&lint(&sheet, &["--otp", "18"]));
    assert_eq!(
        old.into_iter().collect::<Vec<_>>(),
        ["etc/ejabberd/ejabberdctl.cfg:5 fullsweep_costs"]
    );
}

#[test]
fn the_exit_status_says_which() {
    let empty = std::env::temp_dir().join(format!("headroom-lint-empty-{}", std::process::id()));
    fs::create_dir_all(&empty).unwrap();
    let output = lint(&empty, &[]);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"no findings\n"[..])
    );
    fs::remove_dir(&empty).unwrap();
    assert_eq!(lint(Path::new("/nonexistent"), &[]).status.code(), Some(2));
    assert_eq!(lint(Path::new("/"), &["--nothing"]).status.code(), Some(2));
}

// A program reads it: an object a line, with the place that a person sees.
#[test]
fn json_has_the_same() {
    let case = broken()
        .into_iter()
        .find(|case| case.ends_with("q-below-nofile"))
        .unwrap();
    let output = lint(&case.join("root"), &["--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects[0]["id"], "ports_below_nofile");
    assert_eq!(objects[0]["at"], "opt/shop/releases/1.2.0/vm.args:3");
    assert_eq!(objects[0]["fix"][0], "+Q 262144");
}
