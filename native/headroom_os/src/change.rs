//! Changes of the soft limit, one at a time: read, decide, set and read again happen under one lock, so that calls of
//! several threads leave a limit and a reserve that belong together.

use std::sync::{Mutex, PoisonError};

use headroom_facts::change::{Change, Changed, Standing, Unchanged};

use crate::limits;

/// Descriptors by which the soft limit was lowered for the operator; `None` until this library hears of it.
static RESERVED: Mutex<Option<u64>> = Mutex::new(None);

/// Sets the soft limit that `decide` finds, and nothing when it refuses.
///
/// `kept` is the number of descriptors that are held back as the caller knows it. It is believed once only, by a library
/// that has just been loaded into a VM where another one held them back.
///
/// # Errors
/// See [`Unchanged`].
pub fn change<E>(
    kept: u64,
    decide: impl FnOnce(&Standing) -> Result<Change, E>,
) -> Result<Changed, Unchanged<E>> {
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    let (before, hard) = limits::nofile().map_err(Unchanged::Refused)?;
    let standing = Standing {
        soft: before,
        hard,
        reserved: *reserved.get_or_insert(kept),
    };
    let change = decide(&standing).map_err(Unchanged::Decided)?;
    if let Some(soft) = change.soft {
        limits::set_soft(soft).map_err(Unchanged::Refused)?;
    }
    *reserved = Some(change.reserved);
    let (now, _) = limits::nofile().map_err(Unchanged::Refused)?;
    Ok(Changed { before, now })
}

/// Descriptors that are held back, if this library knows.
pub fn reserved() -> Option<u64> {
    *RESERVED.lock().unwrap_or_else(PoisonError::into_inner)
}
