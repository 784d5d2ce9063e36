//! Lines that bring a limit to a stated number.

use super::boot::at_boot;
use super::lines::{self, ets_tables, flag, ports};
use crate::finding::Fix;
use headroom_facts::otp::{LARGEST_TABLE, LEAST_TABLE};
use headroom_facts::vocabulary::Name;
use headroom_facts::Facts;

/// The smallest size of the atom table and of the table of ETS names.
const LEAST_HASH: u64 = 8192;

/// Lines that make the limit of a resource at least `wanted`; none if no VM can have that many.
pub fn at_least(facts: &Facts, name: Name, wanted: u64) -> Vec<Fix> {
    match name {
        Name::Fds => fds_at_least(facts, wanted),
        Name::Ports | Name::Processes if wanted > LARGEST_TABLE => Vec::new(),
        Name::Ports => vec![ports(facts, wanted.max(LEAST_TABLE))],
        Name::Processes => vec![flag("+P", wanted.max(LEAST_TABLE))],
        Name::EtsTables => vec![ets_tables(facts, wanted)],
        Name::Atoms => vec![flag("+t", wanted)],
        Name::KernelFiles => vec![lines::file_max_now(wanted)],
    }
}

/// Lines that make the limit of a resource at most `wanted`; none if no VM can have so few.
pub fn at_most(facts: &Facts, name: Name, wanted: u64) -> Vec<Fix> {
    // Both tables are rounded up to a power of two.
    let table = (wanted >= LEAST_TABLE).then(|| 1 << wanted.ilog2());
    match name {
        Name::Fds => at_boot(facts, wanted, Some(wanted)),
        Name::Ports => table.map(|size| ports(facts, size)).into_iter().collect(),
        Name::Processes => table.map(|size| flag("+P", size)).into_iter().collect(),
        Name::EtsTables | Name::Atoms if wanted < LEAST_HASH => Vec::new(),
        Name::EtsTables => vec![ets_tables(facts, wanted)],
        Name::Atoms => vec![flag("+t", wanted)],
        Name::KernelFiles => vec![lines::file_max_now(wanted)],
    }
}

/// At once where the soft limit can still go there, otherwise from the next start on.
fn fds_at_least(facts: &Facts, wanted: u64) -> Vec<Fix> {
    let nofile = &facts.nofile;
    let within_hard = !nofile.hard.is_below(wanted);
    let watched = nofile.max_fds.finite().unwrap_or(0);
    let mut fixes = Vec::new();
    if within_hard && wanted <= watched && nofile.soft.is_below(wanted) {
        fixes.push(if wanted.saturating_add(facts.reserved.fds) <= watched {
            lines::raise_to(wanted)
        } else {
            lines::release_reserve()
        });
    }
    fixes.extend(at_boot(facts, wanted, within_hard.then_some(wanted)));
    fixes
}
