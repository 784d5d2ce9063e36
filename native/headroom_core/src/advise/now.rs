//! Lines that give something back at once, on the node as it runs.

use super::lines;
use crate::finding::Fix;
use crate::measure::{BoundBy, Resource};
use crate::number;
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

/// What is left to do at this moment where a limit cannot go up: who gives something back, and what cannot be had.
pub fn besides(facts: &Facts, resource: &Resource) -> Vec<Fix> {
    match resource.name {
        Name::Fds if resource.bound_by == BoundBy::NrOpen => {
            let wanted = facts.nofile.soft.finite().unwrap_or(1 << 20);
            let mut fixes: Vec<Fix> = lines::nr_open_now(wanted).into_iter().collect();
            fixes.push(lines::relief());
            fixes
        }
        Name::Fds => vec![lines::relief(), Fix::said(no_more_fds(facts))],
        Name::Ports => vec![
            lines::relief(),
            Fix::said(format!(
                "nothing can be raised: the port table holds {} until the next start",
                number::limit(resource.limit)
            )),
        ],
        Name::Processes => vec![Fix::said(format!(
            "nothing can be raised: the process table holds {} until the next start; end what spawns them",
            number::limit(resource.limit)
        ))],
        Name::Atoms => vec![Fix::said(
            "no atom is ever freed: restart the node at a time of your own, before it ends by itself",
        )],
        // What the host can raise has its line already.
        Name::KernelFiles | Name::EtsTables => Vec::new(),
    }
}

/// Why the soft limit of descriptors is the most that there is now.
fn no_more_fds(facts: &Facts) -> String {
    let nofile = &facts.nofile;
    let (hard, max_fds) = (number::limit(nofile.hard), number::limit(nofile.max_fds));
    let reserved = match facts.reserved.fds {
        0 => ", and nothing is reserved",
        _ => "",
    };
    match (raise(facts).is_empty(), nofile.max_fds) {
        (false, _) => {
            format!("nothing can be raised above max_fds {max_fds} until the next start")
        }
        (true, Limit::Unknown) => "what can be raised is not known: max_fds is not".into(),
        (true, _) => {
            format!("nothing can be raised: the hard limit is {hard}, max_fds {max_fds}{reserved}")
        }
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
