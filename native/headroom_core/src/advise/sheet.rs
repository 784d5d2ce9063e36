//! What to write where before the next start, for all limits at once: one list, in the words of the single advices.

use serde::Serialize;

use super::boot::{self, USUAL};
use super::lines;
use crate::finding::{Fix, Id, Place};
use crate::measure::{level, Resources};
use headroom_facts::boot::PortLimitSource;
use headroom_facts::otp::LARGEST_TABLE;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// What the next start would meet and the node as it runs does not: no finding of a report.
pub const IDS: [Id; 1] = [Id::ProcessesBelowNofile];

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
    /// The finding that it answers: of the report, and of `headroom lint`.
    pub id: Id,
}

impl AtBoot {
    fn new(sets: Name, id: Id, fix: Fix) -> AtBoot {
        AtBoot {
            sets,
            line: fix.line,
            place: fix
                .place
                .map_or(fix.note, |place: Place| place.words().into()),
            id,
        }
    }
}

/// What to write where, so that the next start has enough: of what runs out now, of descriptors at least a usual number,
/// and tables that do not end before them. Nothing when the node has that already.
pub fn at_boot(facts: &Facts) -> Vec<AtBoot> {
    let fds = boot::next_nofile(facts).max(USUAL);
    let mut lines = Vec::new();
    if !facts.nofile.max_fds.is_above(fds - 1) {
        let id = running_out(facts, Name::Fds).unwrap_or(Id::NofileLow);
        let fixes = boot::nofile_of(facts, fds).into_iter();
        lines.extend(fixes.map(|fix| AtBoot::new(Name::Fds, id, fix)));
    }
    // A limit that nobody asked for is no measure of a table.
    let fds = if level::is_huge(facts) { USUAL } else { fds };
    lines.extend(ports_at_boot(facts, fds));
    let processes = facts.beam.processes.1;
    if let Some(id) = running_out(facts, Name::Processes) {
        let fix = lines::flag("+P", boot::twice(processes));
        lines.push(AtBoot::new(Name::Processes, id, fix));
    } else if processes.is_below(fds) {
        let fix = lines::flag("+P", table_for(fds));
        lines.push(AtBoot::new(Name::Processes, Id::ProcessesBelowNofile, fix));
    }
    if let Some(id) = running_out(facts, Name::Atoms) {
        let fix = lines::flag("+t", boot::twice(facts.beam.atoms.1));
        lines.push(AtBoot::new(Name::Atoms, id, fix));
    }
    let applies = facts.nofile.exempt_from_file_max != Known::Is(true);
    let file_max = facts.nofile.file_max;
    let running_out = running_out(facts, Name::KernelFiles);
    if applies && (running_out.is_some() || file_max.is_below(fds)) {
        let wanted = file_max
            .finite()
            .map_or(fds, boot::doubled)
            .max(boot::doubled(fds));
        let id = running_out.unwrap_or(Id::FileMaxBelowNofile);
        lines.push(AtBoot::new(
            Name::KernelFiles,
            id,
            lines::file_max_kept(wanted),
        ));
    }
    lines
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
    let (id, wanted) = if let Some(id) = running_out(facts, Name::Ports) {
        (id, boot::wanted_ports(facts))
    } else if level::is_huge(facts) {
        (Id::NofileHuge, USUAL)
    } else if facts.beam.ports.1.is_below(fds) && !by_itself {
        (Id::PortsBelowNofile, table_for(fds))
    } else {
        return None;
    };
    Some(AtBoot::new(Name::Ports, id, lines::ports(facts, wanted)))
}

/// The finding of a resource that runs out.
fn running_out(facts: &Facts, name: Name) -> Option<Id> {
    let resources = Resources::new(facts);
    let resource = resources.of(name);
    let full = resource.free == Limit::Finite(0);
    (level::level(resource, &facts.thresholds) > Level::Ok)
        .then(|| Id::of_exhaustion(name, full))
        .flatten()
}
