//! Lines that give something back at once, on the node as it runs.

use crate::finding::Fix;
use crate::number::grouped;
use headroom_facts::vocabulary::{Limit, Name};
use headroom_facts::wanted::Wanted;
use headroom_facts::Facts;

/// What gives more of a resource without a restart, the nearest first.
pub(super) fn more_of(facts: &Facts, name: Name) -> Vec<Fix> {
    match name {
        Name::Fds => {
            let mut fixes = Vec::new();
            if facts.reserved.fds > 0 {
                fixes.push(release(facts.reserved.fds, "descriptors"));
            }
            fixes.extend(raise(facts));
            fixes
        }
        Name::Ports if facts.reserved.ports > 0 => vec![release(facts.reserved.ports, "ports")],
        _ => Vec::new(),
    }
}

fn release(count: u64, what: &str) -> Fix {
    Fix::now(
        "headroom:release().",
        format!(
            "gives back {} {what}; open your shell first",
            grouped(count)
        ),
    )
}

/// From the prompt, and for a node that lets nobody in any more.
fn raise(facts: &Facts) -> Vec<Fix> {
    let nofile = &facts.nofile;
    let Some(max_fds) = nofile.max_fds.finite() else {
        return Vec::new();
    };
    let ceiling = max_fds.saturating_sub(facts.reserved.fds);
    let ceiling = nofile
        .hard
        .finite()
        .map_or(ceiling, |hard| hard.min(ceiling));
    match nofile.soft {
        Limit::Finite(soft) if soft < ceiling => vec![
            Fix::now(
                "headroom:raise_nofile(max).",
                format!("raises the soft limit from {}", grouped(soft)),
            ),
            prlimit(facts, ceiling, "the same from outside"),
        ],
        _ => Vec::new(),
    }
}

/// Brings a soft limit that was raised after boot back to what the VM can watch.
pub(crate) fn back_to_max_fds(facts: &Facts) -> Vec<Fix> {
    let Some(max_fds) = facts.nofile.max_fds.finite() else {
        return Vec::new();
    };
    vec![
        Fix::now("headroom:clamp_nofile().", "no new descriptor will be deaf"),
        prlimit(facts, max_fds, "the same from outside"),
    ]
}

/// What can be done at once when the soft limit itself cannot be raised.
pub(super) fn before_restart(facts: &Facts, wanted: Wanted) -> Vec<Fix> {
    let above = match facts.nofile.max_fds.finite() {
        Some(max_fds) => facts.nofile.soft.is_above(max_fds),
        None => false,
    };
    let mut fixes = Vec::new();
    if above {
        fixes.extend(back_to_max_fds(facts).into_iter().take(1));
    }
    if wanted == Wanted::Max && facts.reserved.fds > 0 {
        fixes.push(release(facts.reserved.fds, "descriptors"));
    }
    fixes
}

fn prlimit(facts: &Facts, soft: u64, note: &str) -> Fix {
    let hard = match facts.nofile.hard {
        Limit::Finite(hard) => hard.to_string(),
        Limit::Infinity => "unlimited".into(),
        Limit::Unknown => String::new(),
    };
    Fix::now(
        format!("prlimit --pid {} --nofile={soft}:{hard}", facts.os_pid),
        note,
    )
}
