//! A line that cannot be read as what it should be.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::NotUnderstood,
    why: "What is not understood is not judged, and that has to be known: systemd, Docker or the shell may read it otherwise, or not at all.",
    source: "the grammar of each format: man systemd.syntax, YAML 1.2, the Dockerfile reference, POSIX Shell Command Language",
    bad: &[("compose.yaml", "services:\n  web: [unclosed\n")],
    good: &[("compose.yaml", "services:\n  web: {image: postgres}\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let unread = scene.of.unread.iter().filter(|unread| !unread.whole);
    unread
        .map(|unread| {
            Found::warning(
                Id::NotUnderstood,
                &unread.at,
                format!("Not understood: {}.", unread.why),
                Vec::new(),
            )
        })
        .collect()
}
