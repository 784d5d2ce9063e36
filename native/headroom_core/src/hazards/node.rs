//! The node as every hazard looks at it.

use super::Hazard;
use crate::advise::lines;
use crate::finding::{Finding, Fix, Id, Key, Proof};
use crate::measure::{level, Resource, Resources};
use crate::number;
use headroom_facts::exposure::Exposure;
use headroom_facts::release::Release;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// Takes away what can be taken away while the node runs.
const HARDEN: &str = "headroom:harden().";

pub(super) struct Node<'a> {
    pub(super) facts: &'a Facts,
    pub(super) exposure: &'a Exposure,
    resources: Resources,
}

impl<'a> Node<'a> {
    pub(super) fn new(facts: &'a Facts, exposure: &'a Exposure) -> Node<'a> {
        Node {
            facts,
            exposure,
            resources: Resources::new(facts),
        }
    }

    /// The finding of a hazard, if it holds; its evidence says whether it can be taken away now.
    pub(super) fn look(&self, hazard: &Hazard) -> Option<Finding> {
        let mut finding = (hazard.find)(self)?;
        let taken_away = hazard.harden && self.has_room();
        let harden = (Key::Harden, Proof::Flag(Known::Is(taken_away)));
        finding.evidence.0.push(harden);
        Some(finding)
    }

    pub(super) fn of(&self, name: Name) -> &Resource {
        self.resources.of(name)
    }

    pub(super) fn free(&self, key: Key, name: Name) -> (Key, Proof) {
        (key, Proof::Limit(self.of(name).free))
    }

    pub(super) fn release(&self) -> Release {
        Release::parse(&self.facts.otp_release)
    }

    /// A hazard behind which these resources stand, the first of them unless another is worse.
    pub(super) fn hazard(
        &self,
        id: Id,
        behind: &[Name],
        message: String,
        evidence: Vec<(Key, Proof)>,
        fix: Vec<Fix>,
    ) -> Finding {
        let level = |name: Name| level::level(self.of(name), &self.facts.thresholds);
        let mut worst = behind[0];
        for &name in behind {
            if level(name) > level(worst) {
                worst = name;
            }
        }
        let level = if level(worst) >= Level::Warning {
            Level::Warning
        } else {
            Level::Notice
        };
        Finding::new(id, level, worst, message, evidence, fix)
    }

    /// Whether something may be started or loaded without making happen what it is meant to prevent. What is not known
    /// is no room. More than is needed, for others take descriptors at the same time.
    pub(super) fn has_room(&self) -> bool {
        let enough = |name, least| {
            let resource = self.of(name);
            match resource.free {
                Limit::Infinity => true,
                Limit::Finite(free) => free >= least,
                Limit::Unknown => !resource.enforced,
            }
        };
        enough(Name::Fds, 32)
            && enough(Name::Ports, 16)
            && enough(Name::Processes, 16)
            && (enough(Name::KernelFiles, 32) || !self.of(Name::KernelFiles).enforced)
    }

    /// What there is room for, in words.
    pub(super) fn room(&self) -> String {
        let free = |name| number::limit(self.of(name).free);
        format!(
            "free are {} descriptors, {} ports, {} processes, {} files of the kernel",
            free(Name::Fds),
            free(Name::Ports),
            free(Name::Processes),
            free(Name::KernelFiles)
        )
    }

    /// The lines that take a hazard away at once and from the next start on, where `harden/0` can.
    pub(super) fn by_harden(&self, note: &str) -> Vec<Fix> {
        let now = self.has_room().then(|| Fix::now(HARDEN, note));
        now.into_iter().chain([lines::harden_at_start()]).collect()
    }
}
