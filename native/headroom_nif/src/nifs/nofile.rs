//! The soft limit of descriptors: raised, clamped, and lowered for a reserve.

use headroom_core::advise::sheet::at_boot;
use headroom_core::nofile::{self, Decide, Error, Outcome};
use headroom_facts::beam::{Beam, Reserved};
use headroom_facts::reading::{Detail, Patience, ScanNeeded};
use headroom_facts::thresholds::Thresholds;
use headroom_facts::vocabulary::Limit;
use headroom_facts::wanted::Wanted;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, NifResult, Term};
use serde::Serialize;

use super::{patience_of, scan_needed, with_snapshot, SNAPSHOT_COST};
use crate::term::{from_term, to_term};

rustler::atoms! { ok, error, undefined }

fn answer<'a, T: Serialize>(env: Env<'a>, result: Result<T, Error>) -> NifResult<Term<'a>> {
    Ok(match result {
        Ok(value) => (ok(), to_term(env, &value)?).encode(env),
        Err(reason) => (error(), to_term(env, &reason)?).encode(env),
    })
}

/// What carries a decision out. `kept` as in [`os::change`].
fn setting(kept: u64) -> impl FnOnce(Decide) -> Outcome {
    move |decide| os::change(kept, decide)
}

/// Raises the soft limit to a number, or to `max`.
#[rustler::nif]
fn raise_nofile<'a>(
    env: Env<'a>,
    wanted: Term<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
) -> NifResult<Term<'a>> {
    let wanted: Wanted = from_term(wanted)?;
    let beam: Beam = from_term(beam)?;
    let thresholds: Thresholds = from_term(thresholds)?;
    let kept = beam.reserved.fds;
    // The limits alone are needed, so nothing has to be counted first.
    let os = os::read(beam.max_fds, Patience::Never, Detail::Limits);
    let os = os.map_err(|ScanNeeded| rustler::Error::BadArg)?;
    let raised = nofile::raise(wanted, &Facts::new(os, beam, thresholds), setting(kept));
    consume_timeslice(env, SNAPSHOT_COST);
    answer(env, raised)
}

/// Lowers a soft limit that is above `max_fds`.
#[rustler::nif]
fn clamp_nofile<'a>(env: Env<'a>, max_fds: Term<'a>, kept: u64) -> NifResult<Term<'a>> {
    let max_fds: Limit = from_term(max_fds)?;
    answer(env, nofile::clamp(max_fds, setting(kept)))
}

/// Holds descriptors back, if they and the ports fit: `{ok, Soft}`, an error, or `scan_needed`.
#[rustler::nif]
fn reserve_fds<'a>(
    env: Env<'a>,
    wanted: Term<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let wanted: Reserved = from_term(wanted)?;
    let beam: Beam = from_term(beam)?;
    let thresholds: Thresholds = from_term(thresholds)?;
    let kept = beam.reserved.fds;
    let Ok(os) = os::read(beam.max_fds, patience_of(patience)?, Detail::Limits) else {
        return Ok(scan_needed().encode(env));
    };
    let reserved = nofile::reserve(wanted, &Facts::new(os, beam, thresholds), setting(kept));
    consume_timeslice(env, SNAPSHOT_COST);
    answer(env, reserved)
}

/// Gives descriptors back: `{ok, Count}` or an error.
#[rustler::nif]
fn release_fds<'a>(env: Env<'a>, max_fds: Term<'a>, kept: u64) -> NifResult<Term<'a>> {
    let max_fds: Limit = from_term(max_fds)?;
    answer(env, nofile::release(max_fds, setting(kept)))
}

/// The descriptors that are held back, or `undefined` while this library has not heard of any change.
#[rustler::nif]
fn reserved_fds(env: Env) -> Term {
    match os::reserved() {
        Some(fds) => fds.encode(env),
        None => undefined().encode(env),
    }
}

/// The lines for the next start, or `scan_needed`.
#[rustler::nif]
fn boot_advice<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let detail = Detail::Limits;
    with_snapshot(env, beam, thresholds, patience, detail, |snapshot| {
        Ok(to_term(env, &at_boot(&snapshot.facts))?)
    })
}
