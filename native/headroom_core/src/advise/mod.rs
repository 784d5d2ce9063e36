//! What to do: at once, at the next start, to reach a stated number, and all of it on one sheet. Every line that can be
//! pasted is made in [`lines`], which says where it goes as data.

pub mod boot;
pub mod goal;
pub mod lines;
pub mod now;
pub mod sheet;
