//! The text of an atom where the caller wants it: rustler's own way asks the emulator twice, and allocates.

use rustler::sys::{enif_get_atom, ErlNifCharEncoding};
use rustler::Term;

/// Room for the longest atom, of 255 characters, and the zero behind it.
pub const LONGEST: usize = 256;

/// The characters of an atom, one byte each; `None` if the term is no atom, or has other characters.
pub fn latin1<'b>(term: Term, buffer: &'b mut [u8; LONGEST]) -> Option<&'b [u8]> {
    // SAFETY: term belongs to its env; the emulator writes at most LONGEST bytes, and says how many with the zero.
    let written = unsafe {
        enif_get_atom(
            term.get_env().as_c_arg(),
            term.as_c_arg(),
            buffer.as_mut_ptr().cast(),
            LONGEST as _,
            ErlNifCharEncoding::ERL_NIF_LATIN1,
        )
    };
    let length = usize::try_from(written).ok()?.checked_sub(1)?;
    buffer.get(..length)
}
