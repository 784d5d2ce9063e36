//! What would hurt the node at exhaustion, and what may be done about it.

use headroom_core::assess::harden;
use headroom_core::assess::hazards::hazards as hazards_of;
use headroom_core::snapshot::Snapshot;
use headroom_facts::exposure::Exposure;
use headroom_facts::reading::Detail;

use rustler::{Env, NifResult, Term};

use super::with_snapshot;
use crate::term::{from_term, to_term};

/// The hazards that hold now, or `scan_needed`. The facts must say what is exposed.
#[rustler::nif]
fn hazards<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    with_snapshot(env, beam, thresholds, patience, Detail::Full, |snapshot| {
        let hazards = hazards_of(&snapshot.facts, exposure(snapshot)?);
        Ok(to_term(env, &hazards)?)
    })
}

/// What may be done about them now, or `scan_needed`.
#[rustler::nif]
fn harden_plan<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    with_snapshot(env, beam, thresholds, patience, Detail::Full, |snapshot| {
        let plan = harden::plan(&snapshot.facts, exposure(snapshot)?);
        Ok(to_term(env, &plan)?)
    })
}

/// What came of each hazard after the attempts, or `scan_needed`.
#[rustler::nif]
fn hardened<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
    attempts: Term<'a>,
) -> NifResult<Term<'a>> {
    let attempts = from_term(attempts)?;
    with_snapshot(env, beam, thresholds, patience, Detail::Full, |snapshot| {
        let outcome = harden::outcome(&attempts, &snapshot.facts, exposure(snapshot)?);
        Ok(to_term(env, &outcome)?)
    })
}

fn exposure(snapshot: &Snapshot) -> NifResult<&Exposure> {
    let exposure = snapshot.facts.exposure.as_ref();
    exposure.ok_or(rustler::Error::BadArg)
}
