//! A key of the kernel that there is not.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::SysctlUnknown,
    why: "A key that the kernel does not have is skipped at boot with a line in the journal: fs.nr_open has an underscore, fs.file-max a hyphen.",
    source: "Linux, Documentation/admin-guide/sysctl/fs.rst; systemd, src/sysctl/sysctl.c",
    bad: &[("etc/sysctl.d/90-files.conf", "fs.file_max = 2000000\n")],
    good: &[("etc/sysctl.d/90-files.conf", "fs.file-max = 2000000\n")],
    check,
};

const KEYS: [&str; 3] = ["fs.nr_open", "fs.file-max", "fs.file-nr"];

fn check(scene: &Scene) -> Vec<Found> {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters
            .collect::<String>()
            .to_ascii_lowercase()
            .trim_end_matches('s')
            .into()
    };
    let mut found = Vec::new();
    for sysctl in &scene.of.sysctls {
        let key = sysctl.set.key.as_str();
        let meant = KEYS.iter().find(|known| letters(known) == letters(key));
        if let Some(meant) = meant.filter(|meant| **meant != key) {
            let message = format!("The kernel has no {key}; {meant} is meant, and is not set.");
            found.push(Found::warning(
                Id::SysctlUnknown,
                &sysctl.set.at,
                message,
                Vec::new(),
            ));
        }
    }
    found
}
