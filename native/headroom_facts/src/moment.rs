//! When something was said, on a clock that nobody sets.

use serde::{Deserialize, Serialize};

/// When something was said: time since the machine was started, and which start that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Time since the machine was started, in milliseconds.
    pub uptime_ms: u64,
    /// Which start of the machine; nothing where the system does not say.
    pub boot_id: Option<String>,
}
