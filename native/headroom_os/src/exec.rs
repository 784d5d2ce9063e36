//! Becoming another program, with what this process was told to do about SIGPIPE before Rust's own start ignored it.

use std::os::unix::process::CommandExt;
use std::process::Command;

#[cfg(target_os = "linux")]
mod at_start {
    use std::sync::atomic::{AtomicBool, Ordering};

    static IGNORED: AtomicBool = AtomicBool::new(false);

    pub(super) fn was_ignored() -> bool {
        IGNORED.load(Ordering::Relaxed)
    }

    /// Called by the C library before `main`, or when a library with it is loaded.
    #[used]
    #[link_section = ".init_array"]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: all fields of sigaction are integers and addresses, for which zeroes are valid.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: without a new action the call only writes the present one, into a value that lives through it.
        let known = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &mut action) } == 0;
        let ignored = known && action.sa_sigaction == libc::SIG_IGN;
        IGNORED.store(ignored, Ordering::Relaxed);
    }
}

#[cfg(not(target_os = "linux"))]
mod at_start {
    pub(super) fn was_ignored() -> bool {
        false
    }
}

/// Becomes a program; comes back only with why that failed.
///
/// The program gets the disposition that this process was started with: the standard library hands on the default, which
/// would end a program of a service, for systemd ignores the signal. A failure leaves it ignored, as it is in any Rust
/// program, so that words about the failure do not end the process.
pub fn exec(mut command: Command) -> std::io::Error {
    if at_start::was_ignored() {
        // SAFETY: the closure makes one call, which allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(|| {
                ignore();
                Ok(())
            });
        }
    }
    let error = command.exec();
    ignore();
    error
}

fn ignore() {
    // SAFETY: no handler is installed, so none can be run.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
