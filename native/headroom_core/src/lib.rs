//! The product: facts about the limits of a BEAM node, the judgement of them and the words for them.
//!
//! Everything here is plain data and pure functions, except [`os`], which asks the operating system and is the only place
//! with `unsafe`. Arrows point down only: `render` and `assess` read a [`snapshot`], which joins [`os`] and [`beam`].
#![deny(unsafe_code)]
#![deny(missing_docs)]

#[macro_use]
mod atoms;

pub mod assess;
pub mod beam;
pub mod boot;
pub mod explain;
pub mod exposure;
pub mod nofile;
pub mod number;
#[allow(unsafe_code)]
pub mod os;
pub mod raise;
pub mod render;
pub mod requirement;
pub mod reserve;
pub mod snapshot;
pub mod status;
pub mod thresholds;
pub mod unreadable;
pub mod value;
pub mod vocabulary;
