//! The judgement of facts about the limits of a BEAM node, and the words for it: plain data and pure functions.
//!
//! It knows no operating system: facts are handed in.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[macro_use]
extern crate headroom_facts;

pub mod advise;
pub mod assess;
pub mod autopsy;
pub mod explain;
pub mod finding;
pub mod hazards;
pub mod holders;
pub mod lint;
pub mod measure;
pub mod metrics;
pub mod nofile;
pub mod number;
pub mod plan;
pub mod question;
pub mod render;
pub mod requirement;
pub mod snapshot;
pub mod status;
pub mod threads;
pub mod trend;
