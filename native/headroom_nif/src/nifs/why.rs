//! Why a call failed: the verdict, and the verdict as prose.

use headroom_core::explain::{Failure, Operation, Scene, Verdict};
use headroom_core::render;
use headroom_core::snapshot::Snapshot;
use headroom_facts::probe::Probe;
use headroom_facts::reading::Detail;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Env, NifResult, Term};

use super::with_snapshot;
use crate::term::{from_term, to_term, to_value_within, Bounds};

/// Percent of a scheduler's millisecond that the search through a reason takes at most.
const REASON_COST: i32 = 20;

/// What to explain: a reason, the operation that failed, and whether the kernel may be asked.
struct Question<'a> {
    reason: Term<'a>,
    operation: Operation,
    probe: bool,
    bounds: Bounds,
}

impl<'a> Question<'a> {
    fn new(
        reason: Term<'a>,
        operation: Term<'a>,
        probe: Term<'a>,
        bounds: Bounds,
    ) -> NifResult<Question<'a>> {
        Ok(Question {
            reason,
            operation: from_term(operation)?,
            probe: from_term(probe)?,
            bounds,
        })
    }

    fn answer(&self, facts: &Facts) -> Verdict {
        let (reason, unread) = to_value_within(self.reason, self.bounds);
        let failure = Failure::new(&reason, self.operation, unread);
        let probe = if self.probe {
            os::probe(failure.suspicion(facts))
        } else {
            Probe::default()
        };
        failure.explain(&Scene {
            facts,
            probe,
            recorded: Vec::new(),
        })
    }

    fn verdict(
        &self,
        env: Env<'a>,
        [beam, thresholds, patience]: [Term<'a>; 3],
    ) -> NifResult<Term<'a>> {
        let detail = Detail::Full;
        with_snapshot(
            env,
            beam,
            thresholds,
            patience,
            detail,
            |snapshot: &Snapshot| Ok(to_term(env, &self.answer(&snapshot.facts))?),
        )
    }

    fn prose(
        &self,
        env: Env<'a>,
        [beam, thresholds, patience]: [Term<'a>; 3],
    ) -> NifResult<Term<'a>> {
        let detail = Detail::Full;
        with_snapshot(
            env,
            beam,
            thresholds,
            patience,
            detail,
            |snapshot: &Snapshot| {
                let verdict = self.answer(&snapshot.facts);
                Ok(to_term(
                    env,
                    &render::verdict::prose(&verdict, &snapshot.facts),
                )?)
            },
        )
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
    consume_timeslice(env, REASON_COST);
    Question::new(reason, operation, probe, Bounds::SHORT)?
        .verdict(env, [beam, thresholds, patience])
}

/// The same for a long text.
#[rustler::nif(schedule = "DirtyCpu")]
fn diagnose_long<'a>(
    env: Env<'a>,
    reason: Term<'a>,
    operation: Term<'a>,
    probe: Term<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    Question::new(reason, operation, probe, Bounds::LONG)?
        .verdict(env, [beam, thresholds, patience])
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
    consume_timeslice(env, REASON_COST);
    Question::new(reason, operation, probe, Bounds::SHORT)?.prose(env, [beam, thresholds, patience])
}

/// The same for a long text.
#[rustler::nif(schedule = "DirtyCpu")]
fn explain_text_long<'a>(
    env: Env<'a>,
    reason: Term<'a>,
    operation: Term<'a>,
    probe: Term<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    Question::new(reason, operation, probe, Bounds::LONG)?.prose(env, [beam, thresholds, patience])
}
