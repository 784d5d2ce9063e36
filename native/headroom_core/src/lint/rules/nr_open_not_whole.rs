//! A largest limit that is a little less than it says.

use crate::advise::lines;
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::NrOpenNotWhole,
    why: "Tables of descriptors grow in steps of 64. The kernel counts no further than the last whole step, so that the last few descriptors of an odd fs.nr_open are never had.",
    source: "Linux, fs/file.c, alloc_fdtable and sysctl_nr_open_max",
    bad: &[("etc/sysctl.d/90-files.conf", "fs.nr_open = 70000\n")],
    good: &[("etc/sysctl.d/90-files.conf", "fs.nr_open = 70016\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let Some(sysctl) = scene.sysctl("fs.nr_open") else {
        return Vec::new();
    };
    let Some(number) = values::number(&sysctl.set.value).filter(|number| number % 64 != 0) else {
        return Vec::new();
    };
    let fix = lines::nr_open_kept(number).into_iter().collect();
    let message = format!(
        "fs.nr_open = {number} is no multiple of 64: a process gets {} descriptors at most.",
        number / 64 * 64
    );
    vec![Found::notice(
        Id::NrOpenNotWhole,
        &sysctl.set.at,
        message,
        fix,
    )]
}
