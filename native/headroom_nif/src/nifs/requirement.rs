//! What is required of the node, and the last words before it is halted.

use std::time::Duration;

use headroom_core::render::refusal;
use headroom_core::requirement::Requirements;
use headroom_facts::reading::Detail;
use headroom_os as os;
use rustler::{Binary, Encoder, Env, NifResult, Term};

use super::{option_pairs, with_snapshot};
use crate::term::to_term;

rustler::atoms! { met, unmet, bad_requirement, ok, timeout }

/// `met`, `{unmet, Findings, Text}`, `{bad_requirement, Key, Why}` with `Key` as it was given, or `scan_needed`.
#[rustler::nif]
fn requirement<'a>(
    env: Env<'a>,
    beam: Term<'a>,
    thresholds: Term<'a>,
    patience: Term<'a>,
    required: Term<'a>,
) -> NifResult<Term<'a>> {
    let given = option_pairs(required)?;
    let pairs: Vec<_> = given.iter().map(|given| (&given.0, &given.1)).collect();
    let required = match Requirements::from_option(&pairs) {
        Ok(required) => required,
        Err((index, why)) => {
            let why = to_term(env, &why)?;
            return Ok((bad_requirement(), given[index].2, why).encode(env));
        }
    };
    with_snapshot(
        env,
        beam,
        thresholds,
        patience,
        Detail::Limits,
        |snapshot| {
            let findings = required.unmet(&snapshot.facts);
            if findings.is_empty() {
                return Ok(met().encode(env));
            }
            let text = refusal::unmet(&findings, required.len(), &snapshot.facts);
            Ok((unmet(), to_term(env, &findings)?, to_term(env, &text)?).encode(env))
        },
    )
}

/// Writes to the standard error of the OS process: `ok`, or `timeout` when nobody took the text within a second.
///
/// Meant for the moment before a halt: after `timeout` a thread still waits to write.
#[rustler::nif(schedule = "DirtyCpu")]
fn last_words<'a>(env: Env<'a>, text: Binary<'a>) -> Term<'a> {
    match os::last_words(text.to_vec(), Duration::from_secs(1)) {
        true => ok().encode(env),
        false => timeout().encode(env),
    }
}
