//! Lines that bring a limit to a stated number.

use super::advice::{at_boot, file_max, flag, ports};
use crate::finding::Fix;
use headroom_facts::otp::{LARGEST_TABLE, LEAST_TABLE};
use headroom_facts::vocabulary::Name;
use headroom_facts::Facts;

/// The smallest size of the atom table and of the table of ETS names.
const LEAST_HASH: u64 = 8192;

/// Lines that make the limit of a resource at least `wanted`; none if no VM can have that many.
pub(crate) fn at_least(facts: &Facts, name: Name, wanted: u64) -> Vec<Fix> {
    match name {
        Name::Fds => fds_at_least(facts, wanted),
        Name::Ports | Name::Processes if wanted > LARGEST_TABLE => Vec::new(),
        Name::Ports => vec![ports(facts, wanted.max(LEAST_TABLE))],
        Name::Processes => vec![flag("+P", wanted.max(LEAST_TABLE))],
        Name::EtsTables => vec![ets_tables(facts, wanted)],
        Name::Atoms => vec![flag("+t", wanted)],
        Name::KernelFiles => vec![file_max(wanted)],
    }
}

/// Lines that make the limit of a resource at most `wanted`; none if no VM can have so few.
pub(crate) fn at_most(facts: &Facts, name: Name, wanted: u64) -> Vec<Fix> {
    // Both tables are rounded up to a power of two.
    let table = (wanted >= LEAST_TABLE).then(|| 1 << wanted.ilog2());
    match name {
        Name::Fds => at_boot(facts, wanted, Some(wanted)),
        Name::Ports => table.map(|size| ports(facts, size)).into_iter().collect(),
        Name::Processes => table.map(|size| flag("+P", size)).into_iter().collect(),
        Name::EtsTables | Name::Atoms if wanted < LEAST_HASH => Vec::new(),
        Name::EtsTables => vec![ets_tables(facts, wanted)],
        Name::Atoms => vec![flag("+t", wanted)],
        Name::KernelFiles => vec![file_max(wanted)],
    }
}

/// At once where the soft limit can still go there, otherwise from the next start on.
fn fds_at_least(facts: &Facts, wanted: u64) -> Vec<Fix> {
    let nofile = &facts.nofile;
    let within_hard = !nofile.hard.is_below(wanted);
    let watched = nofile.max_fds.finite().unwrap_or(0);
    let mut fixes = Vec::new();
    if within_hard && wanted <= watched && nofile.soft.is_below(wanted) {
        fixes.push(if wanted + facts.reserved.fds <= watched {
            let line = format!("headroom:raise_nofile({wanted}).");
            Fix::now(line, "raises the soft limit")
        } else {
            Fix::now("headroom:release().", "gives back what is reserved")
        });
    }
    fixes.extend(at_boot(facts, wanted, within_hard.then_some(wanted)));
    fixes
}

fn ets_tables(facts: &Facts, wanted: u64) -> Fix {
    let by_variable = facts.boot.erl_max_ets_tables.is_some() && facts.boot.flag("+e").is_none();
    if by_variable {
        let line = format!("ERL_MAX_ETS_TABLES={wanted}");
        Fix::permanent(line, "in the environment, then restart")
    } else {
        flag("+e", wanted)
    }
}
