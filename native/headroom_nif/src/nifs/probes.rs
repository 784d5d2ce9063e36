//! Health for probes: as JSON for HTTP, as a record for the status file.

use headroom_core::render::json;
use headroom_core::render::plugin;
use headroom_facts::reading::Detail;
use headroom_os as os;
use rustler::{Encoder, Env, NewBinary, NifResult, Term};

use super::{unwritten, with_snapshot};
use crate::term::{from_term, to_term};

/// `{Level, Json}`, or `scan_needed`.
#[rustler::nif]
fn health_json<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    with_snapshot(
        env,
        beam,
        thresholds,
        patience,
        Detail::Health,
        |snapshot| {
            let judgement = &snapshot.judgement;
            let json = json::health(judgement).map_err(unwritten)?;
            Ok(to_term(env, &(judgement.level, json))?)
        },
    )
}

/// The record of the status file, or `scan_needed`.
#[rustler::nif]
fn status_record<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
    sequence: Term<'a>,
) -> NifResult<Term<'a>> {
    let sequence: u64 = from_term(sequence)?;
    with_snapshot(
        env,
        beam,
        thresholds,
        patience,
        Detail::Health,
        |snapshot| {
            let status = plugin::status(snapshot, sequence, os::moment());
            let record = status.encode().map_err(unwritten)?;
            let mut binary = NewBinary::new(env, record.len());
            binary.as_mut_slice().copy_from_slice(&record);
            Ok(Term::from(binary).encode(env))
        },
    )
}
