//! Fewer open files of the whole machine than of one process.

use crate::advise::{boot, lines};
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use crate::number::plain;

pub const RULE: Rule = Rule {
    id: Id::FileMaxBelowNofile,
    why: "fs.file-max bounds the open files of all processes together, for all that have no CAP_SYS_ADMIN. systemd lifts it to the largest number there is before it reads sysctl.d, so an old line lowers it again. Then accept fails with enfile before the limit of the process is reached.",
    source: "Linux, fs/file_table.c, alloc_empty_file; systemd, src/core/main.c, bump_file_max_and_nr_open",
    bad: &[("etc/sysctl.d/90-files.conf", "fs.file-max = 50000\n"), ("etc/systemd/system/rabbitmq-server.service.d/limits.conf", "[Service]\nLimitNOFILE=65536\n")],
    good: &[("etc/sysctl.d/90-files.conf", "fs.file-max = 200000\n"), ("etc/systemd/system/rabbitmq-server.service.d/limits.conf", "[Service]\nLimitNOFILE=65536\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let Some(sysctl) = scene.sysctl("fs.file-max") else {
        return Vec::new();
    };
    let Some(file_max) = values::number(&sysctl.set.value) else {
        return Vec::new();
    };
    let most = scene
        .all_nofile()
        .into_iter()
        .filter_map(|given| Some((given.soft.finite()?, given.at)))
        .max();
    match most {
        Some((soft, at)) if soft > file_max => {
            let message = format!(
                "The whole machine may open {} files, one process {} ({}:{}).",
                plain(file_max),
                plain(soft),
                at.file,
                at.line
            );
            vec![Found::warning(
                Id::FileMaxBelowNofile,
                &sysctl.set.at,
                message,
                vec![lines::file_max_kept(boot::doubled(soft))],
            )]
        }
        _ => Vec::new(),
    }
}
