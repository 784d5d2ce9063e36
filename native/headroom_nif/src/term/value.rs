//! From any term to the core's plain [`Value`], bounded in size so that no term can hold a scheduler.

use headroom_facts::term::Value;
use rustler::types::MapIterator;
use rustler::{Binary, NifResult, Term, TermType};

use super::tuple::first_elements;

/// How many terms are looked at; the rest is opaque.
const TERMS: usize = 2_000;
/// How deep terms may nest.
const DEPTH: usize = 24;
/// How much of a binary is kept.
const BYTES: usize = 4_096;
/// How much of all binaries together.
const ALL_BYTES: usize = 8_192;

/// What may still be looked at.
struct Budget {
    terms: usize,
    bytes: usize,
}

/// A term as plain data.
pub fn to_value(term: Term) -> Value {
    let mut budget = Budget {
        terms: TERMS,
        bytes: ALL_BYTES,
    };
    value(term, DEPTH, &mut budget)
}

/// A part of an option as plain data: as much of it as an option that is meant can have.
pub fn to_small_value(term: Term) -> Value {
    let mut budget = Budget {
        terms: 32,
        bytes: 256,
    };
    value(term, DEPTH, &mut budget)
}

/// Runs `f` over the text of an atom.
pub fn atom_text<R>(term: Term, f: impl FnOnce(&str) -> R) -> NifResult<R> {
    Ok(f(&term.atom_to_string()?))
}

fn value(term: Term, depth: usize, budget: &mut Budget) -> Value {
    if depth == 0 || budget.terms == 0 {
        return Value::Opaque;
    }
    budget.terms -= 1;
    known(term, depth - 1, budget).unwrap_or(Value::Opaque)
}

fn known(term: Term, depth: usize, budget: &mut Budget) -> NifResult<Value> {
    Ok(match term.get_type() {
        TermType::Atom => Value::Atom(term.atom_to_string()?),
        TermType::Integer => Value::Integer(term.decode()?),
        TermType::Float => Value::Float(term.decode()?),
        TermType::Binary => {
            let bytes = Binary::from_term(term)?.as_slice();
            let kept = bytes.len().min(BYTES).min(budget.bytes);
            budget.bytes -= kept;
            Value::Binary(bytes[..kept].to_vec())
        }
        TermType::List => list(term, depth, budget)?,
        TermType::Tuple => {
            let elements = first_elements(term, TERMS).ok_or(rustler::Error::BadArg)?;
            Value::Tuple(
                elements
                    .into_iter()
                    .map(|element| value(element, depth, budget))
                    .collect(),
            )
        }
        TermType::Map => {
            let pairs = MapIterator::new(term).ok_or(rustler::Error::BadArg)?;
            let mut out = Vec::new();
            for (key, element) in pairs {
                if budget.terms == 0 {
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
    while budget.terms > 0 {
        let Ok((head, tail)) = rest.list_get_cell() else {
            break;
        };
        items.push(value(head, depth, budget));
        rest = tail;
    }
    Ok(Value::List(items))
}
