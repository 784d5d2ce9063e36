//! The standard error of the OS process, past every process of the VM that could be busy or not yet started.

use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Writes all of a text; whether that was done in time. Nothing else can bound a write to a terminal that is stopped, or
/// to a pipe that nobody reads, so it is made in a thread, which stays behind if it cannot write.
pub fn last_words(text: Vec<u8>, patience: Duration) -> bool {
    let (done, written) = mpsc::channel();
    let writer = move || {
        let _ = std::io::stderr().write_all(&text);
        // Nobody listens any more when the time was up.
        let _ = done.send(());
    };
    let thread = thread::Builder::new()
        .name("last words".into())
        .spawn(writer);
    thread.is_ok() && written.recv_timeout(patience).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A node that waits for somebody to read its complaint would neither start nor stop.
    #[test]
    fn says_whether_it_was_written() {
        assert!(last_words(Vec::new(), Duration::from_secs(10)));
    }
}
