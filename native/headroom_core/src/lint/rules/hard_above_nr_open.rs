//! A limit that the kernel refuses to set.

use crate::advise::lines;
use crate::lint::values::{self, Nofile};
use crate::lint::{Found, Id, Rule, Scene};
use crate::number::plain;

pub const RULE: Rule = Rule {
    id: Id::HardAboveNrOpen,
    why: "The kernel refuses a hard limit above fs.nr_open, to root as well. systemd then silently sets what it can; pam_limits refuses the login, so that after the next boot nobody gets in (Debian and Ubuntu ignore the line instead).",
    source: "Linux, kernel/sys.c, do_prlimit; Linux-PAM, modules/pam_limits/pam_limits.c, setup_limits; Debian's patch 032 of it",
    bad: &[
        ("etc/security/limits.conf", "alice hard nofile 2000000\n"),
        ("etc/sysctl.d/90-files.conf", "fs.nr_open = 1048576\n"),
    ],
    good: &[
        ("etc/security/limits.conf", "alice hard nofile 1048576\n"),
        ("etc/sysctl.d/90-files.conf", "fs.nr_open = 1048576\n"),
    ],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let Some(nr_open) = scene.nr_open() else {
        return Vec::new();
    };
    let fix = |hard: u64| lines::nr_open_kept(hard).into_iter().collect();
    let mut found = Vec::new();
    for given in scene.all_nofile() {
        if let Nofile::Is(hard) = given.hard {
            if hard > nr_open {
                found.push(Found::warning(
                    Id::HardAboveNrOpen,
                    &given.at,
                    format!("{} descriptors are more than fs.nr_open, {}: the kernel refuses that, and less is set in silence.", plain(hard), plain(nr_open)),
                    fix(hard),
                ));
            }
        }
    }
    for line in &scene.of.limits {
        let [_, kind, item, value] = line.fields.as_slice() else {
            continue;
        };
        if item != "nofile" || kind == "soft" {
            continue;
        }
        if let Some(hard) = values::number(value).filter(|&hard| hard > nr_open) {
            found.push(Found::warning(
                Id::HardAboveNrOpen,
                &line.at,
                format!("{} descriptors are more than fs.nr_open, {}: logins through PAM are refused, or the line has no effect (Debian).", plain(hard), plain(nr_open)),
                fix(hard),
            ));
        }
    }
    found
}
