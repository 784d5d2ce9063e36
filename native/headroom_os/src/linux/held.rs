//! The descriptors that are held from load on: with them everything can be read when no other can be opened.
//!
//! Load and upgrade count up, unload counts down: two instances of the NIF module share one library when it was loaded
//! twice over the same path, and the last one closes.

use std::ffi::CStr;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::last_error;
use headroom_facts::unreadable::{Reason, Word};

/// A descriptor that is open, or the reason why it is not.
pub(super) struct Held {
    path: &'static CStr,
    flags: libc::c_int,
    /// Zero and above: the descriptor. Below: [`CLOSED`], or an error number, negated.
    state: AtomicI32,
}

const CLOSED: i32 = i32::MIN;

/// The directory of this process's descriptors.
pub(super) static FD_DIR: Held = Held::new(c"/proc/self/fd", libc::O_DIRECTORY);
/// The kernel's number of open files, and their limit.
pub(super) static FILE_NR: Held = Held::new(c"/proc/sys/fs/file-nr", 0);
/// The largest limit of descriptors that the kernel accepts.
pub(super) static NR_OPEN: Held = Held::new(c"/proc/sys/fs/nr_open", 0);
/// The counters of the machine's network, of the namespace that the process had at load.
pub(super) static NETSTAT: Held = Held::new(c"/proc/self/net/netstat", 0);

static ALL: [&Held; 4] = [&FD_DIR, &FILE_NR, &NR_OPEN, &NETSTAT];
static USERS: Mutex<u32> = Mutex::new(0);

impl Held {
    const fn new(path: &'static CStr, flags: libc::c_int) -> Held {
        Held {
            path,
            flags,
            state: AtomicI32::new(CLOSED),
        }
    }

    /// The descriptor, or why there is none.
    pub(super) fn fd(&self) -> Result<RawFd, Reason> {
        match self.state.load(Ordering::Acquire) {
            CLOSED => Err(Reason::Word(Word::Unavailable)),
            fd if fd >= 0 => Ok(fd),
            errno => Err(Reason::from_errno(-errno)),
        }
    }

    fn open(&self) {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | self.flags;
        // SAFETY: the path ends with a zero byte, and open changes no memory of ours.
        let fd = unsafe { libc::open(self.path.as_ptr(), flags) };
        let state = if fd >= 0 {
            fd
        } else {
            -std::io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::EIO)
        };
        self.state.store(state, Ordering::Release);
    }

    fn close(&self) {
        let fd = self.state.swap(CLOSED, Ordering::AcqRel);
        if fd >= 0 {
            // SAFETY: this descriptor was opened above, and the swap gave it to this caller alone.
            unsafe { libc::close(fd) };
        }
    }

    /// Reads a small file from its start into `buffer`: always fresh, and no other offset is touched.
    pub(super) fn pread<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a str, Reason> {
        let fd = self.fd()?;
        // SAFETY: the kernel writes at most the length of the buffer, which lives through the call.
        let read = unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let length = usize::try_from(read).map_err(|_| last_error())?;
        std::str::from_utf8(&buffer[..length]).map_err(|_| Word::Malformed.into())
    }
}

/// One more instance uses the descriptors: opens those that are not open.
pub(super) fn acquire() {
    let mut users = USERS.lock().unwrap_or_else(PoisonError::into_inner);
    *users += 1;
    for held in ALL {
        if held.fd().is_err() {
            held.open();
        }
    }
}

/// One instance less: the last one closes.
pub(super) fn release() {
    let mut users = USERS.lock().unwrap_or_else(PoisonError::into_inner);
    *users = users.saturating_sub(1);
    if *users == 0 {
        ALL.into_iter().for_each(Held::close);
    }
}

/// Whether this descriptor is one of them.
pub(super) fn is_own(fd: RawFd) -> bool {
    ALL.iter().any(|held| held.fd() == Ok(fd))
}

/// How many descriptors are held.
pub(super) fn own() -> u64 {
    ALL.iter().filter(|held| held.fd().is_ok()).count() as u64
}
