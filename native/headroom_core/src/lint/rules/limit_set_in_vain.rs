//! A limit that is set while the image is built, or in a field that does not exist.

use crate::lint::scene::shown;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::configured::ContainerKind;

pub const RULE: Rule = Rule {
    id: Id::LimitSetInVain,
    why: "ulimit and sysctl in a RUN hold for that step of the build; limits.conf in an image is read by nobody, for nothing logs in there. A pod has no field for the limit of descriptors: it is that of the container engine on the node. /etc/default/rabbitmq-server is read by the init script alone.",
    source: "Docker, Dockerfile reference, RUN; Kubernetes, API reference, Container v1 core; Linux-PAM, man pam_limits",
    bad: &[("Dockerfile", "FROM elixir:1.18\nRUN ulimit -n 65536\nENTRYPOINT [\"headroom\", \"exec\", \"--nofile\", \"65536\", \"--\"]\nCMD [\"mix\", \"run\"]\n")],
    good: &[("Dockerfile", "FROM elixir:1.18\nENTRYPOINT [\"headroom\", \"exec\", \"--nofile\", \"65536\", \"--\"]\nCMD [\"mix\", \"run\"]\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let set = scene
        .of
        .containers
        .iter()
        .flat_map(|container| container.in_vain.iter().map(move |set| (container, set)));
    set.map(|(container, set)| {
        let message = match container.kind {
            ContainerKind::Pod => format!(
                "A pod has no field {}: the limit is that of the container engine on the node.",
                set.key
            ),
            _ if set.key == "RUN" => format!(
                "RUN {} has no effect on the container that is started from the image.",
                set.value
            ),
            _ => format!("{} has no effect here.", shown(set)),
        };
        Found::warning(Id::LimitSetInVain, &set.at, message, Vec::new())
    })
    .collect()
}
