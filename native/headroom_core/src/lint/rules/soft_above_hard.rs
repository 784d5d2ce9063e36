//! A soft limit above its hard limit.

use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::Spot;

pub const RULE: Rule = Rule {
    id: Id::SoftAboveHard,
    why: "The soft limit is at most the hard one. systemd ignores such a line as a whole, a container engine does not start the container.",
    source: "systemd, src/basic/rlimit-util.c, rlimit_parse (EILSEQ); Linux, kernel/sys.c, do_prlimit (EINVAL)",
    bad: &[("etc/systemd/system/my_app.service.d/limits.conf", "[Service]\nLimitNOFILE=65536:1024\n")],
    good: &[("etc/systemd/system/my_app.service.d/limits.conf", "[Service]\nLimitNOFILE=1024:65536\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let units = scene
        .of
        .units
        .iter()
        .flat_map(|unit| unit.service("LimitNOFILE"));
    let units = units
        .filter(|setting| values::pair(&setting.value).is_some_and(|(soft, hard)| soft > hard));
    let containers = scene.of.containers.iter().filter_map(|container| {
        let given = scene.container_nofile(container)?;
        (given.soft > given.hard).then_some(given.at)
    });
    units
        .map(|setting| refused(&setting.at, "systemd ignores the line"))
        .chain(containers.map(|at| refused(&at, "the container does not start")))
        .collect()
}

fn refused(at: &Spot, what: &str) -> Found {
    let message = format!("The soft limit is above the hard one: {what}.");
    Found::warning(Id::SoftAboveHard, at, message, Vec::new())
}
