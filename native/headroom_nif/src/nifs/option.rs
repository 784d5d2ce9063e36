//! The pairs of an option, as a user wrote them.

use headroom_facts::term::Value;
use rustler::types::MapIterator;
use rustler::{Error, NifResult, Term};

use crate::term::to_small_value;

/// A key and its value, and the key as it was given.
pub type Pair<'a> = (Value, Value, Term<'a>);

/// The pairs of a map, or of a list of pairs. Too many to be meant are `badarg`, and no more of a value is looked at than
/// one that is meant can have.
pub fn pairs(option: Term) -> NifResult<Vec<Pair>> {
    const MOST: usize = 100;
    let mut pairs: Vec<(Term, Term)> = Vec::new();
    if option.is_map() {
        let all = MapIterator::new(option).ok_or(Error::BadArg)?;
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
        return Err(Error::BadArg);
    }
    let pairs = pairs.into_iter();
    Ok(pairs
        .map(|(key, value)| (to_small_value(key), to_small_value(value), key))
        .collect())
}
