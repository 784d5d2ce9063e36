//! What the facts mean: how close each resource is to its limit, which is closest, and what is worth saying about it.

pub mod advice;
pub mod boot_advice;
pub mod capacity;
mod exhaustion;
pub mod finding;
pub(crate) mod goal;
pub mod harden;
pub mod hazards;
mod misfits;
pub(crate) mod relief;
pub mod resource;

use serde::Serialize;

use headroom_facts::reading::Gauge;
use headroom_facts::thresholds::Thresholds;
use headroom_facts::vocabulary::{Count, Known, Level, Limit, Name};
use headroom_facts::Facts;

pub use capacity::{Capacity, CapacityOf, Use};
pub use finding::Finding;
pub use resource::Resource;

/// The judgement of a snapshot's facts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// The worst of the findings that are more than a notice.
    pub level: Level,
    /// The resource that is closest to its limit.
    pub binding: Binding,
    /// All six, in listed order.
    pub resources: Vec<Resource>,
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

/// The resource that is closest to its limit, among those whose limit is enforced and known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Binding {
    /// This one.
    Name(Name),
    /// None is known.
    None(Nothing),
}

atoms! {
    /// The word for no resource at all.
    pub enum Nothing {
        /// `none`.
        None = "none",
    }
}

impl From<Option<Name>> for Binding {
    fn from(name: Option<Name>) -> Self {
        name.map_or(Binding::None(Nothing::None), Binding::Name)
    }
}

impl Binding {
    /// The resource, if there is one.
    pub fn name(self) -> Option<Name> {
        match self {
            Binding::Name(name) => Some(name),
            Binding::None(_) => None,
        }
    }
}

/// Judges facts.
pub fn judge(facts: &Facts) -> Judgement {
    let resources = resource::all(facts);
    let mut findings = exhaustion::findings(facts, &resources);
    findings.extend(misfits::findings(facts, &resources));
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.resource));
    let worst = findings.iter().map(|finding| finding.level).max();
    Judgement {
        level: worst
            .filter(|&level| level > Level::Notice)
            .unwrap_or(Level::Ok),
        binding: binding(&resources).into(),
        capacity: capacity::of(&resources, facts.fds.free),
        resources,
        findings,
    }
}

fn binding(resources: &[Resource]) -> Option<Name> {
    let mut closest: Option<&Resource> = None;
    for resource in resources.iter().filter(|resource| resource.enforced) {
        let higher = |best: &Resource| resource.percent.get() > best.percent.get();
        if resource.percent != Known::Unknown && closest.is_none_or(higher) {
            closest = Some(resource);
        }
    }
    closest.map(|resource| resource.name)
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
    !misfits::is_soft_above(gauge.soft, pulse.max_fds)
        && resources.iter().all(|resource| {
            !exhaustion::is_unreadable(resource)
                && exhaustion::level(resource, &pulse.thresholds) == Level::Ok
        })
}

/// Whether any descriptor stands at or above `max_fds`, as far as the facts can tell.
fn reaches(highest: Count, max_fds: Limit) -> bool {
    matches!((highest, max_fds), (Known::Is(highest), Limit::Finite(max_fds)) if highest >= max_fds)
}
