//! The NIF library: decodes terms, calls the core, encodes terms. It knows no file of the system and takes no decision.
#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod entry;
mod nifs;
mod term;
