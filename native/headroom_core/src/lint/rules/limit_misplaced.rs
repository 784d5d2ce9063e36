//! `LimitNOFILE` where systemd does not look for it.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::LimitMisplaced,
    why: "systemd takes LimitNOFILE in the section [Service] alone, written just so. In another section, before any section, or in other letters the line is ignored with a warning in the journal.",
    source: "systemd, man systemd.exec and systemd.syntax; src/core/load-fragment-gperf.gperf.in",
    bad: &[("etc/systemd/system/my_app.service.d/limits.conf", "[Unit]\nLimitNOFILE=65536\n")],
    good: &[("etc/systemd/system/my_app.service.d/limits.conf", "[Service]\nLimitNOFILE=65536\n")],
    check,
};

/// Sections in which a limit of processes stands.
const SECTIONS: [&str; 5] = ["Service", "Socket", "Mount", "Swap", "Scope"];

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for (section, setting) in scene.of.units.iter().flat_map(|unit| &unit.settings) {
        let means_it = is_meant(&setting.key);
        let written = setting.key == "LimitNOFILE";
        if !means_it || (written && SECTIONS.contains(&section.as_str())) {
            continue;
        }
        let why = match (written, section.as_str()) {
            (false, _) => "the key is LimitNOFILE, and its letters count".to_string(),
            (true, "") => "it stands before the first section; it belongs into [Service]".into(),
            (true, section) => format!("it stands in [{section}] and belongs into [Service]"),
        };
        found.push(Found::warning(
            Id::LimitMisplaced,
            &setting.at,
            format!("systemd ignores {}: {why}.", setting.key),
            Vec::new(),
        ));
    }
    found
}

fn is_meant(key: &str) -> bool {
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    matches!(
        letters.to_ascii_lowercase().as_str(),
        "limitnofile" | "limitnofiles" | "limitnofd" | "limitopenfiles" | "nofile" | "limitfd"
    )
}
