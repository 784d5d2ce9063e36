//! The one door for changes: the soft limit of descriptors, raised, clamped, lowered for a reserve, given back.

use headroom_core::nofile::{self, Decide, Error, Outcome};
use headroom_facts::beam::Reserved;
use headroom_facts::reading::Detail;
use headroom_facts::vocabulary::Limit;
use headroom_facts::wanted::Wanted;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, NifResult, Term};
use serde::Serialize;

use super::moment::{Moment, COST};
use super::{error, ok, scan_needed, undefined};
use crate::term::{atom_text, elements, from_term, to_term};

/// What is to be changed.
enum Change {
    Raise(Wanted),
    Clamp,
    Reserve(Reserved),
    Release,
}

/// What came of a change.
#[derive(Serialize)]
#[serde(untagged)]
enum Changed {
    Raised(nofile::Raised),
    Clamped(nofile::Clamped),
    Soft(Limit),
    Count(u64),
}

/// Carries a change out: `{ok, What}`, `{error, Why}`, or `scan_needed`.
#[rustler::nif]
fn change<'a>(env: Env<'a>, what: Term<'a>, moment: Term<'a>) -> NifResult<Term<'a>> {
    let change = wanted(what)?;
    let moment = Moment::from_term(moment)?;
    let Ok(system) = moment.system(Detail::Limits) else {
        return Ok(scan_needed().encode(env));
    };
    let kept = moment.beam.reserved.fds;
    let facts = Facts::new(system, moment.beam, moment.thresholds);
    let max_fds = facts.nofile.max_fds;
    let changed = match change {
        Change::Raise(wanted) => nofile::raise(wanted, &facts, setting(kept)).map(Changed::Raised),
        Change::Clamp => nofile::clamp(max_fds, setting(kept)).map(Changed::Clamped),
        Change::Reserve(wanted) => {
            nofile::reserve(wanted, &facts, setting(kept)).map(Changed::Soft)
        }
        Change::Release => nofile::release(max_fds, setting(kept)).map(Changed::Count),
    };
    consume_timeslice(env, COST);
    answer(env, changed)
}

fn wanted(term: Term) -> NifResult<Change> {
    let change = if let Some([name, argument]) = elements(term) {
        match atom_text(name, Kind::parse)? {
            Some(Kind::Raise) => Some(Change::Raise(from_term(argument)?)),
            Some(Kind::Reserve) => Some(Change::Reserve(from_term(argument)?)),
            _ => None,
        }
    } else {
        match atom_text(term, Kind::parse)? {
            Some(Kind::Clamp) => Some(Change::Clamp),
            Some(Kind::Release) => Some(Change::Release),
            _ => None,
        }
    };
    change.ok_or(rustler::Error::BadArg)
}

headroom_facts::atoms! {
    /// The names of changes.
    pub enum Kind {
        /// `{raise, N | max}`
        Raise = "raise",
        /// `clamp`
        Clamp = "clamp",
        /// `{reserve, #{fds, ports}}`
        Reserve = "reserve",
        /// `release`
        Release = "release",
    }
}

/// What carries a decision out. `kept` as in [`os::change`].
pub(super) fn setting(kept: u64) -> impl FnOnce(Decide) -> Outcome {
    move |decide| os::change(kept, decide)
}

fn answer<'a>(env: Env<'a>, result: Result<Changed, Error>) -> NifResult<Term<'a>> {
    Ok(match result {
        Ok(value) => (ok(), to_term(env, &value)?).encode(env),
        Err(reason) => (error(), to_term(env, &reason)?).encode(env),
    })
}

/// The descriptors that are held back, or `undefined` while this library has not heard of any change.
#[rustler::nif]
fn reserved_fds(env: Env) -> Term {
    match os::reserved() {
        Some(fds) => fds.encode(env),
        None => undefined().encode(env),
    }
}
