//! A variable that stays in the shell.

use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::Reaches;

pub const RULE: Rule = Rule {
    id: Id::VariableNotExported,
    why: "The script that starts a release reads env.sh into its own shell; what is not exported there ends with it, and the emulator never sees it.",
    source: "Elixir, mix release, rel/env.sh.eex; POSIX, Shell Command Language, export",
    bad: &[("opt/my_app/releases/0.1.0/env.sh", "ERL_MAX_PORTS=200000\n")],
    good: &[("opt/my_app/releases/0.1.0/env.sh", "export ERL_MAX_PORTS=200000\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let stays = scene
        .of
        .variables
        .iter()
        .filter(|variable| variable.reaches == Reaches::ShellOnly);
    let exported = |name: &str, scope: &str| scene.variable(scope, name).is_some();
    stays
        .filter(|variable| !exported(&variable.set.key, &variable.scope))
        .map(|variable| {
            let message = format!(
                "{} is not exported: the emulator does not see it.",
                variable.set.key
            );
            Found::warning(
                Id::VariableNotExported,
                &variable.set.at,
                message,
                Vec::new(),
            )
        })
        .collect()
}
