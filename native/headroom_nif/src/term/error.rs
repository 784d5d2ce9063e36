//! The one error of both directions: callers answer `badarg` to it, so it carries nothing.

use std::fmt;

#[derive(Debug)]
pub struct Mismatch;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the term does not fit")
    }
}

impl std::error::Error for Mismatch {}

impl serde::ser::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Mismatch
    }
}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Mismatch
    }
}

impl From<rustler::Error> for Mismatch {
    fn from(_: rustler::Error) -> Self {
        Mismatch
    }
}

impl From<Mismatch> for rustler::Error {
    fn from(_: Mismatch) -> Self {
        rustler::Error::BadArg
    }
}
