//! A number of ETS tables that limits nothing.

use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::{Reaches, Setting};
use headroom_facts::release::Release;

pub const RULE: Rule = Rule {
    id: Id::EtsLimitIsAdvice,
    why: "Since OTP 20 no emulator refuses an ETS table: ERL_MAX_ETS_TABLES and +e size a table of names, and less than 8192 is ignored. The line does no harm; it does not do what it was written for either.",
    source: "OTP, erts/emulator/beam/erl_db.c, init_db; lib/stdlib, manual of ets, max_ets_tables",
    bad: &[("etc/ejabberd/ejabberdctl.cfg", "ERL_MAX_ETS_TABLES=2053\n")],
    good: &[("etc/ejabberd/ejabberdctl.cfg", "ERL_MAX_ETS_TABLES=20000\n")],
    check,
};

/// The least size of the table of names.
const LEAST: u64 = 8192;
/// The first release that refuses no table.
const ADVICE: Release = Release(20, 0);

fn check(scene: &Scene) -> Vec<Found> {
    if scene.of.release.is_some_and(|release| release < ADVICE) {
        return Vec::new();
    }
    let variables = scene.of.variables.iter();
    let variables = variables.filter(|variable| {
        variable.set.key == "ERL_MAX_ETS_TABLES" && variable.reaches == Reaches::Emulator
    });
    let flags = scene.of.flags.iter().filter(|flag| flag.set.key == "+e");
    let ignored = |set: &&Setting| values::number(&set.value).is_some_and(|number| number < LEAST);
    variables
        .map(|variable| &variable.set)
        .chain(flags.map(|flag| &flag.set))
        .filter(ignored)
        .map(|set| {
            let message = format!("{} {} does nothing on OTP 20 and later: no table is refused, and the least size is 8192.", set.key, set.value);
            Found::notice(Id::EtsLimitIsAdvice, &set.at, message, Vec::new())
        })
        .collect()
}
