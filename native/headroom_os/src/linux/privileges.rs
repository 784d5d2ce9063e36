//! What this process may do: it decides whether `fs.file-max` applies to it, and whether it can raise its hard limit.

use crate::last_error;
use headroom_facts::unreadable::Reason;

const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

/// The user namespace that the kernel starts with always has this inode number.
const INITIAL_USER_NS: &[u8] = b"user:[4026531837]";

/// What this process may do, each part as it could be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Privileges {
    /// Effective capabilities of the process, one bit each.
    pub capabilities: Result<u64, Reason>,
    /// Whether it is in the kernel's first user namespace: elsewhere its capabilities mean nothing to these limits.
    pub initial_user_ns: Result<bool, Reason>,
}

impl Privileges {
    pub(super) fn read(initial_user_ns: Result<bool, Reason>) -> Privileges {
        Privileges {
            capabilities: effective_capabilities(),
            initial_user_ns,
        }
    }

    /// Whether `fs.file-max` does not apply.
    pub(super) fn exempt_from_file_max(&self) -> Option<bool> {
        self.has(CAP_SYS_ADMIN)
    }

    /// Whether the hard limit can be raised.
    pub(super) fn can_raise_hard(&self) -> Option<bool> {
        self.has(CAP_SYS_RESOURCE)
    }

    /// Whether the process has a capability where it counts; one missing half is enough for a no.
    fn has(&self, capability: u32) -> Option<bool> {
        let granted = self.capabilities.map(|caps| caps >> capability & 1 == 1);
        match (granted, self.initial_user_ns) {
            (Ok(false), _) | (_, Ok(false)) => Some(false),
            (Ok(true), Ok(true)) => Some(true),
            _ => None,
        }
    }
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn effective_capabilities() -> Result<u64, Reason> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 of the call reads one header and writes two data blocks of these layouts.
    if unsafe { libc::syscall(libc::SYS_capget, &header, data.as_mut_ptr()) } != 0 {
        return Err(last_error());
    }
    Ok(u64::from(data[1].effective) << 32 | u64::from(data[0].effective))
}

/// Whether this process is in the kernel's first user namespace.
pub(super) fn in_initial_user_ns() -> Result<bool, Reason> {
    let mut buffer = [0u8; 64];
    // SAFETY: the kernel writes at most the length of the buffer, which lives through the call.
    let length = unsafe {
        libc::readlink(
            c"/proc/self/ns/user".as_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    };
    let length = usize::try_from(length).map_err(|_| last_error())?;
    Ok(&buffer[..length] == INITIAL_USER_NS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_facts::unreadable::Word;

    const ADMIN: Result<u64, Reason> = Ok(1 << CAP_SYS_ADMIN);
    const NOTHING: Result<u64, Reason> = Ok(0);

    fn exempt(capabilities: Result<u64, Reason>, ns: Result<bool, Reason>) -> Option<bool> {
        let privileges = Privileges {
            capabilities,
            initial_user_ns: ns,
        };
        privileges.exempt_from_file_max()
    }

    // Root inside a container's user namespace has every capability there and none that counts here.
    #[test]
    fn capabilities_count_in_the_initial_namespace_only() {
        let unknown = Err(Reason::Word(Word::Enoent));
        assert_eq!(exempt(ADMIN, Ok(true)), Some(true));
        assert_eq!(exempt(ADMIN, Ok(false)), Some(false));
        assert_eq!(exempt(NOTHING, unknown.map(|(): ()| true)), Some(false));
        assert_eq!(exempt(ADMIN, Err(Reason::Word(Word::Enoent))), None);
        assert_eq!(exempt(Err(Reason::Word(Word::Enosys)), Ok(true)), None);
    }

    // A program that drops its privileges after it started must not be told that the kernel's limit is none of its.
    #[test]
    fn dropped_capabilities_are_seen() {
        let dropped = std::thread::spawn(|| {
            let header = Header {
                version: 0x2008_0522,
                pid: 0,
            };
            let none = [Data::default(); 2];
            // SAFETY: the call reads a header and two data blocks, and takes the capabilities of this thread alone.
            let status = unsafe { libc::syscall(libc::SYS_capset, &header, none.as_ptr()) };
            assert_eq!(status, 0);
            Privileges::read(Ok(true)).exempt_from_file_max()
        });
        assert_eq!(dropped.join().unwrap(), Some(false));
    }

    // The layouts above are written by hand: procfs reads the same from /proc/self/status.
    #[test]
    fn the_same_capabilities_as_procfs() {
        let status = procfs::process::Process::myself()
            .unwrap()
            .status()
            .unwrap();
        assert_eq!(effective_capabilities().unwrap(), status.capeff);
    }
}
