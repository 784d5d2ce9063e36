//! What can be known about the limits of a BEAM node: plain data, that of the operating system beside that of the VM.
//!
//! Nothing here asks anybody and nothing judges: facts come from `headroom_os`, from the VM, or from JSON that a user sent.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[doc(hidden)]
pub use serde;

#[macro_use]
mod atoms;

pub mod beam;
pub mod boot;
pub mod change;
pub mod configured;
pub mod dump;
pub mod exposure;
mod facts;
pub mod inventory;
pub mod moment;
pub mod otp;
pub mod owners;
pub mod probe;
pub mod quotas;
pub mod reading;
pub mod release;
pub mod term;
pub mod thresholds;
pub mod unreadable;
pub mod vocabulary;
pub mod wanted;

pub use facts::{Facts, Fds, Nofile, System};
