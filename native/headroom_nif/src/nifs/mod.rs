//! The functions of `headroom_nif`: each decodes its arguments, calls the core and encodes the answer.
//!
//! What does not fit is `badarg`. What takes long is cut in steps by the core and looped over in Erlang.

mod hazards;
mod inventory;
mod node;
mod nofile;
mod pulse;
mod requirement;
mod why;

use headroom_core::snapshot::Snapshot;
use headroom_facts::beam::Beam;
use headroom_facts::reading::{Detail, Patience};
use headroom_facts::term::Value;
use headroom_facts::thresholds::Thresholds;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::types::MapIterator;
use rustler::{Encoder, Env, NifResult, Term};

use crate::term::{from_term, to_small_value};

rustler::atoms! { scan_needed }

/// Percent of a scheduler's millisecond that a call with a snapshot in it takes at most.
const SNAPSHOT_COST: i32 = 8;

/// Answers from a snapshot of this moment, or with `scan_needed`.
fn with_snapshot<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
    detail: Detail,
    answer: impl FnOnce(&Snapshot) -> NifResult<Term<'a>>,
) -> NifResult<Term<'a>> {
    let beam: Beam = from_term(beam)?;
    let thresholds: Thresholds = from_term(thresholds)?;
    let Ok(os) = os::read(beam.max_fds, patience_of(patience)?, detail) else {
        return Ok(scan_needed().encode(env));
    };
    let snapshot = Snapshot::new(Facts::new(os, beam, thresholds));
    let answer = answer(&snapshot);
    consume_timeslice(env, SNAPSHOT_COST);
    answer
}

/// The pairs of a map, or of a list of pairs, each with its key as it was given. Too many to be meant are `badarg`, and no
/// more of a value is looked at than one that is meant can have.
fn option_pairs(option: Term) -> NifResult<Vec<(Value, Value, Term)>> {
    const MOST: usize = 100;
    let mut pairs: Vec<(Term, Term)> = Vec::new();
    if option.is_map() {
        let all = MapIterator::new(option).ok_or(rustler::Error::BadArg)?;
        pairs.extend(all.take(MOST + 1));
    } else {
        // Its length would have to be counted to the end.
        let mut rest = option;
        while !rest.is_empty_list() && pairs.len() <= MOST {
            let (pair, tail) = rest.list_get_cell()?;
            pairs.push(pair.decode()?);
            rest = tail;
        }
    }
    if pairs.len() > MOST {
        return Err(rustler::Error::BadArg);
    }
    let pairs = pairs.into_iter();
    Ok(pairs
        .map(|(key, value)| (to_small_value(key), to_small_value(value), key))
        .collect())
}

fn patience_of(term: Term) -> NifResult<Patience> {
    Ok(from_term(term)?)
}

/// What could not be written as JSON is told as that.
fn unwritten(error: serde_json::Error) -> rustler::Error {
    rustler::Error::RaiseTerm(Box::new(error.to_string()))
}
