//! An answer as text: nothing is asked and nothing read.

use headroom_core::render::dialect::Dialect;
use headroom_core::render::show;
use rustler::{Encoder, Env, NifResult, Term};

use crate::term::{from_term, to_term, to_value_within, Bounds};

rustler::atoms! { unknown }

/// The text of what a function of headroom answered, for a prompt of `erlang` or `elixir`; `unknown` for any other term.
#[rustler::nif(schedule = "DirtyCpu")]
fn show<'a>(env: Env<'a>, answer: Term<'a>, dialect: Term<'a>) -> NifResult<Term<'a>> {
    let dialect: Dialect = from_term(dialect)?;
    let answer = to_value_within(answer, Bounds::LONG).value;
    match show::show(&answer, dialect) {
        Some(text) => Ok(to_term(env, &text)?),
        None => Ok(unknown().encode(env)),
    }
}
