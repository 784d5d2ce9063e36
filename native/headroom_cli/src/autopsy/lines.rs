//! Lines of a file, each cut to its beginning: a dump has lines of a gigabyte, and what is asked of a line stands first.

use std::io::{self, BufRead};

/// The most bytes of a line that are kept.
pub const KEPT: usize = 512;

/// Hands the beginning of each line to `take`, without its end; memory is bounded whatever the file holds. `advance` is
/// told of each piece that was read, in bytes.
pub fn each(
    mut input: impl BufRead,
    mut take: impl FnMut(&[u8]),
    mut advance: impl FnMut(u64),
) -> io::Result<()> {
    let mut line = Vec::with_capacity(KEPT);
    let mut pending = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', buffer);
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        let room = KEPT - line.len();
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        pending = true;
        let taken = end.map_or(buffer.len(), |end| end + 1);
        if end.is_some() {
            take(&line);
            line.clear();
            pending = false;
        }
        input.consume(taken);
        advance(taken as u64);
    }
    if pending {
        take(&line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(text: &[u8], buffer: usize) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut read = 0;
        each(
            BufReader::with_capacity(buffer, text),
            |line| found.push(line.to_vec()),
            |n| read += n,
        )
        .unwrap();
        assert_eq!(read, text.len() as u64);
        found
    }

    // A line that is split between two reads must not become two.
    #[test]
    fn the_size_of_the_buffer_changes_nothing() {
        let text = b"one\n\nthree is longer\nno end";
        let expected: Vec<&[u8]> = vec![b"one", b"", b"three is longer", b"no end"];
        for buffer in [1, 2, 3, 7, 4096] {
            assert_eq!(lines(text, buffer), expected, "{buffer}");
        }
        assert_eq!(lines(b"", 16), Vec::<Vec<u8>>::new());
    }

    // A binary of a gigabyte is one line of a dump.
    #[test]
    fn a_long_line_is_cut() {
        let mut text = vec![b'x'; 100_000];
        text.extend_from_slice(b"\nnext\n");
        let found = lines(&text, 4096);
        assert_eq!(found[0].len(), KEPT);
        assert_eq!(found[1], b"next");
    }
}
