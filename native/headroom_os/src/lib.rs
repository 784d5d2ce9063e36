//! What the operating system says about this process: the only place that asks it, and the only one with `unsafe`.
//!
//! Nothing here opens a file once [`acquire`] has run, so all of it answers with no free descriptor. [`probe`] alone
//! asks for one, and says whether it got it.
#![deny(missing_docs)]

mod change;
mod environment;
mod exec;
mod limits;
#[cfg(all(target_os = "linux", not(headroom_portable)))]
mod linux;
#[cfg(any(not(target_os = "linux"), headroom_portable, test))]
// On Linux only its test runs it.
#[cfg_attr(all(target_os = "linux", not(headroom_portable)), allow(dead_code))]
mod portable;
mod stderr;
mod system;
mod uptime;

use headroom_facts::unreadable::{Reason, Unreadable, What};

#[cfg(all(target_os = "linux", not(headroom_portable)))]
use linux as platform;
#[cfg(any(not(target_os = "linux"), headroom_portable))]
use portable as platform;

pub use change::{change, reserved};
pub use environment::environment;
pub use exec::exec;
pub use platform::{
    acquire, inventory, local_ports, open_count, probe, read, release, Listener, Scan,
};
pub use stderr::{last_words, write_in_time};
pub use uptime::moment;

/// Collects values and the reasons of those that could not be read.
#[derive(Default)]
struct Reading {
    unreadable: Vec<Unreadable>,
}

impl Reading {
    fn take<T: Default>(&mut self, what: What, result: Result<T, Reason>) -> T {
        result.unwrap_or_else(|reason| {
            self.unreadable.push(Unreadable::new(what, reason));
            T::default()
        })
    }
}

/// The error of the last system call.
fn last_error() -> Reason {
    Reason::from_errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}
