//! The words for people and machines. The same everywhere: at the prompt, in a log, in JSON.

pub mod explain;
pub mod json;
pub mod plugin;
pub mod refusal;
pub mod start;
pub mod text;
pub mod threads;
