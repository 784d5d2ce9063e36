//! A limit of descriptors that makes the port table take gigabytes.

use crate::advise::lines;
use crate::lint::{Found, Id, Rule, Scene};
use crate::nofile::raise::LARGEST_SANE;
use headroom_facts::otp::DEFAULT_PORTS;

pub const RULE: Rule = Rule {
    id: Id::NofileHuge,
    why: "Without +Q or ERL_MAX_PORTS the port table is sized to the soft limit of descriptors, and touched at the start: 1073741816 descriptors are 1.6 to 2.1 GB. `infinity` is not infinite: it is what systemd itself has, 1048576 on Debian and a thousand times that on others.",
    source: "OTP, erts/emulator/beam/io.c, erts_init_io; systemd, src/basic/rlimit-util.c, setrlimit_closest",
    bad: &[("compose.yaml", "services:\n  web:\n    image: elixir:1.18\n    ulimits:\n      nofile: 1073741816\n")],
    good: &[("compose.yaml", "services:\n  web:\n    image: elixir:1.18\n    environment:\n      ERL_FLAGS: \"+Q 65536\"\n    ulimits:\n      nofile: 1073741816\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for scope in scene.scopes() {
        let Some(given) = scene.nofile(scope) else {
            continue;
        };
        if given.soft.is_above(LARGEST_SANE) && scene.port_table(scope).is_none() {
            found.push(Found::warning(
                Id::NofileHuge,
                &given.at,
                "The soft limit of descriptors is huge and nothing sizes the port table: it takes up to 2.1 GB at the start.",
                vec![lines::flag("+Q", DEFAULT_PORTS)],
            ));
        }
    }
    found
}
