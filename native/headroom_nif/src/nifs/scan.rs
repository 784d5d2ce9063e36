//! The count of the descriptor table in steps, for kernels that do not say it at once.

use headroom_os::Scan;
use rustler::schedule::consume_timeslice;
use rustler::{Encoder, Env, NifResult, Term};

use crate::term::{from_term, to_term};

rustler::atoms! { done }

/// Percent of a scheduler's millisecond that a step takes.
const COST: i32 = 25;

/// One step: `start` begins, the answer is the argument of the next step, or `done`.
#[rustler::nif]
fn scan<'a>(env: Env<'a>, state: Term<'a>) -> NifResult<Term<'a>> {
    let state = if state.is_atom() {
        let Begin::Start = from_term(state)?;
        Scan::start()
    } else {
        from_term(state)?
    };
    let next = state.step();
    consume_timeslice(env, COST);
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
