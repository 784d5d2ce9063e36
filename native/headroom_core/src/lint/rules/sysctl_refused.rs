//! A number that the kernel does not take.

use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::SysctlRefused,
    why: "The kernel takes fs.nr_open from 64 to 2147483584 and fs.file-max from 0 to 9223372036854775807, as plain numbers. Anything else is an error at boot that nobody reads, and the old value stays.",
    source: "Linux, fs/file.c, sysctl_nr_open_min and _max; fs/file_table.c, fs_stat_sysctls",
    bad: &[("etc/sysctl.d/90-files.conf", "fs.nr_open = 4294967295\n")],
    good: &[("etc/sysctl.d/90-files.conf", "fs.nr_open = 1073741824\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for sysctl in &scene.of.sysctls {
        let bounds = match sysctl.set.key.as_str() {
            "fs.nr_open" => 64..=2_147_483_584,
            "fs.file-max" => 0..=i64::MAX as u64,
            _ => continue,
        };
        let (key, value) = (&sysctl.set.key, &sysctl.set.value);
        if values::number(value).is_none_or(|number| !bounds.contains(&number)) {
            let message = format!(
                "{key} = {value} is refused by the kernel: it takes {} to {}.",
                bounds.start(),
                bounds.end()
            );
            found.push(Found::warning(
                Id::SysctlRefused,
                &sysctl.set.at,
                message,
                Vec::new(),
            ));
        }
    }
    found
}
