//! limits.conf for a user whose processes systemd starts.

use crate::advise::lines;
use crate::lint::values;
use crate::lint::{Found, Id, Rule, Scene};
use headroom_facts::otp::DEFAULT_PORTS;

pub const RULE: Rule = Rule {
    id: Id::LimitsConfIgnored,
    why: "limits.conf is read by pam_limits at a login. A service of systemd is no login: it has the limits of its unit, whatever limits.conf says of its user.",
    source: "systemd, man systemd.exec, PAMName; Linux-PAM, man pam_limits",
    bad: &[
        ("etc/security/limits.conf", "ejabberd - nofile 200000\n"),
        ("etc/systemd/system/ejabberd.service", "[Service]\nUser=ejabberd\nExecStart=/usr/sbin/ejabberdctl foreground\nLimitNOFILE=65536\n"),
    ],
    good: &[
        ("etc/systemd/system/ejabberd.service", "[Service]\nUser=ejabberd\nExecStart=/usr/sbin/ejabberdctl foreground\nLimitNOFILE=200000\n"),
    ],
    check,
};

fn check(scene: &Scene) -> Vec<Found> {
    let mut found = Vec::new();
    for line in &scene.of.limits {
        let [domain, _, item, value] = line.fields.as_slice() else {
            continue;
        };
        if item != "nofile" {
            continue;
        }
        let wanted = values::number(value);
        let unit = scene.nodes().find(|unit| {
            let user = unit
                .service("User")
                .last()
                .map_or("root", |setting| setting.value.as_str());
            let pam = unit.service("PAMName").last().is_some();
            let less = match (scene.unit_nofile(unit), wanted) {
                (Some(given), Some(wanted)) => !given.soft.is_above(wanted.saturating_sub(1)),
                _ => true,
            };
            !pam && less && (domain == user || domain == "*")
        });
        if let Some(unit) = unit {
            found.push(Found::warning(
                Id::LimitsConfIgnored,
                &line.at,
                format!("{} is started by systemd, which does not read this file: the line has no effect on it.", unit.name),
                vec![lines::unit(wanted.unwrap_or(DEFAULT_PORTS))],
            ));
        }
    }
    found
}
