//! Units of systemd and their drop-ins, in the order in which systemd merges them (man systemd.unit).

use std::collections::BTreeMap;
use std::str::FromStr;

use headroom_facts::configured::{Configured, Reaches, Runs, Setting, Spot, Unit};
use systemd_unit_edit::SystemdUnit;

use super::tree::{File, Tree};
use super::{runs, variables};

/// Where units are, the one that masks the others first.
const FOLDERS: [&str; 6] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "etc/systemd/user",
];

/// Software whose variables have a file of their own.
const KNOWN: [&str; 6] = [
    "ejabberd",
    "rabbitmq",
    "emqx",
    "vernemq",
    "couchdb",
    "mongooseim",
];

/// Reads all services.
pub fn read(tree: &Tree, into: &mut Configured) {
    let mut main: BTreeMap<String, String> = BTreeMap::new();
    let mut drop_ins: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for folder in FOLDERS {
        for (name, _) in tree.list(folder) {
            if name.ends_with(".service") {
                main.entry(name.clone())
                    .or_insert_with(|| format!("{folder}/{name}"));
            } else if let Some(unit) = name
                .strip_suffix(".d")
                .filter(|unit| unit.ends_with(".service"))
            {
                for (file, _) in tree.list(&format!("{folder}/{name}")) {
                    if file.ends_with(".conf") {
                        let of_unit = drop_ins.entry(unit.into()).or_default();
                        of_unit
                            .entry(file.clone())
                            .or_insert_with(|| format!("{folder}/{name}/{file}"));
                    }
                }
            }
        }
    }
    let names: std::collections::BTreeSet<_> =
        main.keys().chain(drop_ins.keys()).cloned().collect();
    for name in names {
        let first = main.get(&name).filter(|path| !tree.is_masked(path));
        let others = drop_ins
            .get(&name)
            .into_iter()
            .flat_map(|files| files.values());
        let files: Vec<File> = first
            .into_iter()
            .chain(others)
            .filter_map(|path| tree.read(path))
            .collect();
        if let Some(unit) = unit(tree, &name, &files) {
            environment(tree, &unit, into);
            into.units.push(unit);
        }
    }
}

fn unit(tree: &Tree, name: &str, files: &[File]) -> Option<Unit> {
    let first = files.first()?;
    let mut unit = Unit {
        name: name.into(),
        at: Spot {
            file: first.name.clone(),
            line: 1,
        },
        ..Unit::default()
    };
    let mut broken = Vec::new();
    for file in files {
        settings(file, &mut unit.settings, &mut broken);
    }
    let exec: Vec<&str> = unit
        .service("ExecStart")
        .map(|setting| setting.value.as_str())
        .collect();
    unit.scope = scope(tree, name, &exec);
    unit.runs = if is_engine(name) {
        Runs::Engine
    } else if files.iter().any(|file| runs::is_node(&file.text))
        || runs::is_node(name)
        || tree.has(&format!("{}/releases", unit.scope))
    {
        Runs::Beam
    } else {
        Runs::Other
    };
    // A line of a service that has nothing to do with a node is not this command's matter.
    if unit.runs != Runs::Other {
        broken.into_iter().for_each(|at| {
            tree.not_understood(at, "neither a section, an assignment nor a comment")
        });
    }
    Some(unit)
}

fn is_engine(name: &str) -> bool {
    matches!(
        name,
        "containerd.service" | "docker.service" | "crio.service"
    )
}

/// What stands before the first section has the section "".
fn settings(file: &File, into: &mut Vec<(String, Setting)>, broken: &mut Vec<Spot>) {
    let parsed = match SystemdUnit::from_str(&file.text) {
        Ok(parsed) => parsed,
        Err(_) => return lines(file, into, broken),
    };
    for section in parsed.sections() {
        let name = section.name().unwrap_or_default();
        for entry in section.entries() {
            let setting = Setting {
                key: entry.key().unwrap_or_default(),
                value: entry.value().unwrap_or_default().trim().into(),
                at: file.at(entry.line() + 1),
            };
            into.push((name.clone(), setting));
        }
    }
}

/// A file that is not well-formed, line by line: systemd warns of a line that it does not understand and takes the others.
fn lines(file: &File, into: &mut Vec<(String, Setting)>, broken: &mut Vec<Spot>) {
    let mut section = String::new();
    let mut continued = false;
    for (index, line) in file.text.lines().enumerate() {
        let text = line.trim();
        let was_continued = std::mem::replace(&mut continued, text.ends_with('\\'));
        if was_continued || text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.into();
        } else if let Some((key, value)) = text.split_once('=') {
            let setting = Setting {
                key: key.trim().into(),
                value: value.trim().into(),
                at: file.at(index + 1),
            };
            into.push((section.clone(), setting));
        } else {
            broken.push(file.at(index + 1));
        }
    }
}

/// The name of known software, the folder of a release, or the unit's own name.
fn scope(tree: &Tree, name: &str, exec: &[&str]) -> String {
    let mentions =
        |known: &&&str| name.starts_with(**known) || exec.iter().any(|exec| exec.contains(**known));
    if let Some(known) = KNOWN.iter().find(mentions) {
        return (*known).into();
    }
    let words = exec.iter().flat_map(|exec| exec.split([' ', '\'', '"']));
    let mut folders = words.filter_map(|word| {
        let (folder, _) = word
            .trim_start_matches(['-', '@', ':', '+', '!'])
            .strip_prefix('/')?
            .split_once("/bin/")?;
        Some(folder.to_string())
    });
    let release = folders.find(|folder| {
        tree.has(&format!("{folder}/releases")) || !matches!(folder.as_str(), "usr" | "usr/local")
    });
    release.unwrap_or_else(|| name.into())
}

/// `Environment=` and the files of `EnvironmentFile=`; both know no export.
fn environment(tree: &Tree, unit: &Unit, into: &mut Configured) {
    if unit.runs == Runs::Other {
        return;
    }
    for setting in unit.service("Environment") {
        match shell_words::split(&setting.value) {
            Ok(words) => {
                for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
                    let set = Setting {
                        key: key.into(),
                        value: value.into(),
                        at: setting.at.clone(),
                    };
                    variables::take(tree, set, &unit.scope, Reaches::Emulator, into);
                }
            }
            Err(_) => tree.not_understood(setting.at.clone(), "a quote that is never closed"),
        }
    }
    for setting in unit.service("EnvironmentFile") {
        let path = setting
            .value
            .trim_start_matches('-')
            .trim_start_matches('/');
        if let Some(file) = tree.read_once(path) {
            for assignment in super::shell::assignments(tree, &file) {
                variables::take(tree, assignment.set, &unit.scope, Reaches::Emulator, into);
            }
        }
    }
}
