//! The holder that is told first, short enough for a report.

use headroom_facts::vocabulary::{Level, Name};
use serde::{Deserialize, Serialize};

use super::{inventory, relief, Options, Sight};
use crate::finding::{Finding, Fix};
use crate::number::grouped;
use crate::render;

/// Who holds most of what matters, and what could be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    /// One sentence.
    pub headline: String,
    /// The line that closes what gives most; none where nothing can be closed.
    pub line: Option<String>,
    /// How many descriptors that gives.
    pub gives: u64,
}

/// The holder that is told first.
pub fn first(sight: &Sight, options: &Options) -> First {
    let offers = relief(sight, options, false);
    let offer = offers.into_iter().find(|offer| offer.line.is_some());
    First {
        headline: render::holders::headline(&inventory(sight, options)),
        gives: offer.as_ref().map_or(0, |offer| offer.gives),
        line: offer.and_then(|offer| offer.line),
    }
}

impl First {
    /// Says what could be closed beside each finding that is about descriptors or ports, before what needs a restart.
    pub fn relieve(&self, findings: &mut [Finding]) {
        let Some(line) = &self.line else {
            return;
        };
        let note = format!(
            "closes {} descriptors, see headroom:relief()",
            grouped(self.gives)
        );
        let concerned = findings.iter_mut().filter(|finding| {
            finding.level >= Level::Warning && matches!(finding.resource, Name::Fds | Name::Ports)
        });
        for finding in concerned {
            let last = finding
                .fix
                .iter()
                .take_while(|fix| !fix.needs_restart())
                .count();
            finding
                .fix
                .insert(last, Fix::now(line.clone(), note.clone()));
        }
    }
}
