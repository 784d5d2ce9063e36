//! A variable that no emulator reads.

use crate::advise::lines;
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::ErtsMaxPortsIsNotRead,
    why: "ERTS_MAX_PORTS is a constant in the emulator's sources. The variable is ERL_MAX_PORTS, and the flag +Q.",
    source: "OTP, erts/emulator/beam/erl_node_container_utils.h, ERTS_MAX_PORTS; erts/emulator/beam/erl_init.c, erl_start",
    bad: &[("opt/my_app/releases/0.1.0/env.sh", "export ERTS_MAX_PORTS=200000\n")],
    good: &[("opt/my_app/releases/0.1.0/env.sh", "export ERL_MAX_PORTS=200000\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let named = scene
        .of
        .variables
        .iter()
        .filter(|variable| variable.set.key == "ERTS_MAX_PORTS");
    named
        .map(|variable| {
            let fix = values::number(&variable.set.value)
                .map(|wanted| lines::variable("ERL_MAX_PORTS", wanted));
            let message = "No emulator reads ERTS_MAX_PORTS: the variable is ERL_MAX_PORTS.";
            Found::warning(
                Id::ErtsMaxPortsIsNotRead,
                &variable.set.at,
                message,
                fix.into_iter().collect(),
            )
        })
        .collect()
}
