//! Everything that can be asked about a node at leisure, and the one function that answers. What is polled has a road of
//! its own through the same rules.
//!
//! Whoever asks (the VM's functions, a datagram, a command) hands over a [`Question`] and what is [`Given`]; the facts
//! that a question needs beyond the usual ones are told by the question itself.

use serde::Serialize;

use crate::advise::sheet::{at_boot, AtBoot};
use crate::explain::{Failure, Scene, Verdict};
use crate::finding::{Finding, Word};
use crate::hazards::harden::{self, Attempts, Hardened, Plan};
use crate::hazards::hazards;
use crate::plan::{self, Asked};
use crate::render::holders::{First, TOO_LATE};
use crate::render::report::{Beside, Charset};
use crate::render::{json, refusal, report, verdict};
use crate::requirement::Requirements;
use crate::snapshot::Snapshot;
use headroom_facts::beam::Aside;
use headroom_facts::exposure::Exposure;
use headroom_facts::probe::{Peak, Probe};
use headroom_facts::quotas::Suspicion;
use headroom_facts::reading::Detail;
use headroom_facts::vocabulary::Name;
use headroom_facts::Facts;

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// Facts and judgement.
    Snapshot,
    /// The same as JSON.
    Json,
    /// The report as text.
    Report(Charset),
    /// The same with who holds the descriptors, and with what could be closed beside the findings that are about them.
    ReportWith(Charset, Option<First>),
    /// The lines for the next start.
    BootAdvice,
    /// What would hurt the node at exhaustion.
    Hazards,
    /// What may be done about that now.
    HardenPlan,
    /// What came of it.
    Hardened(Attempts),
    /// Why a call failed.
    Diagnose(Failed),
    /// The same as prose.
    Explain(Failed),
    /// Whether this is met.
    Require(Requirements),
    /// What so many sessions need.
    Plan(Asked),
}

/// A call that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What was read of it.
    pub failure: Failure,
    /// Whether the kernel may be asked.
    pub probe: bool,
}

/// What a question is answered from.
#[derive(Clone, Debug)]
pub struct Given {
    /// The facts of this moment.
    pub facts: Facts,
    /// What would be hit at exhaustion, where that was collected.
    pub exposure: Option<Exposure>,
    /// What a report tells besides, where that was collected.
    pub aside: Option<Aside>,
    /// What grows, in sentences, where somebody watches and a question wants it.
    pub growing: Option<String>,
    /// What the kernel said just now.
    pub probe: Probe,
    /// The highest use that a watcher saw.
    pub recorded: Vec<Peak>,
    /// The lowest and the highest local port of an outgoing connection, where a question wants them.
    pub local_ports: Option<(u64, u64)>,
}

/// An answer, in the shape that users see.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)] // one for each shape
pub enum Answer {
    Snapshot(Box<Snapshot>),
    Text(String),
    Word(Word),
    Lines(Vec<AtBoot>),
    Findings(Vec<Finding>),
    Plan(Plan),
    Planned(Box<plan::Plan>),
    Hardened(Vec<Hardened>),
    Verdict(Box<Verdict>),
    Unmet(Word, Vec<Finding>, String),
}

/// Why there is no answer: whoever asked handed over too little, or the answer cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered(pub String);

impl From<serde_json::Error> for Unanswered {
    fn from(error: serde_json::Error) -> Self {
        Unanswered(error.to_string())
    }
}

impl Question {
    /// How much has to be read for it.
    pub fn detail(&self) -> Detail {
        match self {
            Question::Snapshot
            | Question::Json
            | Question::Report(_)
            | Question::ReportWith(..)
            | Question::Hazards
            | Question::HardenPlan
            | Question::Hardened(_)
            | Question::Diagnose(_)
            | Question::Explain(_) => Detail::Full,
            Question::Require(required) if !required.concern(Name::KernelFiles) => Detail::Health,
            Question::BootAdvice | Question::Require(_) | Question::Plan(_) => Detail::Limits,
        }
    }

    /// Whether it tells what the samples of a watcher say.
    pub fn wants_trend(&self) -> bool {
        matches!(self, Question::Report(_) | Question::ReportWith(..))
    }

    /// Whether it is about connections to other machines.
    pub fn wants_local_ports(&self) -> bool {
        matches!(self, Question::Plan(_))
    }

    /// What the kernel is to be asked first, if it may be.
    pub fn suspicion(&self, facts: &Facts) -> Option<Suspicion> {
        match self {
            Question::Diagnose(failed) | Question::Explain(failed) if failed.probe => {
                Some(failed.failure.suspicion(facts))
            }
            _ => None,
        }
    }
}

/// Answers a question.
///
/// # Errors
/// What the question needs was not handed over, or the answer cannot be written.
pub fn answer(question: Question, given: Given) -> Result<Answer, Unanswered> {
    Ok(match question {
        Question::Snapshot => Answer::Snapshot(Box::new(Snapshot::new(given.facts))),
        Question::Json => Answer::Text(json::snapshot(&Snapshot::new(given.facts))?),
        Question::Report(charset) => {
            let hazards = dangers(&given);
            let beside = Beside {
                hazards: hazards.as_deref(),
                holder: None,
                growing: given.growing.as_deref(),
                aside: given.aside,
            };
            Answer::Text(report::with(&Snapshot::new(given.facts), &beside, charset))
        }
        Question::ReportWith(charset, first) => {
            let hazards = dangers(&given);
            let beside = Beside {
                hazards: hazards.as_deref(),
                holder: Some(first.as_ref().map_or(TOO_LATE, |first| &first.headline)),
                growing: given.growing.as_deref(),
                aside: given.aside,
            };
            let mut snapshot = Snapshot::new(given.facts);
            if let Some(first) = &first {
                first.relieve(&mut snapshot.judgement.findings);
            }
            Answer::Text(report::with(&snapshot, &beside, charset))
        }
        Question::BootAdvice => Answer::Lines(at_boot(&given.facts)),
        Question::Hazards => Answer::Findings(hazards(&given.facts, exposure(&given)?)),
        Question::HardenPlan => Answer::Plan(harden::plan(&given.facts, exposure(&given)?)),
        Question::Hardened(attempts) => {
            let exposure = exposure(&given)?;
            Answer::Hardened(harden::outcome(&attempts, &given.facts, exposure))
        }
        Question::Diagnose(failed) => Answer::Verdict(Box::new(why(failed, &given))),
        Question::Explain(failed) => {
            let verdict = why(failed, &given);
            Answer::Text(verdict::prose(&verdict, &given.facts))
        }
        Question::Plan(asked) => Answer::Planned(Box::new(plan::of_node(
            asked,
            &given.facts,
            given.local_ports,
        ))),
        Question::Require(required) => {
            let findings = required.unmet(&given.facts);
            if findings.is_empty() {
                return Ok(Answer::Word(Word("met")));
            }
            let text = refusal::unmet(&findings, required.len(), &given.facts);
            Answer::Unmet(Word("unmet"), findings, text)
        }
    })
}

fn why(failed: Failed, given: &Given) -> Verdict {
    failed.failure.explain(&Scene {
        facts: &given.facts,
        probe: given.probe,
        recorded: given.recorded.clone(),
    })
}

fn dangers(given: &Given) -> Option<Vec<Finding>> {
    let exposure = given.exposure.as_ref()?;
    Some(hazards(&given.facts, exposure))
}

fn exposure(given: &Given) -> Result<&Exposure, Unanswered> {
    let missing = || Unanswered("exposure: it was not collected".into());
    given.exposure.as_ref().ok_or_else(missing)
}
