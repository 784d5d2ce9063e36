//! A number of the kernel that the next boot takes back.

use crate::advise::lines;
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use crate::number::plain;
use headroom_facts::configured::Spot;

pub const RULE: Rule = Rule {
    id: Id::SysctlNotKept,
    why: "sysctl -w and an echo into /proc/sys last until the machine boots. What runs now and stands in no file that the boot reads is lost then, and with it whatever needed it.",
    source: "man sysctl.d, man sysctl; Linux, Documentation/admin-guide/sysctl/fs.rst",
    bad: &[("proc/sys/fs/nr_open", "2000000\n")],
    good: &[("proc/sys/fs/nr_open", "2000000\n"), ("etc/sysctl.d/90-files.conf", "fs.nr_open = 2000000\n")],
    check,
};

/// What the kernel has where nobody sets it: in the sources, and where systemd raised it (src/core/main.c, `bump_file_max_and_nr_open`).
const NR_OPEN: [u64; 3] = [1_048_576, 1_073_741_816, 2_147_483_584];

fn check(scene: &Scene) -> Vec<Found> {
    let Some(running) = scene.of.kernel.and_then(|kernel| kernel.nr_open) else {
        return Vec::new();
    };
    let kept = scene.sysctl("fs.nr_open");
    let lost = |at: &Spot, then: String| {
        let fix = lines::nr_open_kept(running).into_iter().collect();
        vec![Found::warning(
            Id::SysctlNotKept,
            at,
            format!("fs.nr_open is {} now and {then}.", plain(running)),
            fix,
        )]
    };
    match kept.map(|sysctl| (sysctl, values::number(&sysctl.set.value))) {
        Some((sysctl, Some(next))) if next != running => lost(
            &sysctl.set.at,
            format!("will be {} after the next boot", plain(next)),
        ),
        None if !NR_OPEN.contains(&running) => {
            let at = Spot {
                file: "proc/sys/fs/nr_open".into(),
                line: 1,
            };
            lost(
                &at,
                "stands in no file of sysctl.d: the next boot loses it".into(),
            )
        }
        _ => Vec::new(),
    }
}
