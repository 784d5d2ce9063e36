//! The plan of the house, kept: rooms in order, and no file names a room above its own. Between crates cargo keeps it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. A room may use those before it.
const ROOMS: &[&str] = &[
    "number",
    "status",
    "threads",
    "finding",
    "measure",
    "holders",
    "advise",
    "nofile",
    "requirement",
    "autopsy",
    "lint",
    "plan",
    "assess",
    "hazards",
    "explain",
    "snapshot",
    "trend",
    "metrics",
    "render",
    "question",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of the core, with its room.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(source()).unwrap();
            let first = inside.iter().next().unwrap().to_str().unwrap();
            let room = first.trim_end_matches(".rs").to_string();
            if room != "lib" {
                found.push((room, path));
            }
        }
    }
    found
}

/// The rooms that a text names: all that follows `crate::`, alone or in braces.
fn named(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(inside) => inside.split('}').next().unwrap_or_default(),
            None => rest,
        };
        let names = if rest.starts_with('{') {
            list.split(',').collect()
        } else {
            vec![list]
        };
        for name in names {
            let word = |c: &char| c.is_alphanumeric() || *c == '_';
            rooms.insert(name.trim().chars().take_while(word).collect());
        }
    }
    rooms
}

fn floor(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

// An import that runs back up is how a circle begins, and a circle is what nobody can change a part of.
#[test]
fn no_file_names_a_room_above_its_own() {
    let mut wrong = Vec::new();
    for (room, path) in files() {
        let inside = path.strip_prefix(source()).unwrap().display().to_string();
        // What tests use does not ship.
        if inside.contains("/tests") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let Some(own) = floor(&room) else {
            wrong.push(format!(
                "{inside}: the room {room} has no floor yet: add it to ROOMS"
            ));
            continue;
        };
        for other in named(shipped) {
            if floor(&other).is_some_and(|other| other > own) {
                wrong.push(format!(
                    "{inside} is in {room} and names {other}, which is above"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// A list that names what is gone would keep nothing.
#[test]
fn every_floor_has_its_room() {
    let there: BTreeSet<String> = files().into_iter().map(|(room, _)| room).collect();
    let missing: Vec<_> = ROOMS
        .iter()
        .filter(|room| !there.contains(**room))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

// The reader of imports must see both ways to write one, or the guard above sees nothing.
#[test]
fn imports_are_read() {
    let rooms = named("use crate::finding::{Fix, Id};\nuse crate::{number, render::page};\ncrate::assess::judge(x)");
    let expected = ["assess", "finding", "number", "render"];
    assert!(rooms.iter().eq(expected), "{rooms:?}");
}

// Unsafe code has two places, in which each block says why it is sound; a third would be looked at by nobody. The benchmark, which
// no node loads, makes the bare calls that the others are measured against.
#[test]
fn unsafe_code_has_two_places() {
    let native = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf();
    let mut folders = vec![native.clone()];
    let mut wrong = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(&native).unwrap().to_path_buf();
            let allowed = inside.starts_with("headroom_os")
                || inside.starts_with("headroom_nif/src/entry")
                || inside.starts_with("headroom_bench")
                || inside.ends_with("tests/floors.rs");
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !allowed {
                let text = fs::read_to_string(&path).unwrap();
                let blocks = text.lines().filter(|line| {
                    line.contains("unsafe ") && !line.trim_start().starts_with("//")
                });
                wrong.extend(blocks.map(|line| format!("{}: {}", inside.display(), line.trim())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
