//! The descriptors that are held from load on: with them everything can be read when no other can be opened.
//!
//! Load and upgrade count up, unload counts down: two instances of the NIF module share one library when it was loaded
//! twice over the same path, and the last one closes.

use std::ffi::{CStr, CString};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::control_group::{self, Numbers};
use crate::last_error;
use headroom_facts::unreadable::{Reason, Word};

/// A descriptor that is open, or the reason why it is not.
pub(super) struct Held {
    place: Place,
    flags: libc::c_int,
    /// Zero and above: the descriptor. Below: [`CLOSED`], or an error number, negated.
    state: AtomicI32,
}

/// Where a file is.
enum Place {
    /// Always there.
    Path(&'static CStr),
    /// In the folder of the control group that this process is in when it is opened.
    Group(Numbers),
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

/// The lowest and the highest local port.
pub(super) static LOCAL_PORTS: Held = Held::new(c"/proc/sys/net/ipv4/ip_local_port_range", 0);
/// The sockets of the network namespace that the process had at load.
pub(super) static SOCKSTAT: Held = Held::new(c"/proc/self/net/sockstat", 0);
/// Those of IPv6.
pub(super) static SOCKSTAT6: Held = Held::new(c"/proc/self/net/sockstat6", 0);
/// Threads and OS processes of the control group, and how many it may have.
pub(super) static PIDS_CURRENT: Held = Held::in_group(Numbers {
    file: ["pids.current"; 2],
    ..PIDS
});
pub(super) static PIDS_MAX: Held = Held::in_group(PIDS);
/// Memory of the control group, and how much it may have.
pub(super) static MEMORY_CURRENT: Held = Held::in_group(Numbers {
    file: ["memory.current", "memory.usage_in_bytes"],
    ..MEMORY
});
pub(super) static MEMORY_MAX: Held = Held::in_group(MEMORY);

const PIDS: Numbers = Numbers {
    controller: "pids",
    limit: ["pids.max"; 2],
    file: ["pids.max"; 2],
};
const MEMORY: Numbers = Numbers {
    controller: "memory",
    limit: ["memory.max", "memory.limit_in_bytes"],
    file: ["memory.max", "memory.limit_in_bytes"],
};

static ALL: [&Held; 11] = [
    &FD_DIR,
    &FILE_NR,
    &NR_OPEN,
    &NETSTAT,
    &LOCAL_PORTS,
    &SOCKSTAT,
    &SOCKSTAT6,
    &PIDS_CURRENT,
    &PIDS_MAX,
    &MEMORY_CURRENT,
    &MEMORY_MAX,
];
static USERS: Mutex<u32> = Mutex::new(0);

impl Held {
    const fn new(path: &'static CStr, flags: libc::c_int) -> Held {
        Held {
            place: Place::Path(path),
            flags,
            state: AtomicI32::new(CLOSED),
        }
    }

    const fn in_group(numbers: Numbers) -> Held {
        Held {
            place: Place::Group(numbers),
            flags: 0,
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

    fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) >= 0
    }

    fn open(&self) {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | self.flags;
        let path: CString = match &self.place {
            Place::Path(path) => CString::from(*path),
            Place::Group(numbers) => match control_group::path(numbers) {
                Some(path) => path,
                // The group of the whole machine has no limit, and no such file.
                None => return self.state.store(-libc::ENOENT, Ordering::Release),
            },
        };
        // SAFETY: the path ends with a zero byte, and open changes no memory of ours.
        let fd = unsafe { libc::open(path.as_ptr(), flags) };
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
        if !held.is_open() {
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
    ALL.iter().filter(|held| held.is_open()).count() as u64
}
