//! The words for people and machines. The same everywhere: at the prompt, in a log, in JSON.

pub mod autopsy;
pub mod chart;
pub mod cluster;
pub mod dialect;
pub mod files;
pub mod holders;
pub mod json;
pub mod lint;
pub mod page;
pub mod plan;
pub mod plugin;
pub mod refusal;
pub mod report;
pub mod show;
pub mod start;
pub mod threads;
pub mod trend;
pub mod verdict;
pub mod watch;
