//! Why a call failed: the verdict, and the verdict as prose.

use headroom_core::explain::{self, Operation, Scene, Verdict};
use headroom_core::render;
use headroom_core::snapshot::Snapshot;
use headroom_facts::probe::Probe;
use headroom_facts::reading::Detail;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Env, NifResult, Term};

use super::with_snapshot;
use crate::term::{from_term, to_term, to_value};

/// Percent of a scheduler's millisecond that the search through a reason takes at most.
const REASON_COST: i32 = 20;

/// What to explain: a reason, the operation that failed, and whether the kernel may be asked.
struct Question<'a> {
    reason: Term<'a>,
    operation: Operation,
    probe: bool,
}

impl<'a> Question<'a> {
    fn new(reason: Term<'a>, operation: Term<'a>, probe: Term<'a>) -> NifResult<Question<'a>> {
        Ok(Question {
            reason,
            operation: from_term(operation)?,
            probe: from_term(probe)?,
        })
    }

    fn answer(&self, facts: &Facts) -> Verdict {
        let reason = to_value(self.reason);
        let probe = if self.probe {
            os::probe(explain::suspects_pipes(&reason, self.operation))
        } else {
            Probe::default()
        };
        let scene = Scene {
            facts: facts.clone(),
            probe,
            recorded: Vec::new(),
        };
        explain::explain(&reason, self.operation, &scene)
    }
}

/// The verdict as a map, or `scan_needed`.
#[rustler::nif]
fn diagnose<'a>(
    env: Env<'a>,
    reason: Term<'a>,
    operation: Term<'a>,
    probe: Term<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let question = Question::new(reason, operation, probe)?;
    consume_timeslice(env, REASON_COST);
    with_snapshot(
        env,
        beam,
        thresholds,
        patience,
        Detail::Full,
        |snapshot: &Snapshot| Ok(to_term(env, &question.answer(&snapshot.facts))?),
    )
}

/// The verdict as ASCII text, or `scan_needed`.
#[rustler::nif]
fn explain_text<'a>(
    env: Env<'a>,
    reason: Term<'a>,
    operation: Term<'a>,
    probe: Term<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let question = Question::new(reason, operation, probe)?;
    consume_timeslice(env, REASON_COST);
    with_snapshot(
        env,
        beam,
        thresholds,
        patience,
        Detail::Full,
        |snapshot: &Snapshot| {
            let verdict = question.answer(&snapshot.facts);
            let text = render::verdict::prose(&verdict, &snapshot.facts);
            Ok(to_term(env, &text)?)
        },
    )
}
