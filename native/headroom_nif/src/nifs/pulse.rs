//! What is asked often: answered in one call, from a few numbers and what the library keeps of the VM.

use std::sync::OnceLock;

use headroom_core::assess;
use headroom_core::finding::Finding;
use headroom_core::measure::resource::kernel_slots;
use headroom_core::measure::{capacity as room, Resources};
use headroom_core::render::{json, plugin};
use headroom_core::snapshot::Snapshot;
use headroom_facts::beam::{Fixed, Tables, Vitals};
use headroom_facts::reading::Detail;
use headroom_facts::unreadable::Reason;
use headroom_facts::vocabulary::Known;
use headroom_facts::{Facts, System};
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, Error, NewBinary, NifResult, Term};

use super::moment::{patience_of, still, unanswered, vitals_of};
use super::{error, ok, scan_needed};
use crate::term::{from_term, to_term};

rustler::atoms! { unkept, health, health_json, capacity }

/// Percent of a scheduler's millisecond.
const COST: i32 = 1;

/// It cannot change while the VM runs. A library that replaces this one keeps nothing until it is told.
pub(super) static FIXED: OnceLock<Fixed> = OnceLock::new();

/// What [`keep`] keeps.
pub fn fixed() -> Option<&'static Fixed> {
    FIXED.get()
}

/// Keeps what cannot change while the VM runs.
#[rustler::nif]
fn keep<'a>(env: Env<'a>, fixed: Term<'a>) -> NifResult<Term<'a>> {
    let fixed: Fixed = from_term(fixed)?;
    FIXED.get_or_init(|| fixed);
    Ok(ok().encode(env))
}

/// The number of open descriptors, where the kernel says it at once.
#[rustler::nif]
fn open_count(env: Env) -> NifResult<Term> {
    match os::open_count() {
        Ok(Some(open)) => Ok((ok(), open).encode(env)),
        Ok(None) => Ok(scan_needed().encode(env)),
        Err(reason) => Ok((error(), to_term::<Reason>(env, &reason)?).encode(env)),
    }
}

#[derive(Clone, Copy)]
enum Asked {
    Health,
    HealthJson,
    Capacity,
}

/// The answer to one of the short questions, or `scan_needed`, or `unkept` where [`keep`] was not called.
///
/// - `health`: `ok`, or `{Level, Findings}` without the notices
/// - `health_json`: `{Level, Json}`
/// - `capacity`: how many more of each kind can be opened
#[rustler::nif]
fn pulse<'a>(
    env: Env<'a>,
    asked: Term<'a>,
    vitals: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let asked = match asked {
        word if health() == word => Asked::Health,
        word if health_json() == word => Asked::HealthJson,
        word if capacity() == word => Asked::Capacity,
        _ => return Err(Error::BadArg),
    };
    let vitals = vitals_of(vitals)?;
    let patience = patience_of(patience)?;
    let Some(fixed) = fixed() else {
        return Ok(unkept().encode(env));
    };
    let Ok(system) = os::read(fixed.max_fds, patience, Detail::Health) else {
        return Ok(scan_needed().encode(env));
    };
    consume_timeslice(env, COST);
    let tables = fixed.tables(&vitals);
    let resources = Resources::measured(&system.fds, &system.nofile, &tables);
    match asked {
        Asked::Capacity => {
            let slots = kernel_slots(&system.fds, &system.nofile);
            Ok(to_term(env, &room::of(&resources, slots))?)
        }
        _ if assess::is_well(&resources, &system.nofile, &vitals.thresholds) => {
            Ok(well(env, asked))
        }
        _ => {
            let facts = facts(system, fixed, tables, &vitals);
            say(env, asked, &assess::alarms(&facts, &resources))
        }
    }
}

fn well(env: Env, asked: Asked) -> Term {
    match asked {
        Asked::HealthJson => (ok(), binary(env, json::WELL)).encode(env),
        _ => ok().encode(env),
    }
}

fn say<'a>(env: Env<'a>, asked: Asked, alarms: &[Finding]) -> NifResult<Term<'a>> {
    let level = assess::level_of(alarms);
    Ok(match asked {
        Asked::HealthJson => {
            let json = json::health(alarms).map_err(unwritten)?;
            (to_term(env, &level)?, binary(env, json)).encode(env)
        }
        _ => to_term(env, &(level, alarms))?,
    })
}

/// The record of the status file, or `scan_needed`, or `unkept`.
#[rustler::nif]
fn status_record<'a>(
    env: Env<'a>,
    vitals: Term<'a>,
    ets_tables: u64,
    node: String,
    sequence: u64,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let vitals = vitals_of(vitals)?;
    let patience = patience_of(patience)?;
    let Some(fixed) = fixed() else {
        return Ok(unkept().encode(env));
    };
    let Ok(system) = os::read(fixed.max_fds, patience, Detail::Limits) else {
        return Ok(scan_needed().encode(env));
    };
    let mut tables = fixed.tables(&vitals);
    tables.ets_tables.0 = Known::Is(ets_tables);
    let mut facts = facts(system, fixed, tables, &vitals);
    facts.node = node;
    let status = plugin::status(&Snapshot::new(facts), sequence, os::moment());
    let record = status.encode().map_err(unwritten)?;
    consume_timeslice(env, COST);
    Ok(binary(env, &record))
}

pub(super) fn facts(system: System, fixed: &Fixed, tables: Tables, vitals: &Vitals) -> Facts {
    Facts::new(
        system,
        fixed.beam(tables, still(vitals.reserved)),
        vitals.thresholds,
    )
}

pub(super) fn binary<'a>(env: Env<'a>, bytes: impl AsRef<[u8]>) -> Term<'a> {
    let bytes = bytes.as_ref();
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}

fn unwritten(error: serde_json::Error) -> Error {
    unanswered(error.to_string())
}
