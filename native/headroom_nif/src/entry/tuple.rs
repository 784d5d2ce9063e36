//! The first elements of a tuple of any size: rustler's own way copies them all, which for a large one holds a scheduler.

use std::ptr;

use rustler::sys::{enif_get_tuple, ErlNifTerm};
use rustler::Term;

/// At most `most` elements from the start; `None` if the term is no tuple.
pub fn first_elements<'a>(term: Term<'a>, most: usize) -> Option<Vec<Term<'a>>> {
    let env = term.get_env();
    let mut arity = 0;
    let mut elements: *const ErlNifTerm = ptr::null();
    // SAFETY: term belongs to env; the emulator writes the arity and a pointer to so many terms that live as long as env.
    let elements = unsafe {
        if enif_get_tuple(env.as_c_arg(), term.as_c_arg(), &mut arity, &mut elements) != 1 {
            return None;
        }
        let arity = usize::try_from(arity).ok()?;
        if arity == 0 {
            return Some(Vec::new());
        }
        std::slice::from_raw_parts(elements, arity.min(most))
    };
    // SAFETY: each of them is a term of env.
    let term = |element: &ErlNifTerm| unsafe { Term::new(env, *element) };
    Some(elements.iter().map(term).collect())
}

/// The elements of a tuple of exactly this size.
pub fn elements<'a, const SIZE: usize>(term: Term<'a>) -> Option<[Term<'a>; SIZE]> {
    first_elements(term, SIZE + 1)?.try_into().ok()
}
