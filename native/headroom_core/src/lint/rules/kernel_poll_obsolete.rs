//! A flag for what is always so.

use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::release::Release;

pub const RULE: Rule = Rule {
    id: Id::KernelPollObsolete,
    why: "Since OTP 21 the emulator always uses epoll or kqueue where the system has it; +K is accepted and ignored.",
    source: "OTP 21, release notes of erts; erts/emulator/beam/erl_init.c, erl_start",
    bad: &[("opt/my_app/releases/0.1.0/vm.args", "+K true\n")],
    good: &[("opt/my_app/releases/0.1.0/vm.args", "+P 1048576\n")],
    check,
};

/// The first release that ignores it.
const IGNORED: Release = Release(21, 0);

fn check(scene: &Scene) -> Vec<Found> {
    if scene.of.release.is_some_and(|release| release < IGNORED) {
        return Vec::new();
    }
    let poll = scene
        .of
        .variables
        .iter()
        .filter(|variable| variable.set.key == "POLL")
        .map(|variable| &variable.set);
    let flags = scene
        .of
        .flags
        .iter()
        .filter(|flag| flag.set.key == "+K")
        .map(|flag| &flag.set);
    flags
        .chain(poll)
        .map(|set| {
            let message = format!(
                "{} {} does nothing on OTP 21 and later: kernel polling is always on.",
                set.key, set.value
            );
            Found::notice(Id::KernelPollObsolete, &set.at, message, Vec::new())
        })
        .collect()
}
