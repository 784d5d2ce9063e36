//! The descriptor table of this process: how many are open, which is the highest, how many stand at or above a number.
//!
//! Since Linux 6.2 the size of `/proc/self/fd` is the number of open descriptors. Older kernels say 0 there: then the
//! table is walked with `fcntl`, from one open descriptor to the next.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::held::FD_DIR;
use crate::last_error;
use headroom_facts::unreadable::{Reason, Word};

/// The directory's offset belongs to all threads: who looks into it must be alone.
static DIRECTORY: Mutex<()> = Mutex::new(());

/// Room for at least this many entries of the directory.
const ENTRIES: usize = 32;
/// The longest entry: a header of 19 bytes, ten digits and a zero, in steps of 8.
const LONGEST_ENTRY: usize = 32;

/// `/proc/self/fd` lists `.` and `..` first, then descriptor `n` at offset `n + 2`.
const FIRST_OFFSET: u64 = 2;

/// The number of open descriptors; `None` where the kernel does not say it.
pub(super) fn open_count() -> Result<Option<u64>, Reason> {
    let fd = FD_DIR.fd()?;
    // SAFETY: all fields of stat are integers, for which zeroes are valid.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    if fstat(fd, &mut stat) != 0 {
        return Err(last_error());
    }
    // The directory itself is open, so 0 cannot be a count.
    Ok(u64::try_from(stat.st_size).ok().filter(|&open| open > 0))
}

/// libc's own function takes the way over newfstatat, at a tenth more.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn fstat(fd: i32, stat: &mut libc::stat) -> libc::c_long {
    // SAFETY: the kernel writes one stat of this layout, and the reference lives through the call.
    unsafe { libc::syscall(libc::SYS_fstat, fd, stat as *mut libc::stat) }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn fstat(fd: i32, stat: &mut libc::stat) -> libc::c_int {
    // SAFETY: libc writes one stat, and the reference lives through the call.
    unsafe { libc::fstat(fd, stat) }
}

/// The kernel writes records of 64-bit fields into it.
#[repr(align(8))]
struct Buffer([u8; ENTRIES * LONGEST_ENTRY]);

/// Open descriptors at or above a number, the lowest first.
struct Found<'a> {
    numbers: &'a [u64],
    /// There are no others.
    complete: bool,
}

/// Looks for open descriptors from `from` on, at most as many as `entries` has room for.
fn look(from: u64, entries: &mut [u64]) -> Result<Found<'_>, Reason> {
    let fd = FD_DIR.fd()?;
    let offset = i64::try_from(from.saturating_add(FIRST_OFFSET)).map_err(|_| Word::Malformed)?;
    let mut buffer = Buffer([0; ENTRIES * LONGEST_ENTRY]);
    let room = entries.len().clamp(1, ENTRIES) * LONGEST_ENTRY;
    let length = {
        let _alone = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: lseek changes nothing but the offset of a descriptor that is ours.
        if unsafe { libc::lseek64(fd, offset, libc::SEEK_SET) } < 0 {
            return Err(last_error());
        }
        // SAFETY: the kernel writes at most `room` bytes, and the buffer is at least as long.
        unsafe { libc::syscall(libc::SYS_getdents64, fd, buffer.0.as_mut_ptr(), room) }
    };
    let length = usize::try_from(length).map_err(|_| last_error())?;
    let mut numbers = entry_names(&buffer.0[..length])
        .filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok());
    let mut count = 0;
    for (entry, number) in entries.iter_mut().zip(&mut numbers) {
        *entry = number;
        count += 1;
    }
    let complete = room - length >= LONGEST_ENTRY && numbers.next().is_none();
    Ok(Found {
        numbers: &entries[..count],
        complete,
    })
}

/// The names in a buffer of `linux_dirent64`: inode and offset (8 bytes each), record length (2), type (1), name.
fn entry_names(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(bytes.get(16..18)?.try_into().ok()?));
        let name = bytes.get(19..length)?;
        bytes = &bytes[length..];
        name.split(|&byte| byte == 0).next()
    })
}

/// The lowest open descriptor at or above `from`.
pub(super) fn lowest_from(from: u64) -> Result<Option<u64>, Reason> {
    Ok(look(from, &mut [0])?.numbers.first().copied())
}

/// The highest open descriptor when `open` are open, in at most three looks: a table without holes needs one.
pub(super) fn highest_of(open: u64) -> Result<u64, Reason> {
    let mut below = open.saturating_sub(1);
    let mut entries = [0; ENTRIES];
    for _ in 0..3 {
        let found = look(below + 1, &mut entries)?;
        below = found.numbers.last().copied().unwrap_or(below);
        if found.complete {
            return Ok(below);
        }
    }
    Err(Word::TooCostly.into())
}

/// What stands at the end of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// How many stand at or above a number, where few looks tell it.
    pub above: Option<u64>,
    /// The highest, where few looks tell it.
    pub highest: Option<u64>,
}

/// Looks behind the place where a table of `open` descriptors ends that has no holes, and only where there are holes at `from`,
/// too: one look walks over all the empty slots up to the end of the kernel's table.
pub(super) fn end(open: u64, from: u64) -> Result<End, Reason> {
    let behind = open.max(1);
    let mut entries = [0; ENTRIES];
    let found = look(behind, &mut entries)?;
    let Some(last) = found.numbers.last().copied() else {
        // As many as are open fit below only if each slot is taken.
        return Ok(End {
            above: Some(open.saturating_sub(from)),
            highest: Some(behind - 1),
        });
    };
    let highest = found.complete.then_some(last);
    let at_or_above = |numbers: &[u64]| numbers.iter().filter(|&&fd| fd >= from).count() as u64;
    if found.complete && from >= behind {
        let above = Some(at_or_above(found.numbers));
        return Ok(End { above, highest });
    }
    if from < behind {
        return Ok(End {
            above: None,
            highest,
        });
    }
    let found = look(from, &mut entries)?;
    Ok(End {
        above: found.complete.then(|| at_or_above(found.numbers)),
        highest: found.numbers.last().copied().filter(|_| found.complete),
    })
}

/// The highest open descriptor, for the rare states in which a wrong guess would mislead. `from` is a number above which few
/// stand, if there is one.
pub(super) fn highest_for_sure(open: u64, from: Option<u64>) -> Result<u64, Reason> {
    match end(open, from.unwrap_or(open))?.highest {
        Some(highest) => Ok(highest),
        None => highest_by_halving(open),
    }
}

/// The highest open descriptor by halving, for the rare states in which a wrong guess would mislead.
fn highest_by_halving(open: u64) -> Result<u64, Reason> {
    const BUDGET: Duration = Duration::from_micros(500);
    let started = Instant::now();
    let mut known = FD_DIR.fd()? as u64;
    let mut next = known.max(open.saturating_sub(1)) + 1;
    let mut nothing_from = None;
    let mut entries = [0; ENTRIES];
    while nothing_from.is_none_or(|end| known + 1 < end) {
        if started.elapsed() > BUDGET {
            return Err(Word::TooCostly.into());
        }
        let found = look(next, &mut entries)?;
        match found.numbers.last() {
            Some(&last) if found.complete => return Ok(last),
            Some(&last) => known = last,
            None => nothing_from = Some(next),
        }
        next = match nothing_from {
            Some(end) => known + (end - known).div_ceil(2),
            None => known * 2,
        };
    }
    Ok(known)
}

/// How many descriptors of a range are open. About 0.15 µs each: the caller keeps the range short.
pub(super) fn count_open(range: Range<u64>) -> u64 {
    let is_open = |fd: &u64| {
        // SAFETY: F_GETFD reads a flag; a number that is not open gives an error and nothing else.
        i32::try_from(*fd).is_ok_and(|fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0)
    };
    range.filter(is_open).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    fn dirent(name: &[u8]) -> Vec<u8> {
        let length = (19 + name.len() + 1).next_multiple_of(8);
        let mut entry = vec![0; length];
        entry[16..18].copy_from_slice(&(length as u16).to_ne_bytes());
        entry[19..19 + name.len()].copy_from_slice(name);
        entry
    }

    // A record misread here would name a descriptor that is not open.
    #[test]
    fn names_of_directory_entries() {
        let mut bytes = dirent(b"7");
        bytes.extend(dirent(b"12345"));
        let names: Vec<_> = entry_names(&bytes).collect();
        assert_eq!(names, [b"7".as_slice(), b"12345"]);
        assert_eq!(entry_names(&bytes[..20]).count(), 0);
        assert_eq!(entry_names(&[]).count(), 0);
        assert_eq!(entry_names(&[0; 24]).count(), 0);
    }

    fn at(number: i32) -> OwnedFd {
        // SAFETY: the new descriptor is owned by nobody else.
        unsafe {
            OwnedFd::from_raw_fd(libc::fcntl(
                FD_DIR.fd().unwrap(),
                libc::F_DUPFD_CLOEXEC,
                number,
            ))
        }
    }

    /// The tests run at once in one process; these look at the same end of its table.
    static TABLE: Mutex<()> = Mutex::new(());

    // Other tests of this process open and close descriptors, so the numbers are far above theirs.
    #[test]
    fn finds_what_is_open_above_a_number() {
        let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        crate::acquire();
        let held: Vec<OwnedFd> = [700, 702, 950].into_iter().map(at).collect();
        let numbers: Vec<u64> = held.iter().map(|fd| fd.as_raw_fd() as u64).collect();
        assert_eq!(numbers, [700, 702, 950]);
        assert_eq!(lowest_from(701).unwrap(), Some(702));
        assert_eq!(lowest_from(951).unwrap(), None);
        assert_eq!(count_open(700..951), 3);
        let open = open_count().unwrap().unwrap_or(20);
        assert_eq!(highest_by_halving(open).unwrap(), 950);
        drop(held);
        assert_eq!(lowest_from(700).unwrap(), None);
    }

    // More entries in one stretch than one look holds, so that the walk must go on behind the first buffer.
    #[test]
    fn walks_past_one_buffer() {
        let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        crate::acquire();
        // Below 1024, the soft limit of a login shell and of most containers.
        let held: Vec<OwnedFd> = (953..1023).map(at).collect();
        assert_eq!(highest_of(954).unwrap(), 1022);
        assert_eq!(highest_of(924).unwrap(), 1022);
        drop(held);
    }

    // A table without holes, one with few above a number, one with many: what is told must be exact, and what is not
    // known must not be told.
    #[test]
    fn the_end_of_the_table_is_told_exactly_or_not_at_all() {
        let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        crate::acquire();
        let few: Vec<OwnedFd> = [800, 801, 805].into_iter().map(at).collect();
        let end_at = |open, from| end(open, from).unwrap();
        assert_eq!(
            end_at(700, 801),
            End {
                above: Some(2),
                highest: Some(805)
            }
        );
        // As if 900 were open and none of them above: they fill all slots below.
        assert_eq!(
            end_at(900, 850),
            End {
                above: Some(50),
                highest: Some(899)
            }
        );
        // Holes below 802, of which this look says nothing.
        assert_eq!(
            end_at(802, 700),
            End {
                above: None,
                highest: Some(805)
            }
        );
        let many: Vec<OwnedFd> = (810..850).map(at).collect();
        assert_eq!(
            end_at(700, 840),
            End {
                above: Some(10),
                highest: Some(849)
            }
        );
        assert_eq!(
            end_at(700, 900),
            End {
                above: Some(0),
                highest: None
            }
        );
        assert_eq!(
            end_at(700, 802),
            End {
                above: None,
                highest: None
            }
        );
        assert_eq!(highest_for_sure(700, Some(848)).unwrap(), 849);
        assert_eq!(highest_for_sure(700, Some(700)).unwrap(), 849);
        drop((few, many));
    }

    // procfs counts the entries of the same directory.
    #[test]
    fn the_same_count_as_procfs() {
        crate::acquire();
        let Some(_) = open_count().unwrap() else {
            return; // a kernel before 6.2
        };
        let me = procfs::process::Process::myself().unwrap();
        let agrees = (0..1000).any(|_| {
            let before = open_count().unwrap();
            let theirs = me.fd_count().unwrap() as u64;
            before == Some(theirs) && open_count().unwrap() == Some(theirs)
        });
        assert!(agrees);
    }
}
