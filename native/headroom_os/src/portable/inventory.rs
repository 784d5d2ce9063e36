//! Other systems: no descriptor is looked at, and the look says that it is not complete.

use headroom_facts::inventory::{Descriptor, Identity};
use headroom_facts::unreadable::{Reason, Word};

/// How many single ones are looked at in one call.
pub const AT_ONCE: usize = 512;

/// Somebody else looks at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// A look at all descriptors, of which none is seen here.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Look {
    /// Whether all descriptors are seen at the end.
    pub complete: bool,
    /// Whether files were seen.
    pub files: bool,
}

impl Look {
    /// Nothing to look at.
    pub fn start(_idle_ms: u32) -> Look {
        Look {
            complete: false,
            files: false,
        }
    }

    /// At the end at once.
    ///
    /// # Errors
    /// None here: the signature is that of Linux.
    pub fn step(&mut self, _seen: &mut Vec<Descriptor>) -> Result<bool, Busy> {
        Ok(false)
    }
}

/// Nothing is seen here.
///
/// # Errors
/// None here: the signature is that of Linux.
pub fn look_at(_fds: &[u32]) -> Result<Vec<Descriptor>, Busy> {
    Ok(Vec::new())
}

/// Nothing is seen here.
///
/// # Errors
/// None here: the signature is that of Linux.
pub fn identify(_fds: &[u32]) -> Result<Vec<Identity>, Busy> {
    Ok(Vec::new())
}

/// Not known here.
pub fn path(_fd: u32) -> Option<Vec<u8>> {
    None
}

/// Not known here.
pub fn standard_pipes(_os_pid: u32) -> Vec<u64> {
    Vec::new()
}

/// Not known here.
///
/// # Errors
/// Always `unsupported_os`.
pub fn listen_drops() -> Result<(u64, u64), Reason> {
    Err(Word::UnsupportedOs.into())
}
