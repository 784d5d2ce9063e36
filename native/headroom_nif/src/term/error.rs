//! The one error of both directions. For a caller's argument it becomes `badarg`; for facts it says which key does not fit.

use std::fmt;

/// What does not fit, and where it stands: the innermost key last found is the first of the path.
#[derive(Debug, Default)]
pub struct Mismatch {
    path: Vec<String>,
    why: String,
}

impl Mismatch {
    pub fn new(why: &str) -> Mismatch {
        Mismatch {
            path: Vec::new(),
            why: why.into(),
        }
    }

    /// The same, seen from the map or list around it.
    pub fn under(mut self, key: String) -> Mismatch {
        self.path.push(key);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for key in self.path.iter().rev() {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Mismatch {}

impl serde::ser::Error for Mismatch {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Mismatch::new(&why.to_string())
    }
}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Mismatch::new(&why.to_string())
    }
}

impl From<rustler::Error> for Mismatch {
    fn from(_: rustler::Error) -> Self {
        Mismatch::new("a term of another kind was expected")
    }
}

impl From<Mismatch> for rustler::Error {
    fn from(_: Mismatch) -> Self {
        rustler::Error::BadArg
    }
}
