//! A container that wants to set what the whole machine shares.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::SysctlNotNamespaced,
    why: "fs.nr_open, fs.file-max and the other numbers of fs belong to the whole machine. A container engine refuses to start a container that asks for them; Kubernetes does not admit the pod (SysctlForbidden).",
    source: "Docker, man docker-run, --sysctl; Kubernetes, Using sysctls in a cluster",
    bad: &[("compose.yaml", "services:\n  web:\n    image: rabbitmq:4\n    ulimits:\n      nofile: 65536\n    sysctls:\n      fs.nr_open: 2000000\n")],
    good: &[("compose.yaml", "services:\n  web:\n    image: rabbitmq:4\n    ulimits:\n      nofile: 65536\n    sysctls:\n      net.core.somaxconn: 4096\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let asked = scene
        .of
        .containers
        .iter()
        .flat_map(|container| container.sysctls.iter().map(move |set| (container, set)));
    let global =
        asked.filter(|(_, set)| set.key.starts_with("fs.") && !set.key.starts_with("fs.mqueue."));
    global
        .map(|(container, set)| {
            let message = format!(
                "{} is of the whole machine: {} is not started with it. Set it on the host.",
                set.key, container.what
            );
            Found::warning(Id::SysctlNotNamespaced, &set.at, message, Vec::new())
        })
        .collect()
}
