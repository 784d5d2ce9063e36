//! Between Erlang terms and the core's types. One set of serde implementations serves JSON and terms.

mod de;
mod error;
mod ser;
mod value;

pub use crate::entry::tuple::elements;
pub use de::from_term;
pub use error::Mismatch;
pub use ser::to_term;
pub use value::{atom_text, to_small_value, to_value, to_value_within, Bounds, Seen};
