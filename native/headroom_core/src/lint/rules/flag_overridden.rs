//! A flag or variable that another one takes back.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::FlagOverridden,
    why: "Of two flags of a kind the emulator takes the last: ERL_AFLAGS, the command line with vm.args, ERL_FLAGS, ERL_ZFLAGS, in this order. +Q beats ERL_MAX_PORTS, +e beats ERL_MAX_ETS_TABLES, wherever they stand.",
    source: "OTP, erts/etc/common/erlexec.c; erts/emulator/beam/erl_init.c, erl_start",
    bad: &[("opt/my_app/releases/0.1.0/vm.args", "+Q 200000\n+Q 65536\n")],
    good: &[("opt/my_app/releases/0.1.0/vm.args", "+Q 200000\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for scope in scene.scopes() {
        for kind in ["+Q", "+P", "+t", "+e"] {
            let flags: Vec<_> = scene
                .flags(scope, kind)
                .into_iter()
                .filter(|flag| flag.set.value != "legacy")
                .collect();
            let Some((last, earlier)) = flags.split_last() else {
                continue;
            };
            for flag in earlier
                .iter()
                .filter(|flag| flag.set.value != last.set.value)
            {
                let message = format!(
                    "{kind} {} does not hold: {}:{} comes later and sets {}.",
                    flag.set.value, last.set.at.file, last.set.at.line, last.set.value
                );
                found.push(Found::warning(
                    Id::FlagOverridden,
                    &flag.set.at,
                    message,
                    Vec::new(),
                ));
            }
            let name = match kind {
                "+Q" => "ERL_MAX_PORTS",
                "+e" => "ERL_MAX_ETS_TABLES",
                _ => continue,
            };
            if let Some(variable) = scene
                .variable(scope, name)
                .filter(|variable| variable.set.value != last.set.value)
            {
                let message = format!(
                    "{name}={} does not hold: {kind} {} ({}:{}) beats it.",
                    variable.set.value, last.set.value, last.set.at.file, last.set.at.line
                );
                found.push(Found::warning(
                    Id::FlagOverridden,
                    &variable.set.at,
                    message,
                    Vec::new(),
                ));
            }
        }
    }
    found
}
