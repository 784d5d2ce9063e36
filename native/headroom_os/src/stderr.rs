//! Standard streams of the OS process, past every process of the VM that could be busy or not yet started.

use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Writes all of a text to standard error; whether that was done in time.
pub fn last_words(text: Vec<u8>, patience: Duration) -> bool {
    write_in_time(std::io::stderr(), text, patience)
}

/// Writes all of a text, or as much of it as is taken; whether that was over in time. Nothing else can bound a write to a
/// terminal that is stopped, or to a pipe that nobody reads, so it is made in a thread, which stays behind if it cannot
/// write.
pub fn write_in_time(
    mut to: impl Write + Send + 'static,
    text: Vec<u8>,
    patience: Duration,
) -> bool {
    let (done, written) = mpsc::channel();
    let writer = move || {
        let _ = to.write_all(&text).and_then(|()| to.flush());
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
        let (_reader, writer) = std::io::pipe().unwrap();
        let write = |bytes| {
            let writer = writer.try_clone().unwrap();
            write_in_time(writer, vec![0; bytes], Duration::from_millis(200))
        };
        assert_eq!((write(1), write(1 << 22)), (true, false));
    }
}
