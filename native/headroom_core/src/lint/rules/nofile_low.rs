//! A node that will start with the soft limit of 1024.

use crate::advise::lines;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::{ContainerKind, Runs};
use headroom_facts::otp::DEFAULT_PORTS;

/// What systemd and container engines give where nothing is said.
const DEFAULT_SOFT: u64 = 1024;

pub const RULE: Rule = Rule {
    id: Id::NofileLow,
    why: "A VM never raises its soft limit of descriptors by itself, and what is raised after the start does not help sockets. systemd starts services with a soft limit of 1024 of a hard one of 524288, and so do container engines from containerd 2.1.5 and Docker 29 on, which inherit it.",
    source: "systemd, man systemd.exec, LimitNOFILE; containerd 2.1.5 took LimitNOFILE=infinity out of its unit; OTP, erts/emulator/sys/common/erl_poll.c, erts_poll_init",
    bad: &[("etc/systemd/system/my_app.service", "[Service]\nExecStart=/opt/my_app/bin/my_app start\nEnvironment=RELEASE_DISTRIBUTION=name\n")],
    good: &[("etc/systemd/system/my_app.service", "[Service]\nExecStart=/opt/my_app/bin/my_app start\nEnvironment=RELEASE_DISTRIBUTION=name\nLimitNOFILE=65536\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for unit in scene
        .of
        .units
        .iter()
        .filter(|unit| unit.runs != Runs::Other)
    {
        let fix = vec![lines::unit(DEFAULT_PORTS)];
        match scene.unit_nofile(unit) {
            Some(given) if !given.soft.is_above(DEFAULT_SOFT) => found.push(Found::warning(
                Id::NofileLow,
                &given.at,
                format!("{} starts with a soft limit of {} descriptors, and nothing in it raises that.", unit.name, given.soft.finite().unwrap_or_default()),
                fix,
            )),
            None => found.push(Found::warning(
                Id::NofileLow,
                &unit.at,
                match unit.runs {
                    Runs::Engine => format!("{} sets no LimitNOFILE: every container starts with the soft limit 1024 of systemd.", unit.name),
                    _ => format!("{} sets no LimitNOFILE: the node starts with the soft limit 1024 of systemd.", unit.name),
                },
                fix,
            )),
            Some(_) => {}
        }
    }
    for container in scene
        .of
        .containers
        .iter()
        .filter(|container| container.runs == Runs::Beam && !container.raises)
    {
        match scene.container_nofile(container) {
            Some(given) if !given.soft.is_above(DEFAULT_SOFT) => found.push(Found::warning(
                Id::NofileLow,
                &given.at,
                format!(
                    "{} gets a soft limit of {} descriptors.",
                    container.what,
                    given.soft.finite().unwrap_or_default()
                ),
                vec![lines::container(DEFAULT_PORTS)],
            )),
            None if container.nofile.is_none() && container.kind != ContainerKind::Engine => {
                let fix = match container.kind {
                    ContainerKind::Compose => lines::compose(DEFAULT_PORTS),
                    _ => lines::image(DEFAULT_PORTS),
                };
                found.push(Found::notice(
                    Id::NofileLow,
                    &container.at,
                    format!("{} takes the limit of descriptors that the container engine gives, 1024 today, and does not raise it.", container.what),
                    vec![fix],
                ));
            }
            _ => {}
        }
    }
    found
}
