//! How the node stands: facts, snapshot, report, and the pulse of a health check.

use headroom_core::render::report::Charset;
use headroom_core::render::{json, report as page};
use headroom_facts::boot::Boot;
use headroom_facts::reading::Detail;
use headroom_facts::thresholds::Thresholds;
use headroom_facts::unreadable::Reason;
use headroom_os::{self as os, Scan};
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, NifResult, Term};

use super::{option_pairs, scan_needed, unwritten, with_snapshot};
use crate::term::{from_term, to_term};

rustler::atoms! { ok, error, done }

/// Percent of a scheduler's millisecond that a step of a count takes.
const SCAN_COST: i32 = 25;

/// Which build this is.
#[rustler::nif]
fn version(env: Env) -> NifResult<Term> {
    #[derive(serde::Serialize)]
    struct Version {
        headroom: &'static str,
        nif_api: &'static str,
        target: String,
        schema: u32,
    }
    let version = Version {
        headroom: env!("CARGO_PKG_VERSION"),
        nif_api: "2.15",
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        schema: headroom_core::snapshot::SCHEMA,
    };
    Ok(to_term(env, &version)?)
}

/// How this VM was started, from the emulator's arguments (or `undefined`) and its port limit.
#[rustler::nif]
fn boot<'a>(env: Env<'a>, emu_args: Term<'a>, port_limit: Term<'a>) -> NifResult<Term<'a>> {
    let emu_args: Option<Vec<String>> = from_term(emu_args)?;
    let port_limit: Option<u64> = from_term(port_limit)?;
    let boot = Boot::new(emu_args.as_deref(), port_limit, os::environment());
    Ok(to_term(env, &boot)?)
}

/// The thresholds that an option asks for, in the form that the other functions take: `{ok, Thresholds}` or
/// `{error, {Key, Why}}`, `Key` as it was given.
#[rustler::nif]
fn thresholds<'a>(env: Env<'a>, option: Term<'a>) -> NifResult<Term<'a>> {
    let given = option_pairs(option)?;
    let pairs: Vec<_> = given.iter().map(|given| (&given.0, &given.1)).collect();
    match Thresholds::from_option(&pairs) {
        Ok(thresholds) => Ok((ok(), to_term(env, &thresholds.compact())?).encode(env)),
        Err((index, why)) => Ok((error(), (given[index].2, to_term(env, &why)?)).encode(env)),
    }
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

/// One step of a count of the descriptor table: `start` begins, the answer is the argument of the next step, or `done`.
#[rustler::nif]
fn scan<'a>(env: Env<'a>, state: Term<'a>) -> NifResult<Term<'a>> {
    let state = if state.is_atom() {
        let Begin::Start = from_term(state)?;
        Scan::start()
    } else {
        from_term(state)?
    };
    let next = state.step();
    consume_timeslice(env, SCAN_COST);
    match next {
        Some(scan) => Ok(to_term(env, &scan)?),
        None => Ok(done().encode(env)),
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Begin {
    Start,
}

/// Facts and judgement as a map, or `scan_needed`.
#[rustler::nif]
fn snapshot<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    with_snapshot(env, beam, thresholds, patience, Detail::Full, |snapshot| {
        Ok(to_term(env, snapshot)?)
    })
}

/// The snapshot as JSON, or `scan_needed`.
#[rustler::nif]
fn snapshot_json<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    with_snapshot(env, beam, thresholds, patience, Detail::Full, |snapshot| {
        Ok(to_term(env, &json::snapshot(snapshot).map_err(unwritten)?)?)
    })
}

/// The report as UTF-8 text for a charset (`ascii` or `unicode`), or `scan_needed`.
#[rustler::nif]
fn report<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
    charset: Term<'a>,
) -> NifResult<Term<'a>> {
    let charset: Charset = from_term(charset)?;
    with_snapshot(env, beam, thresholds, patience, Detail::Full, |snapshot| {
        Ok(to_term(env, &page::report(snapshot, charset))?)
    })
}
