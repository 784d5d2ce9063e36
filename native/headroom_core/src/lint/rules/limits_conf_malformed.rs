//! A line of limits.conf that never matches, or that ends all.

use crate::lint::{Found, Id, Rule, Scene};

pub const RULE: Rule = Rule {
    id: Id::LimitsConfMalformed,
    why: "A line has four fields: domain, type, item, value. With three it is skipped. `name -` alone ends the reading for that user: nothing is set. A user is a name; a number alone is taken for a name, too, and matches nobody (ranges of numbers have a colon).",
    source: "Linux-PAM, modules/pam_limits/pam_limits.c, parse_config_file, process_limit; man limits.conf",
    bad: &[("etc/security/limits.d/app.conf", "app nofile 65536\n")],
    good: &[("etc/security/limits.d/app.conf", "app - nofile 65536\n")],
    check,
};

const ITEMS: [&str; 19] = [
    "core",
    "data",
    "fsize",
    "memlock",
    "nofile",
    "rss",
    "stack",
    "cpu",
    "nproc",
    "as",
    "maxlogins",
    "maxsyslogins",
    "nonewprivs",
    "priority",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
];

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for line in &scene.of.limits {
        let why = match line.fields.as_slice() {
            [domain, kind] if kind == "-" => {
                format!("{domain} gets no limit from any line: this one ends the reading for it")
            }
            [domain, kind, item, _] => {
                let item = item.as_str();
                if !matches!(kind.as_str(), "soft" | "hard" | "-") {
                    format!("{kind} is no type: there are soft, hard and -")
                } else if item != "chroot" && !ITEMS.contains(&item) {
                    format!("{item} is no item; the limit of descriptors is nofile")
                } else if domain.bytes().all(|byte| byte.is_ascii_digit()) {
                    format!("{domain} is taken for a name and matches nobody; the user of that number is :{domain}")
                } else {
                    continue;
                }
            }
            fields => format!(
                "a line has four fields, this one {}: it is skipped",
                fields.len()
            ),
        };
        found.push(Found::warning(
            Id::LimitsConfMalformed,
            &line.at,
            format!("{why}."),
            Vec::new(),
        ));
    }
    found
}
