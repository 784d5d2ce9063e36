//! The first elements of a tuple of any size: rustler's own way copies them all, which for a large one holds a scheduler.

use std::ptr;

use rustler::sys::{enif_get_tuple, ErlNifTerm};
use rustler::{Env, Term};

/// Elements of a tuple where they stand: nothing is copied.
#[derive(Clone)]
pub struct Elements<'a> {
    env: Env<'a>,
    terms: std::slice::Iter<'a, ErlNifTerm>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Term<'a>;

    #[inline]
    fn next(&mut self) -> Option<Term<'a>> {
        let term = self.terms.next()?;
        // SAFETY: an element of a tuple of env is a term of env.
        Some(unsafe { Term::new(self.env, *term) })
    }
}

/// At most `most` elements from the start; `None` if the term is no tuple.
pub fn first_elements<'a>(term: Term<'a>, most: usize) -> Option<Elements<'a>> {
    let env = term.get_env();
    let mut arity = 0;
    let mut elements: *const ErlNifTerm = ptr::null();
    // SAFETY: term belongs to env; the emulator writes the arity and a pointer to so many terms that live as long as env.
    let terms: &'a [ErlNifTerm] = unsafe {
        if enif_get_tuple(env.as_c_arg(), term.as_c_arg(), &mut arity, &mut elements) != 1 {
            return None;
        }
        match usize::try_from(arity).ok()? {
            0 => &[],
            arity => std::slice::from_raw_parts(elements, arity.min(most)),
        }
    };
    let terms = terms.iter();
    Some(Elements { env, terms })
}

/// The elements of a tuple of exactly this size.
pub fn elements<'a, const SIZE: usize>(term: Term<'a>) -> Option<[Term<'a>; SIZE]> {
    let mut elements = first_elements(term, SIZE + 1)?;
    if elements.terms.len() != SIZE {
        return None;
    }
    let mut array = [term; SIZE];
    array.fill_with(|| elements.next().unwrap_or(term));
    Some(array)
}
