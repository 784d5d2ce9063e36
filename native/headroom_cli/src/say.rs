//! What a command prints, and the exit status that stands even where nobody reads it.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// Nothing can be told or done: the node is not seen, or the kernel refused.
pub const FAILED: u8 = 3;

/// Prints to standard output.
pub fn say(text: &str, status: u8) -> ExitCode {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::from(status)
}

/// Prints a reason to standard error.
pub fn failed(why: &dyn Display) -> ExitCode {
    eprintln!("headroom: {why}");
    ExitCode::from(FAILED)
}
