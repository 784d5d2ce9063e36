//! The functions of `headroom_nif`: each decodes its arguments, calls the core and encodes the answer.
//!
//! What does not fit is `badarg`. What takes long is cut in steps by the core and looped over in Erlang.

mod hazards;
mod node;
mod nofile;
mod probes;
mod requirement;
mod why;

use headroom_core::snapshot::Snapshot;
use headroom_facts::beam::Beam;
use headroom_facts::reading::{Detail, Patience};
use headroom_facts::thresholds::Thresholds;
use headroom_facts::Facts;
use headroom_os as os;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, NifResult, Term};

use crate::term::from_term;

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

fn patience_of(term: Term) -> NifResult<Patience> {
    Ok(from_term(term)?)
}

/// What could not be written as JSON is told as that.
fn unwritten(error: serde_json::Error) -> rustler::Error {
    rustler::Error::RaiseTerm(Box::new(error.to_string()))
}
