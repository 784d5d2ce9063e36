//! limits.conf, sysctl files, and the numbers of the kernel that runs.

use std::collections::BTreeMap;

use headroom_facts::configured::{Configured, Kernel, LimitsLine, Setting, Sysctl};

use super::tree::{File, Tree};

/// Where sysctl files are, the one that masks the others first.
const SYSCTL: [&str; 5] = [
    "etc/sysctl.d",
    "run/sysctl.d",
    "usr/local/lib/sysctl.d",
    "usr/lib/sysctl.d",
    "lib/sysctl.d",
];

/// Reads all of it.
pub fn read(tree: &Tree, into: &mut Configured) {
    limits(tree, into);
    sysctls(tree, into);
    running(tree, into);
}

/// limits.conf, then limits.d in the order of its bytes (modules/pam_limits/pam_limits.c, `parse_config_file`).
fn limits(tree: &Tree, into: &mut Configured) {
    let folder = "etc/security/limits.d";
    let others = tree
        .list(folder)
        .into_iter()
        .filter(|(name, _)| name.ends_with(".conf"));
    let others = others.map(|(name, _)| format!("{folder}/{name}"));
    for path in ["etc/security/limits.conf".to_string()]
        .into_iter()
        .chain(others)
    {
        let Some(file) = tree.read(&path) else {
            continue;
        };
        for (index, line) in file.text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().take(4).collect();
            if words.is_empty() {
                continue;
            }
            // The domain is a name; the rest is read in small letters.
            let field = |(index, word): (usize, &&str)| {
                if index == 0 {
                    word.to_string()
                } else {
                    word.to_lowercase()
                }
            };
            into.limits.push(LimitsLine {
                fields: words.iter().enumerate().map(field).collect(),
                at: file.at(index + 1),
            });
        }
    }
}

/// By name, each name from the first folder that has it; then /etc/sysctl.conf, which a boot reads where a link in sysctl.d
/// leads to it, or where there is no systemd.
fn sysctls(tree: &Tree, into: &mut Configured) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for folder in SYSCTL {
        for (name, _) in tree.list(folder) {
            if name.ends_with(".conf") {
                names
                    .entry(name.clone())
                    .or_insert_with(|| format!("{folder}/{name}"));
            }
        }
    }
    let mut linked = false;
    for path in names.values().filter(|path| !tree.is_masked(path)) {
        if let Some(file) = tree.read(path) {
            linked |= tree
                .leads_to(path)
                .is_some_and(|path| path.as_os_str() == "etc/sysctl.conf");
            assign(tree, &file, true, into);
        }
    }
    if !linked {
        let systemd = ["usr/lib/systemd/systemd", "lib/systemd/systemd"]
            .iter()
            .any(|path| tree.has(path));
        if let Some(file) = tree.read("etc/sysctl.conf") {
            assign(tree, &file, !systemd, into);
        }
    }
}

fn assign(tree: &Tree, file: &File, at_boot: bool, into: &mut Configured) {
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let at = file.at(index + 1);
        let Some((key, value)) = line.split_once('=') else {
            // `-key` alone takes a key out of a pattern.
            if !line.starts_with('-') {
                tree.not_understood(at, "a line without =");
            }
            continue;
        };
        let key = key.trim().trim_start_matches('-').trim();
        // The first separator decides which one separates.
        let key = match key.find(['.', '/']) {
            Some(first) if key.as_bytes()[first] == b'/' => key
                .replace('.', "\u{0}")
                .replace('/', ".")
                .replace('\u{0}', "/"),
            _ => key.into(),
        };
        into.sysctls.push(Sysctl {
            set: Setting {
                key,
                value: value.trim().into(),
                at,
            },
            at_boot,
        });
    }
}

fn running(tree: &Tree, into: &mut Configured) {
    let number = |path| {
        let text = tree.has(path).then(|| tree.read(path)).flatten()?.text;
        text.trim().parse().ok()
    };
    let kernel = Kernel {
        nr_open: number("proc/sys/fs/nr_open"),
        file_max: number("proc/sys/fs/file-max"),
    };
    if kernel != Kernel::default() {
        into.kernel = Some(kernel);
    }
}
