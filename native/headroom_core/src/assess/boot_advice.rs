//! What to write where before the next start, for all limits at once: one list, in the words of the single advices.

use serde::Serialize;

use super::advice::{self, USUAL};
use crate::measure::{level, Resources};
use headroom_facts::boot::PortLimitSource;
use headroom_facts::otp::LARGEST_TABLE;
use headroom_facts::vocabulary::{Known, Level, Name};
use headroom_facts::Facts;

/// A line for the next start, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtBoot {
    /// What it is for.
    pub sets: Name,
    /// The line.
    pub line: String,
    /// The file or command that it belongs to.
    #[serde(rename = "where")]
    pub place: String,
}

impl AtBoot {
    fn new(sets: Name, line: impl Into<String>, place: impl Into<String>) -> AtBoot {
        AtBoot {
            sets,
            line: line.into(),
            place: place.into(),
        }
    }
}

/// What to write where, so that the next start has enough: of what runs out now, of descriptors at least a usual number,
/// and tables that do not end before them. Nothing when the node has that already.
pub fn at_boot(facts: &Facts) -> Vec<AtBoot> {
    let fds = advice::next_nofile(facts).max(USUAL);
    let mut lines = Vec::new();
    if !facts.nofile.max_fds.is_above(fds - 1) {
        lines.extend(advice::nofile_of(facts, fds).into_iter().map(|fix| {
            let place = fix.note.trim_end_matches(", then restart");
            AtBoot::new(Name::Fds, fix.line, place)
        }));
    }
    // A limit that nobody asked for is no measure of a table.
    let fds = if level::is_huge(facts) { USUAL } else { fds };
    lines.extend(ports_at_boot(facts, fds));
    let processes = facts.beam.processes.1;
    if runs_out(facts, Name::Processes) {
        lines.push(vm_args(Name::Processes, "+P", advice::twice(processes)));
    } else if processes.is_below(fds) {
        lines.push(vm_args(Name::Processes, "+P", table_for(fds)));
    }
    if runs_out(facts, Name::Atoms) {
        let wanted = advice::twice(facts.beam.atoms.1);
        lines.push(vm_args(Name::Atoms, "+t", wanted));
    }
    let applies = facts.nofile.exempt_from_file_max != Known::Is(true);
    let file_max = facts.nofile.file_max;
    if applies && (runs_out(facts, Name::KernelFiles) || file_max.is_below(fds)) {
        let wanted = file_max
            .finite()
            .map_or(fds, advice::doubled)
            .max(advice::doubled(fds));
        let line = format!("fs.file-max = {wanted}");
        lines.push(AtBoot::new(Name::KernelFiles, line, SYSCTL));
    }
    lines
}

const SYSCTL: &str = "in /etc/sysctl.d/ on the host";

fn vm_args(sets: Name, flag: &str, wanted: u64) -> AtBoot {
    let line = format!("{flag} {wanted}");
    AtBoot::new(sets, line, "in vm.args, or in ERL_FLAGS")
}

/// The smallest table that does not end before the descriptors.
fn table_for(fds: u64) -> u64 {
    fds.checked_next_power_of_two()
        .map_or(LARGEST_TABLE, |table| table.min(LARGEST_TABLE))
}

/// Left alone, the table is sized to nofile: it needs a line only where somebody set it, or where that made it huge.
fn ports_at_boot(facts: &Facts, fds: u64) -> Option<AtBoot> {
    let source = facts.boot.port_limit_source;
    let by_itself = matches!(source, PortLimitSource::Default | PortLimitSource::Nofile);
    let wanted = if runs_out(facts, Name::Ports) {
        advice::wanted_ports(facts)
    } else if level::is_huge(facts) {
        USUAL
    } else if facts.beam.ports.1.is_below(fds) && !by_itself {
        table_for(fds)
    } else {
        return None;
    };
    if source == PortLimitSource::Env {
        let line = format!("ERL_MAX_PORTS={wanted}");
        return Some(AtBoot::new(
            Name::Ports,
            line,
            "in the environment of the node",
        ));
    }
    Some(vm_args(Name::Ports, "+Q", wanted))
}

fn runs_out(facts: &Facts, name: Name) -> bool {
    level::level(Resources::new(facts).of(name), &facts.thresholds) > Level::Ok
}
