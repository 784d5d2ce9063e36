//! The watched node: samples and what they say, in memory that outlives the process that feeds it.
//!
//! A lock is held only while a sample goes in or a copy comes out; what takes longer is done on the copy.

use std::sync::{Mutex, MutexGuard, PoisonError};

use headroom_core::metrics;
use headroom_core::render::{chart, cluster, json, report::Charset, trend as page, watch as lines};
use headroom_core::snapshot::Snapshot;
use headroom_core::trend::groups::Held;
use headroom_core::trend::{Clock, Watch};
use headroom_facts::probe::Peak;
use headroom_facts::reading::Detail;
use headroom_facts::vocabulary::{Known, Name};
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, NifResult, Term};
use serde::Serialize;

use super::moment::{patience_of, unanswered, vitals_of};
use super::pulse::{binary, facts, unkept, FIXED};
use super::{ok, scan_needed};
use crate::term::{from_term, to_term};

rustler::atoms! { not_watched, data, text }

/// Percent of a scheduler's millisecond that a sample takes at most, a line for the log included.
const SAMPLE_COST: i32 = 8;

static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

/// A panic while it was held has changed nothing that could not be told: samples are whole or not there.
fn watch() -> MutexGuard<'static, Option<Watch>> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

fn clock(system_ms: i64) -> Clock {
    Clock {
        uptime_ms: os::moment().uptime_ms,
        system_ms,
    }
}

/// The limits that were reached lately, for whoever asks why a call failed.
pub(super) fn recorded(system_ms: i64) -> Vec<Peak> {
    let watch = watch();
    watch
        .as_ref()
        .map_or(Vec::new(), |watch| watch.recorded(clock(system_ms)))
}

/// What grows as the trends were last looked at, in sentences for a report.
pub(super) fn growing(system_ms: i64) -> Option<String> {
    let data = watch().as_ref()?.data(clock(system_ms));
    lines::growing(&data)
}

/// What a sample brought.
#[derive(Serialize)]
struct Sampled {
    /// The level that is to be told, and the line that tells it.
    turn: Option<Told>,
    /// Of these nothing is left since now.
    emptied: Vec<Name>,
    /// Each resource that is known, as its use and its limit.
    used: Vec<(Name, u64, Option<u64>)>,
}

#[derive(Serialize)]
struct Told {
    from: headroom_facts::vocabulary::Level,
    to: headroom_facts::vocabulary::Level,
    line: String,
}

/// Takes a sample; what it brought, or `scan_needed`, or `unkept`.
#[rustler::nif]
fn sample<'a>(
    env: Env<'a>,
    vitals: Term<'a>,
    ets_tables: u64,
    interval_ms: u64,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let snapshot = match snapshot(env, vitals, ets_tables, patience)? {
        Ok(snapshot) => snapshot,
        Err(not_yet) => return Ok(not_yet),
    };
    let now_ms = os::moment().uptime_ms;
    let mut memory = watch();
    // Samples at other distances are other samples.
    let kept = memory
        .take()
        .filter(|watch| watch.samples().interval_ms() == interval_ms.max(1));
    let watch = memory.insert(kept.unwrap_or_else(|| Watch::new(interval_ms)));
    let tick = watch.tick(now_ms, &snapshot);
    drop(memory);
    consume_timeslice(env, SAMPLE_COST);
    let sampled = Sampled {
        turn: tick.turn.map(|turn| Told {
            from: turn.from,
            to: turn.to,
            line: lines::turned(&snapshot, turn),
        }),
        emptied: tick.emptied,
        used: lines::used(&snapshot),
    };
    Ok(to_term(env, &sampled)?)
}

fn snapshot<'a>(
    env: Env<'a>,
    vitals: Term<'a>,
    ets_tables: u64,
    patience: Term<'a>,
) -> NifResult<Result<Snapshot, Term<'a>>> {
    let vitals = vitals_of(vitals)?;
    let Some(fixed) = FIXED.get() else {
        return Ok(Err(unkept().encode(env)));
    };
    let Ok(system) = os::read(fixed.max_fds, patience_of(patience)?, Detail::Limits) else {
        return Ok(Err(scan_needed().encode(env)));
    };
    let mut tables = fixed.tables(&vitals);
    tables.ets_tables.0 = Known::Is(ets_tables);
    Ok(Ok(Snapshot::new(facts(system, fixed, tables, &vitals))))
}

/// Notes what holds most descriptors.
#[rustler::nif]
fn note_holder(env: Env, holder: String) -> Term {
    if let Some(watch) = watch().as_mut() {
        watch.note_holder(&holder);
    }
    ok().encode(env)
}

/// Notes who holds how many descriptors: groups with their counts, and how many of these are idle.
#[rustler::nif]
fn note_groups<'a>(env: Env<'a>, groups: Term<'a>) -> NifResult<Term<'a>> {
    let groups: Vec<Held> = from_term(groups)?;
    if let Some(watch) = watch().as_mut() {
        watch.note_groups(os::moment().uptime_ms, groups);
    }
    Ok(ok().encode(env))
}

/// Looks at the trends: whether descriptors or ports grow, and the alarms that were raised or cleared by it, each with a line that tells it.
#[rustler::nif(schedule = "DirtyCpu")]
fn trends(env: Env, system_ms: i64) -> NifResult<Term> {
    let Some(copy) = watch().clone() else {
        return Ok(to_term(env, &(false, Vec::<()>::new()))?);
    };
    let clock = clock(system_ms);
    let outlooks = copy.outlooks(clock.week_ms());
    let mut memory = watch();
    let Some(watch) = memory.as_mut() else {
        return Ok(to_term(env, &(false, Vec::<()>::new()))?);
    };
    let turned = watch.keep(outlooks);
    let data = watch.data(clock);
    let grow = watch.holders_grow();
    drop(memory);
    let told = turned
        .into_iter()
        .map(|(name, raised)| (name, raised, lines::alarm(&data, name, raised)));
    Ok(to_term(env, &(grow, told.collect::<Vec<_>>()))?)
}

/// What is remembered, with the trends of this moment.
fn fresh(system_ms: i64) -> Option<(Watch, headroom_core::trend::Data)> {
    let clock = clock(system_ms);
    let mut copy = watch().clone()?;
    copy.show(copy.outlooks(clock.week_ms()));
    let data = copy.data(clock);
    Some((copy, data))
}

/// What the samples say as a map, or `not_watched`.
#[rustler::nif(schedule = "DirtyCpu")]
fn trend_data(env: Env, system_ms: i64) -> NifResult<Term> {
    match fresh(system_ms) {
        Some((_, data)) => Ok(to_term(env, &data)?),
        None => Ok(not_watched().encode(env)),
    }
}

/// The same as JSON, or `not_watched`.
#[rustler::nif(schedule = "DirtyCpu")]
fn trend_json(env: Env, system_ms: i64) -> NifResult<Term> {
    match fresh(system_ms) {
        Some((_, data)) => {
            let json = json::trend(&data).map_err(|error| unanswered(error.to_string()))?;
            Ok(binary(env, json))
        }
        None => Ok(not_watched().encode(env)),
    }
}

/// The same as text with charts, or `not_watched`.
#[rustler::nif(schedule = "DirtyCpu")]
fn trend_text<'a>(env: Env<'a>, system_ms: i64, charset: Term<'a>) -> NifResult<Term<'a>> {
    let charset: Charset = from_term(charset)?;
    match fresh(system_ms) {
        Some((watch, data)) => Ok(binary(env, page::trend(&watch, &data, charset))),
        None => Ok(not_watched().encode(env)),
    }
}

/// The same as a picture in SVG, or `not_watched`.
#[rustler::nif(schedule = "DirtyCpu")]
fn trend_chart(env: Env, system_ms: i64) -> NifResult<Term> {
    match fresh(system_ms) {
        Some((watch, data)) => {
            let svg = chart::svg(&watch, &data).map_err(unanswered)?;
            Ok(binary(env, svg))
        }
        None => Ok(not_watched().encode(env)),
    }
}

/// The metrics of this moment as `data` or as `text`, or `scan_needed`, or `unkept`.
#[rustler::nif]
fn metrics<'a>(
    env: Env<'a>,
    form: Term<'a>,
    vitals: Term<'a>,
    ets_tables: u64,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let snapshot = match snapshot(env, vitals, ets_tables, patience)? {
        Ok(snapshot) => snapshot,
        Err(not_yet) => return Ok(not_yet),
    };
    let metrics = metrics::metrics(&snapshot, watch().as_ref());
    consume_timeslice(env, 10 * SAMPLE_COST);
    if form == data().to_term(env) {
        return Ok(to_term(env, &metrics)?);
    }
    if form != text().to_term(env) {
        return Err(rustler::Error::BadArg);
    }
    let text = metrics::prometheus(metrics);
    let text = text.map_err(|error| unanswered(error.to_string()))?;
    Ok(binary(env, text))
}

/// What another node is told of this one, or `scan_needed`, or `unkept`.
#[rustler::nif]
fn sketch<'a>(
    env: Env<'a>,
    vitals: Term<'a>,
    ets_tables: u64,
    patience: Term<'a>,
) -> NifResult<Term<'a>> {
    let snapshot = match snapshot(env, vitals, ets_tables, patience)? {
        Ok(snapshot) => snapshot,
        Err(not_yet) => return Ok(not_yet),
    };
    consume_timeslice(env, SAMPLE_COST);
    let sketch = cluster::Sketch::new(&snapshot, watch().as_ref());
    Ok(to_term(env, &sketch)?)
}

/// The nodes of a cluster as a table.
#[rustler::nif]
fn cluster_text<'a>(env: Env<'a>, rows: Term<'a>) -> NifResult<Term<'a>> {
    let rows: Vec<cluster::Row> = from_term(rows)?;
    Ok(binary(env, cluster::table(&rows)))
}
