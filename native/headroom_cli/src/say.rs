//! What a command prints, and the exit status that stands even where nobody reads it.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use headroom_os as os;

/// Nothing can be told or done: the node is not seen, or the kernel refused.
#[cfg(target_os = "linux")]
pub const FAILED: u8 = 3;

/// What is not taken in this time is dropped where nothing may wait for a reader: the exit status says the same, and a
/// program must not stay away because nobody reads what is said about it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints to standard output, for as long as its reader takes: that may be a pager.
#[cfg(target_os = "linux")]
pub fn say(text: &str, status: u8) -> ExitCode {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::from(status)
}

/// Prints to standard output, if it takes that in time.
pub fn answer(words: impl Display) {
    os::write_in_time(std::io::stdout(), words.to_string().into_bytes(), PATIENCE);
}

/// Prints to standard error, if it takes that in time.
pub fn complain(words: impl Display) {
    os::last_words(words.to_string().into_bytes(), PATIENCE);
}

/// Prints a reason to standard error.
#[cfg(target_os = "linux")]
pub fn failed(why: &dyn Display) -> ExitCode {
    complain(format_args!("headroom: {why}\n"));
    ExitCode::from(FAILED)
}
