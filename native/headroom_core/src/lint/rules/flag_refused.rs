//! A flag with which the emulator does not start.

use crate::advise::lines;
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::otp::{LARGEST_TABLE, LEAST_TABLE};

pub const RULE: Rule = Rule {
    id: Id::FlagRefused,
    why: "The emulator takes +Q and +P from 1024 to 134217727 and +t from 8192 on; with anything else it prints its usage and ends.",
    source: "OTP, erts/emulator/beam/erl_init.c, erl_start; man erl",
    bad: &[("opt/my_app/releases/0.1.0/vm.args", "+Q 1073741816\n")],
    good: &[("opt/my_app/releases/0.1.0/vm.args", "+Q 1048576\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for flag in &scene.of.flags {
        let (kind, value) = (flag.set.key.as_str(), flag.set.value.as_str());
        let bounds = match kind {
            "+Q" | "+P" => LEAST_TABLE..=LARGEST_TABLE,
            "+t" => 8192..=u64::from(u32::MAX),
            _ => continue,
        };
        // What a template or a shell fills in is not known here.
        if value.contains(['$', '<', '{', '`'])
            || (matches!(kind, "+Q" | "+P") && value == "legacy")
        {
            continue;
        }
        if values::number(value).is_none_or(|number| !bounds.contains(&number)) {
            let message = format!(
                "The emulator does not start with {kind} {value}: it takes {} to {}.",
                bounds.start(),
                bounds.end()
            );
            let nearest = values::number(value)
                .map(|number| lines::flag(kind, number.clamp(*bounds.start(), *bounds.end())));
            found.push(Found::warning(
                Id::FlagRefused,
                &flag.set.at,
                message,
                nearest.into_iter().collect(),
            ));
        }
    }
    found
}
