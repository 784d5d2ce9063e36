//! A limit with a suffix, a comma or a word.

use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::LimitNotANumber,
    why: "A limit is a plain number. systemd ignores a line with anything else. pam_limits reads as far as there are digits: `64k` is 64, `1,048,576` is 1, and with that few descriptors nobody can log in.",
    source: "systemd, src/basic/rlimit-util.c, rlimit_parse_u64; Linux-PAM, modules/pam_limits/pam_limits.c, process_limit (strtoull)",
    bad: &[("etc/security/limits.d/app.conf", "app - nofile 64k\n")],
    good: &[("etc/security/limits.d/app.conf", "app - nofile 65536\n")],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for unit in &scene.of.units {
        for setting in unit.service("LimitNOFILE") {
            // An empty value takes earlier lines back.
            if !setting.value.is_empty() && values::pair(&setting.value).is_none() {
                found.push(Found::warning(
                    Id::LimitNotANumber,
                    &setting.at,
                    format!(
                        "LimitNOFILE={} is no number: systemd ignores the line.",
                        setting.value
                    ),
                    Vec::new(),
                ));
            }
        }
    }
    for line in &scene.of.limits {
        let [_, _, item, value] = line.fields.as_slice() else {
            continue;
        };
        let word = matches!(value.as_str(), "-1" | "-" | "unlimited" | "infinity");
        if item != "nofile" || word || value.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        let read = if digits.is_empty() { "0" } else { &digits };
        found.push(Found::warning(
            Id::LimitNotANumber,
            &line.at,
            format!("{value} is read as {read}: only a plain number is a limit."),
            Vec::new(),
        ));
    }
    found
}
