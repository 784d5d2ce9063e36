//! The open files of the whole kernel, and the largest limit of descriptors.

use super::held::{FILE_NR, NR_OPEN};
use headroom_facts::unreadable::{Reason, Word};
use headroom_facts::vocabulary::Limit;

/// systemd writes the largest signed number to say "no limit"; no machine has that many files.
const NO_LIMIT: u64 = 1 << 62;

/// Allocated files, and their limit (`fs.file-max`).
pub(super) fn file_nr() -> Result<(u64, Limit), Reason> {
    let mut buffer = [0; 96];
    parse_file_nr(FILE_NR.pread(&mut buffer)?).ok_or(Word::Malformed.into())
}

/// `fs.nr_open`.
pub(super) fn nr_open() -> Result<u64, Reason> {
    let mut buffer = [0; 32];
    let text = NR_OPEN.pread(&mut buffer)?;
    text.trim().parse().map_err(|_| Word::Malformed.into())
}

/// The file holds allocated, free (always 0 today) and the limit.
fn parse_file_nr(text: &str) -> Option<(u64, Limit)> {
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let allocated = fields.next()?.ok()?;
    let free = fields.next()?.ok()?;
    let max = fields.next()?.ok()?;
    let limit = if max >= NO_LIMIT {
        Limit::Infinity
    } else {
        Limit::Finite(max)
    };
    Some((allocated.saturating_sub(free), limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    // A file that is cut short must be unknown, not a limit of 0.
    #[test]
    fn file_nr_is_parsed_or_refused() {
        assert_eq!(
            parse_file_nr("1216\t0\t2466170\n"),
            Some((1216, Limit::Finite(2_466_170)))
        );
        assert_eq!(
            parse_file_nr("1216\t16\t9\n"),
            Some((1200, Limit::Finite(9)))
        );
        assert_eq!(
            parse_file_nr("7\t0\t9223372036854775807\n"),
            Some((7, Limit::Infinity))
        );
        for bad in ["", "1216", "1216\t0\n", "a\t0\t1\n", "-1\t0\t1\n"] {
            assert_eq!(parse_file_nr(bad), None, "{bad:?}");
        }
    }
}
