//! A port table that ends before the descriptors.

use crate::advise::lines;
use crate::lint::{Found, Id, Rule, Scene};
use crate::number::plain;
use headroom_facts::otp::LARGEST_TABLE;

pub const RULE: Rule = Rule {
    id: Id::PortsBelowNofile,
    why: "Each gen_tcp and gen_udp socket takes a port and a descriptor. A port table that is set below the limit of descriptors is full first: new clients are accepted and closed at once, with system_limit in the log and descriptors to spare. Left alone, the table is sized to the limit.",
    source: "OTP, erts/emulator/beam/io.c, erts_init_io; erts/emulator/drivers/common/inet_drv.c, tcp_inet_copy",
    bad: &[("etc/systemd/system/my_app.service", "[Service]\nExecStart=/opt/my_app/bin/my_app start\nLimitNOFILE=200000\n"), ("opt/my_app/releases/0.1.0/vm.args", "+Q 65536\n")],
    good: &[("etc/systemd/system/my_app.service", "[Service]\nExecStart=/opt/my_app/bin/my_app start\nLimitNOFILE=200000\n"), ("opt/my_app/releases/0.1.0/vm.args", "+P 1048576\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for scope in scene.scopes() {
        let (Some(given), Some(table)) = (scene.nofile(scope), scene.port_table(scope)) else {
            continue;
        };
        let Some(soft) = given
            .soft
            .finite()
            .filter(|&soft| soft > table.slots && soft <= LARGEST_TABLE)
        else {
            continue;
        };
        let slots = soft
            .checked_next_power_of_two()
            .map_or(LARGEST_TABLE, |slots| slots.min(LARGEST_TABLE));
        let fix = match table.set_by.split_once('=') {
            Some((name, _)) => lines::variable(name, slots),
            None => lines::flag("+Q", slots),
        };
        let message = format!("{} makes a port table of {}, and {} descriptors are allowed ({}:{}): gen_tcp ends first.", table.set_by, plain(table.slots), plain(soft), given.at.file, given.at.line);
        found.push(Found::warning(
            Id::PortsBelowNofile,
            &table.at,
            message,
            vec![fix],
        ));
    }
    found
}
