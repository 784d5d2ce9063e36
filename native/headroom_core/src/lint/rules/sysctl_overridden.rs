//! A setting that a later file takes back.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::SysctlOverridden,
    why: "Files of sysctl.d are read in the order of their names, wherever they lie, and the last assignment holds; a file in /etc with the name of another takes its place. The earlier line reads as if it held, and does not.",
    source: "man sysctl.d; systemd, src/sysctl/sysctl.c, parse_file",
    bad: &[("etc/sysctl.d/10-app.conf", "fs.nr_open = 2000000\n"), ("etc/sysctl.d/99-base.conf", "fs.nr_open = 1048576\n")],
    good: &[("etc/sysctl.d/10-base.conf", "fs.nr_open = 1048576\n"), ("etc/sysctl.d/99-app.conf", "fs.nr_open = 1048576\n")],
    check,
};

const KEYS: [&str; 2] = ["fs.nr_open", "fs.file-max"];

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for key in KEYS {
        let Some(last) = scene.sysctl(key) else {
            continue;
        };
        let earlier = scene
            .of
            .sysctls
            .iter()
            .filter(|sysctl| sysctl.at_boot && sysctl.set.key == key);
        for sysctl in earlier
            .filter(|sysctl| sysctl.set.at != last.set.at && sysctl.set.value != last.set.value)
        {
            let message = format!(
                "{key} = {} does not hold: {}:{} comes later and sets {}.",
                sysctl.set.value, last.set.at.file, last.set.at.line, last.set.value
            );
            found.push(Found::warning(
                Id::SysctlOverridden,
                &sysctl.set.at,
                message,
                Vec::new(),
            ));
        }
    }
    found
}
