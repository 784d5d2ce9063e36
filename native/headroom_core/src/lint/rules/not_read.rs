//! A file that was not read.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::NotRead,
    why: "A file that cannot be opened, is larger than a configuration ever is, or is a link that leaves the folder or leads in a circle, is said instead of passed over. A link that leaves an image's folder would show this machine's file for the image's.",
    source: "man path_resolution",
    bad: &[("etc/security/limits.conf", "-> ../../../../outside")],
    good: &[("etc/security/limits.conf", "app - nofile 65536\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let unread = scene.of.unread.iter().filter(|unread| unread.whole);
    unread
        .map(|unread| {
            Found::warning(
                Id::NotRead,
                &unread.at,
                format!("Not read: {}.", unread.why),
                Vec::new(),
            )
        })
        .collect()
}
