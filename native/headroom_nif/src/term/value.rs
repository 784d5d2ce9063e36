//! From any term to the core's plain [`Value`], bounded in size so that no term can hold a scheduler.

use headroom_facts::term::Value;
use rustler::types::MapIterator;
use rustler::{Binary, NifResult, Term, TermType};

use crate::entry::atom::{latin1, LONGEST};
use crate::entry::tuple::first_elements;

/// How deep terms may nest.
const DEPTH: usize = 24;

/// How much of a term is looked at; the rest is opaque.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// Terms in all.
    terms: usize,
    /// Bytes of one binary: its beginning and its end.
    binary: usize,
    /// Bytes of all binaries together.
    bytes: usize,
}

impl Bounds {
    /// What takes much less than a millisecond whatever it says: a parenthesis in each place is what takes longest.
    pub const SHORT: Bounds = Bounds {
        terms: 1_000,
        binary: 2_048,
        bytes: 2_048,
    };
    /// As much of an option as an option that is meant can have.
    pub const OPTION: Bounds = Bounds {
        terms: 32,
        binary: 256,
        bytes: 256,
    };
    /// For those who do not hold a normal scheduler.
    pub const LONG: Bounds = Bounds {
        terms: 2_000,
        binary: 1 << 20,
        bytes: 1 << 20,
    };
}

/// What may still be looked at, and what was left out.
struct Budget {
    bounds: Bounds,
    unread: u64,
    cut: bool,
}

/// A term as plain data, as far as it was looked at.
pub struct Seen {
    pub value: Value,
    /// Bytes of its texts that were left out.
    pub unread: u64,
    /// There is more of it, of whatever kind.
    pub cut: bool,
}

/// A term as plain data.
pub fn to_value(term: Term) -> Value {
    to_value_within(term, Bounds::SHORT).value
}

/// A part of an option as plain data.
pub fn to_small_value(term: Term) -> Value {
    to_value_within(term, Bounds::OPTION).value
}

/// A term as plain data, and what of it is not.
pub fn to_value_within(term: Term, bounds: Bounds) -> Seen {
    let mut budget = Budget {
        bounds,
        unread: 0,
        cut: false,
    };
    let value = value(term, DEPTH, &mut budget);
    Seen {
        value,
        unread: budget.unread,
        cut: budget.cut || budget.bounds.terms == 0,
    }
}

/// Runs `f` over the text of an atom.
pub fn atom_text<R>(term: Term, f: impl FnOnce(&str) -> R) -> NifResult<R> {
    let mut buffer = [0; LONGEST];
    let characters = latin1(term, &mut buffer).ok_or(rustler::Error::BadArg)?;
    Ok(match std::str::from_utf8(characters) {
        Ok(text) if text.is_ascii() => f(text),
        _ => f(&characters
            .iter()
            .map(|&c| char::from(c))
            .collect::<String>()),
    })
}

fn value(term: Term, depth: usize, budget: &mut Budget) -> Value {
    if depth == 0 || budget.bounds.terms == 0 {
        return Value::Opaque;
    }
    budget.bounds.terms -= 1;
    known(term, depth - 1, budget).unwrap_or(Value::Opaque)
}

fn known(term: Term, depth: usize, budget: &mut Budget) -> NifResult<Value> {
    Ok(match term.get_type() {
        TermType::Atom => Value::Atom(atom_text(term, str::to_owned)?),
        TermType::Integer => Value::Integer(term.decode()?),
        TermType::Float => Value::Float(term.decode()?),
        TermType::Binary => {
            let bytes = Binary::from_term(term)?.as_slice();
            Value::Binary(ends(bytes, budget))
        }
        TermType::List => list(term, depth, budget)?,
        TermType::Tuple => {
            let elements =
                first_elements(term, budget.bounds.terms).ok_or(rustler::Error::BadArg)?;
            Value::Tuple(
                elements
                    .map(|element| value(element, depth, budget))
                    .collect(),
            )
        }
        TermType::Map => {
            let pairs = MapIterator::new(term).ok_or(rustler::Error::BadArg)?;
            let mut out = Vec::new();
            for (key, element) in pairs {
                if budget.bounds.terms == 0 {
                    break;
                }
                out.push((value(key, depth, budget), value(element, depth, budget)));
            }
            Value::Map(out)
        }
        _ => Value::Opaque,
    })
}

/// A list that is improper, or cut off, keeps its beginning.
fn list(term: Term, depth: usize, budget: &mut Budget) -> NifResult<Value> {
    let mut items = Vec::new();
    let mut rest = term;
    while budget.bounds.terms > 0 {
        let Ok((head, tail)) = rest.list_get_cell() else {
            break;
        };
        items.push(value(head, depth, budget));
        rest = tail;
    }
    Ok(Value::List(items))
}

/// The beginning and the end of a text that is too long: a report has its reason at one of them. A line ends between them.
fn ends(bytes: &[u8], budget: &mut Budget) -> Vec<u8> {
    let kept = bytes
        .len()
        .min(budget.bounds.binary)
        .min(budget.bounds.bytes);
    budget.bounds.bytes -= kept;
    if kept == bytes.len() {
        return bytes.to_vec();
    }
    budget.unread += (bytes.len() - kept) as u64;
    budget.cut = true;
    let half = kept / 2;
    let mut ends = bytes[..half].to_vec();
    ends.push(b'\n');
    ends.extend_from_slice(&bytes[bytes.len() - (kept - half)..]);
    ends
}
