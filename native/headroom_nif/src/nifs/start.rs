//! What is asked once, when the application starts, and the last words before a node is halted.

use std::time::Duration;

use headroom_core::nofile::reserve::{self, Unusable};
use headroom_facts::boot::Boot;
use headroom_facts::term::Value;
use headroom_facts::thresholds::Thresholds;
use headroom_os as os;
use rustler::types::MapIterator;
use rustler::{Binary, Encoder, Env, NifResult, Term};

use super::pulse::binary;
use super::{error, ok, option};
use crate::term::{from_term, to_small_value, to_term};

rustler::atoms! { timeout }

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
fn thresholds<'a>(env: Env<'a>, wanted: Term<'a>) -> NifResult<Term<'a>> {
    let given = option::pairs(wanted)?;
    let pairs: Vec<_> = given.iter().map(|given| (&given.0, &given.1)).collect();
    match Thresholds::from_option(&pairs) {
        Ok(thresholds) => Ok((ok(), binary(env, thresholds.compact())).encode(env)),
        Err((index, why)) => Ok((error(), (given[index].2, why)).encode(env)),
    }
}

/// What an option or an argument asks to hold back: `{ok, #{fds, ports}}` or `{error, {Key, Why}}`, `{error, Why}`.
#[rustler::nif]
fn reserve_option<'a>(env: Env<'a>, given: Term<'a>) -> NifResult<Term<'a>> {
    let mut keys = Vec::new();
    let wanted = match MapIterator::new(given) {
        Some(pairs) => {
            let pairs = pairs.take(MOST_KEYS).map(|(key, value)| {
                keys.push(key);
                (to_small_value(key), count(value))
            });
            reserve::wanted(&Value::Map(pairs.collect()))
        }
        None => reserve::wanted(&count(given)),
    };
    Ok(match wanted {
        Ok(wanted) => (ok(), to_term(env, &wanted)?).encode(env),
        Err(Unusable::Key(index, why)) => (error(), (keys[index], why)).encode(env),
        Err(Unusable::Option(why)) => (error(), why).encode(env),
    })
}

/// Of a large map a few keys are looked at: more than two are wrong.
const MOST_KEYS: usize = 3;

/// A number too large to be read is far more than there can be, and no other thing than a number.
fn count(term: Term) -> Value {
    match to_small_value(term) {
        Value::Opaque if term.is_integer() && term > 0.encode(term.get_env()) => {
            Value::Integer(i64::MAX)
        }
        value => value,
    }
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
