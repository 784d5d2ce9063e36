//! /etc/sysctl.conf, where the boot does not read it.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::SysctlConfIgnored,
    why: "systemd reads sysctl.d alone at boot. /etc/sysctl.conf counted as long as /etc/sysctl.d/99-sysctl.conf was a link to it, which Debian 13 took away: sysctl --system still reads it, so that it works when tried and is lost at the next boot.",
    source: "systemd, man systemd-sysctl.service; Debian bug 1076190",
    bad: &[("etc/sysctl.conf", "fs.nr_open = 2000000\n"), ("usr/lib/systemd/systemd", "")],
    good: &[("etc/sysctl.d/90-files.conf", "fs.nr_open = 2000000\n"), ("usr/lib/systemd/systemd", "")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let lost = scene
        .of
        .sysctls
        .iter()
        .filter(|sysctl| !sysctl.at_boot && sysctl.set.key.starts_with("fs."));
    lost.map(|sysctl| {
        let message = format!("{} is not set at boot: systemd does not read this file. Move the line into /etc/sysctl.d/.", sysctl.set.key);
        Found::warning(Id::SysctlConfIgnored, &sysctl.set.at, message, Vec::new())
    })
    .collect()
}
