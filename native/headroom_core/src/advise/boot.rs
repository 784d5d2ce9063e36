//! Lines that change a limit, exact for how this node was started.

use super::{lines, now};
use crate::finding::Fix;
use crate::measure::{level, resource, Resource, Resources};
use headroom_facts::boot::StartedBy;
use headroom_facts::otp::{DEFAULT_PORTS, LARGEST_TABLE};
use headroom_facts::vocabulary::{Level, Limit, Name};
use headroom_facts::wanted::Wanted;
use headroom_facts::Facts;

/// A size that serves most nodes, and the least that is ever proposed.
pub const USUAL: u64 = DEFAULT_PORTS;

/// How to get more of a resource, whatever is left of it: what works at once, then what needs a restart.
pub fn more(facts: &Facts, name: Name) -> Vec<Fix> {
    let mut fixes = now::more_of(facts, name);
    fixes.extend(more_at_boot(facts, Resources::new(facts).of(name)));
    fixes
}

/// The same for one that runs out, with what else can be done at this moment, which is never nothing.
pub fn more_of(facts: &Facts, resource: &Resource) -> Vec<Fix> {
    let mut fixes = now::more_of(facts, resource.name);
    fixes.extend(now::besides(facts, resource));
    fixes.extend(more_at_boot(facts, resource));
    fixes
}

fn more_at_boot(facts: &Facts, resource: &Resource) -> Vec<Fix> {
    match resource.name {
        Name::Fds => nofile_at_boot(facts),
        Name::Ports => more_ports(facts),
        Name::Processes => vec![lines::flag("+P", twice(facts.beam.processes.1))],
        Name::Atoms => vec![lines::flag("+t", twice(facts.beam.atoms.1))],
        Name::EtsTables => Vec::new(),
        Name::KernelFiles => {
            let wanted = resource
                .limit
                .finite()
                .map_or(1 << 20, |limit| limit.saturating_mul(2));
            vec![lines::file_max_now(wanted)]
        }
    }
}

/// Twice of a table's size, within what a VM accepts.
pub fn twice(limit: Limit) -> u64 {
    limit.finite().map_or(USUAL, doubled).min(LARGEST_TABLE)
}

/// Twice of a number, as a power of two.
pub fn doubled(limit: u64) -> u64 {
    limit
        .saturating_mul(2)
        .checked_next_power_of_two()
        .unwrap_or(limit)
}

/// The descriptors that the next start should have: twice of now.
fn wanted_fds(facts: &Facts) -> u64 {
    let now = facts.nofile.max_fds.finite().or(facts.nofile.soft.finite());
    now.map_or(USUAL, doubled).clamp(USUAL, 1 << 30)
}

/// Lines that give the next start more descriptors.
pub fn nofile_at_boot(facts: &Facts) -> Vec<Fix> {
    nofile_of(facts, wanted_fds(facts))
}

/// Lines that give the next start this many descriptors, or as many of them as it can have.
pub fn nofile_of(facts: &Facts, wanted: u64) -> Vec<Fix> {
    let within_hard = match facts.nofile.hard {
        Limit::Finite(hard) => wanted.min(hard),
        Limit::Infinity | Limit::Unknown => wanted,
    };
    let max_fds = facts.nofile.max_fds.finite();
    let helps = max_fds.is_none_or(|max_fds| within_hard > max_fds);
    at_boot(facts, wanted, helps.then_some(within_hard))
}

/// Lines that give the next start this many descriptors, and the soft limit to set where a shell starts it.
pub fn at_boot(facts: &Facts, wanted: u64, shell: Option<u64>) -> Vec<Fix> {
    let mut fixes = Vec::new();
    if facts.nofile.nr_open.is_below(wanted) {
        fixes.extend(lines::nr_open_kept(wanted));
    }
    match (facts.boot.started_by, shell) {
        (StartedBy::Systemd, _) => fixes.push(lines::unit(wanted)),
        // Not by a command of ours: nobody knows whether it is in the image.
        (StartedBy::Container, soft) => {
            fixes.extend(one_of(soft.map(lines::shell), lines::container(wanted)));
        }
        // A pod has no field for it: the limit is that of the node's container engine.
        (StartedBy::Kubernetes, Some(soft)) => fixes.push(lines::shell(soft)),
        (StartedBy::Kubernetes, None) => fixes.push(lines::engine(wanted)),
        (StartedBy::Unknown, soft) => {
            fixes.extend(one_of(soft.map(lines::shell), lines::unit(wanted)));
        }
    }
    fixes
}

/// Two ways to one end: whoever reads both does one of them.
fn one_of(first: Option<Fix>, other: Fix) -> Vec<Fix> {
    let Some(first) = first else {
        return vec![other];
    };
    let note = format!("or instead {}", other.note);
    vec![first, Fix { note, ..other }]
}

/// What helps when the soft limit cannot be raised on the node as it runs.
pub fn instead_of_raising(facts: &Facts, wanted: Wanted) -> Vec<Fix> {
    let mut fixes = now::before_restart(facts, wanted);
    fixes.extend(match wanted {
        Wanted::Max => nofile_at_boot(facts),
        Wanted::Soft(wanted) => nofile_of(facts, wanted),
    });
    fixes
}

/// The descriptors that the next start will have: more, if they are about to run out.
pub fn next_nofile(facts: &Facts) -> u64 {
    let fds = resource::of_fds(facts);
    if level::level(&fds, &facts.thresholds) > Level::Ok {
        return wanted_fds(facts);
    }
    let now = facts.nofile.max_fds.finite().or(facts.nofile.soft.finite());
    now.unwrap_or(USUAL)
}

/// Lines that give the next start a larger port table: never below the descriptors that it will have.
pub fn more_ports(facts: &Facts) -> Vec<Fix> {
    vec![lines::ports(facts, wanted_ports(facts))]
}

/// The size of the next port table.
pub fn wanted_ports(facts: &Facts) -> u64 {
    let table = facts.beam.ports.1.finite().unwrap_or(0);
    let nofile = next_nofile(facts);
    doubled(table)
        .max(nofile.checked_next_power_of_two().unwrap_or(LARGEST_TABLE))
        .clamp(USUAL, LARGEST_TABLE)
}
