//! What the facts mean: how close each resource is to its limit, which is closest, and what is worth saying about it.

mod exhaustion;
mod misfits;

pub use misfits::soft_above_max_fds;

use std::cmp::Reverse;

use serde::Serialize;

use headroom_facts::thresholds::Thresholds;
use headroom_facts::vocabulary::Level;
use headroom_facts::{Facts, Nofile};

use crate::finding::Finding;
use crate::measure::resource::kernel_slots;
use crate::measure::{capacity, level, Binding, Capacity, Resources};

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
    let mut findings = alarms(facts, &resources);
    let level = level_of(&findings);
    let mut notices = misfits::notices(facts, &resources);
    notices.sort_by_key(|finding| finding.resource);
    findings.extend(notices);
    Judgement {
        level,
        binding: resources.binding(),
        capacity: capacity::of(&resources, kernel_slots(&facts.fds, &facts.nofile)),
        resources,
        findings,
    }
}

/// The findings that are more than a notice, the worst first: all that a health check needs.
pub fn alarms(facts: &Facts, resources: &Resources) -> Vec<Finding> {
    let mut findings = exhaustion::findings(facts, resources);
    findings.extend(misfits::soft_above_max_fds(facts));
    findings.sort_by_key(|finding| (Reverse(finding.level), finding.resource));
    findings
}

/// The level that alarms make.
pub fn level_of(alarms: &[Finding]) -> Level {
    alarms.first().map_or(Level::Ok, |worst| worst.level)
}

/// Whether a snapshot taken now would have the level `ok`: the same rules as [`judge`], without the words.
pub fn is_well(resources: &Resources, nofile: &Nofile, thresholds: &Thresholds) -> bool {
    !level::is_soft_above(nofile.soft, nofile.max_fds)
        && resources.iter().all(|resource| {
            !level::is_unreadable(resource) && level::level(resource, thresholds) == Level::Ok
        })
}
