//! A process table that ends before the descriptors.

use crate::advise::lines;
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use crate::number::plain;
use headroom_facts::otp::LARGEST_TABLE;

pub const RULE: Rule = Rule {
    id: Id::ProcessesBelowNofile,
    why: "A connection takes a process at least. With +P below the limit of descriptors every spawn fails with system_limit first, and one file:open that is not raw then ends the node.",
    source: "OTP, erts/emulator/beam/erl_process.c; lib/kernel/src/file_io_server.erl",
    bad: &[("etc/systemd/system/my_app.service", "[Service]\nExecStart=/opt/my_app/bin/my_app start\nLimitNOFILE=200000\n"), ("opt/my_app/releases/0.1.0/vm.args", "+P 65536\n")],
    good: &[("etc/systemd/system/my_app.service", "[Service]\nExecStart=/opt/my_app/bin/my_app start\nLimitNOFILE=200000\n"), ("opt/my_app/releases/0.1.0/vm.args", "+P 262144\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for scope in scene.scopes() {
        let (Some(given), Some(flag)) = (scene.nofile(scope), scene.flag(scope, "+P")) else {
            continue;
        };
        let table = values::number(&flag.set.value).and_then(u64::checked_next_power_of_two);
        let (Some(soft), Some(table)) = (given.soft.finite(), table) else {
            continue;
        };
        if table < soft && soft <= LARGEST_TABLE {
            let wanted = soft
                .checked_next_power_of_two()
                .map_or(LARGEST_TABLE, |wanted| wanted.min(LARGEST_TABLE));
            let message = format!(
                "+P {} allows {} processes, and {} descriptors are allowed ({}:{}).",
                flag.set.value,
                plain(table),
                plain(soft),
                given.at.file,
                given.at.line
            );
            found.push(Found::warning(
                Id::ProcessesBelowNofile,
                &flag.set.at,
                message,
                vec![lines::flag("+P", wanted)],
            ));
        }
    }
    found
}
