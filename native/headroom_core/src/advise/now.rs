//! Lines that give something back at once, on the node as it runs.

use super::lines;
use crate::finding::Fix;
use headroom_facts::vocabulary::{Limit, Name};
use headroom_facts::wanted::Wanted;
use headroom_facts::Facts;

/// What gives more of a resource without a restart, the nearest first.
pub fn more_of(facts: &Facts, name: Name) -> Vec<Fix> {
    match name {
        Name::Fds => {
            let mut fixes = Vec::new();
            if facts.reserved.fds > 0 {
                fixes.push(lines::release(facts.reserved.fds, "descriptors"));
            }
            fixes.extend(raise(facts));
            fixes
        }
        Name::Ports if facts.reserved.ports > 0 => {
            vec![lines::release(facts.reserved.ports, "ports")]
        }
        _ => Vec::new(),
    }
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
        Limit::Finite(soft) if soft < ceiling => {
            vec![lines::raise_max(soft), lines::prlimit(facts, ceiling)]
        }
        _ => Vec::new(),
    }
}

/// Brings a soft limit that was raised after boot back to what the VM can watch.
pub fn back_to_max_fds(facts: &Facts) -> Vec<Fix> {
    let Some(max_fds) = facts.nofile.max_fds.finite() else {
        return Vec::new();
    };
    vec![lines::clamp(), lines::prlimit(facts, max_fds)]
}

/// What can be done at once when the soft limit itself cannot be raised.
pub fn before_restart(facts: &Facts, wanted: Wanted) -> Vec<Fix> {
    let above = match facts.nofile.max_fds.finite() {
        Some(max_fds) => facts.nofile.soft.is_above(max_fds),
        None => false,
    };
    let mut fixes = Vec::new();
    if above {
        fixes.extend(back_to_max_fds(facts).into_iter().take(1));
    }
    if wanted == Wanted::Max && facts.reserved.fds > 0 {
        fixes.push(lines::release(facts.reserved.fds, "descriptors"));
    }
    fixes
}
