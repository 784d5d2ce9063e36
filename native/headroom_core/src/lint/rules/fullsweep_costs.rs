//! A full collection each time.

use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::FullsweepCosts,
    why: "ERL_FULLSWEEP_AFTER=0 makes every garbage collection of every process a full one: less memory for idle processes, and much more work for busy ones with large heaps. It is still read today, and was advised for emulators whose binaries lived longer; measure before it is kept.",
    source: "OTP, erts/emulator/beam/erl_init.c, early_init; erlang:system_flag/2, fullsweep_after",
    bad: &[("etc/ejabberd/ejabberdctl.cfg", "ERL_OPTIONS=\"-env ERL_FULLSWEEP_AFTER 0\"\n")],
    good: &[("etc/ejabberd/ejabberdctl.cfg", "ERL_OPTIONS=\"-env ERL_CRASH_DUMP_BYTES 0\"\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let named = scene
        .of
        .variables
        .iter()
        .filter(|variable| variable.set.key == "ERL_FULLSWEEP_AFTER");
    named
        .filter(|variable| values::number(&variable.set.value) == Some(0))
        .map(|variable| {
            let message = "ERL_FULLSWEEP_AFTER=0 makes every garbage collection a full one: busy processes pay for it.";
            Found::notice(Id::FullsweepCosts, &variable.set.at, message, Vec::new())
        })
        .collect()
}
