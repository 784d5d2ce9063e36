//! A size of the port table that is none.

use crate::advise::lines;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::Reaches;
use headroom_facts::otp::DEFAULT_PORTS;

pub const RULE: Rule = Rule {
    id: Id::ErlMaxPortsMalformed,
    why: "The emulator reads ERL_MAX_PORTS as far as there are digits and takes 1024 for less than that: set but empty, or a word, is the smallest table there is. Of more than 20 digits nothing is read.",
    source: "OTP, erts/emulator/beam/erl_init.c, erl_start (atoi); erts/emulator/beam/io.c, erts_init_io",
    bad: &[("opt/my_app/releases/0.1.0/env.sh", "export ERL_MAX_PORTS=\n")],
    good: &[("opt/my_app/releases/0.1.0/env.sh", "export ERL_MAX_PORTS=65536\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let named = scene.of.variables.iter().filter(|variable| {
        variable.set.key == "ERL_MAX_PORTS" && variable.reaches == Reaches::Emulator
    });
    // What a script fills in, or another shell expands, is not known here.
    let known = named.filter(|variable| !variable.set.value.contains(['$', '<', '`']));
    known
        .filter(|variable| variable.set.value.is_empty() || !variable.set.value.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|variable| {
            let message = format!("ERL_MAX_PORTS={:?} is no number: what the emulator takes from it is a table of 1024 or a part of it.", variable.set.value);
            Found::warning(Id::ErlMaxPortsMalformed, &variable.set.at, message, vec![lines::variable("ERL_MAX_PORTS", DEFAULT_PORTS)])
        })
        .collect()
}
