//! What the facts mean: how close each resource is to its limit, which is closest, and what is worth saying about it.

mod exhaustion;
pub mod harden;
pub mod hazards;
mod misfits;

use serde::Serialize;

use headroom_facts::reading::Gauge;
use headroom_facts::thresholds::Thresholds;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

use crate::finding::Finding;
use crate::measure::{capacity, level, resource, Binding, Capacity, Resources};

/// The judgement of a snapshot's facts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// The worst of the findings that are more than a notice.
    pub level: Level,
    /// The resource that is closest to its limit.
    pub binding: Binding,
    /// All six, in listed order.
    pub resources: Resources,
    /// How many more can be opened.
    pub capacity: Capacity,
    /// The worst first.
    pub findings: Vec<Finding>,
}

impl Judgement {
    /// The findings that are more than a notice.
    pub fn alarms(&self) -> &[Finding] {
        let end = self
            .findings
            .partition_point(|finding| finding.level > Level::Notice);
        &self.findings[..end]
    }
}

/// Judges facts.
pub fn judge(facts: &Facts) -> Judgement {
    let resources = Resources::new(facts);
    let mut findings = exhaustion::findings(facts, &resources);
    findings.extend(misfits::findings(facts, &resources));
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.resource));
    let worst = findings.iter().map(|finding| finding.level).max();
    Judgement {
        level: worst
            .filter(|&level| level > Level::Notice)
            .unwrap_or(Level::Ok),
        binding: resources.binding(),
        capacity: capacity::of(&resources, facts.fds.free),
        resources,
        findings,
    }
}

/// The tables of the VM that a health check looks at: ports, processes and atoms, each used and limit.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub struct Pulse {
    /// The port table.
    pub ports: (u64, u64),
    /// The process table.
    pub processes: (u64, u64),
    /// The atom table.
    pub atoms: (u64, u64),
    /// Above it the VM is deaf.
    pub max_fds: Limit,
    /// At which use the level rises.
    pub thresholds: Thresholds,
}

/// Whether a snapshot taken now would have the level `ok`: the same rules as [`judge`], without the words.
pub fn is_well(gauge: &Gauge, pulse: &Pulse) -> bool {
    let table =
        |name, (used, limit)| resource::table(name, (Known::Is(used), Limit::Finite(limit)));
    let fds = resource::fds(
        gauge.soft,
        pulse.max_fds,
        gauge.nr_open,
        gauge.open,
        gauge.free,
    );
    let exempt = gauge.exempt_from_file_max;
    let resources = [
        fds,
        table(Name::Ports, pulse.ports),
        table(Name::Processes, pulse.processes),
        table(Name::Atoms, pulse.atoms),
        resource::kernel_files(gauge.kernel_files, exempt),
    ];
    !level::is_soft_above(gauge.soft, pulse.max_fds)
        && resources.iter().all(|resource| {
            !level::is_unreadable(resource)
                && level::level(resource, &pulse.thresholds) == Level::Ok
        })
}
