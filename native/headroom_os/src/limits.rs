//! The soft and hard limit of descriptors (`RLIMIT_NOFILE`).

use crate::last_error;
use headroom_facts::unreadable::{Reason, Word};
use headroom_facts::vocabulary::Limit;

/// Soft and hard limit of this process.
pub(crate) fn nofile() -> Result<(Limit, Limit), Reason> {
    let limit = read()?;
    Ok((bound(limit.rlim_cur), bound(limit.rlim_max)))
}

/// The lowest soft limit that is set. poll(2) refuses to watch more descriptors than the limit allows, and a VM whose
/// poll is refused spins; below this number one does not even start.
const LEAST: u64 = 16;

/// Sets the soft limit and leaves the hard one.
pub(crate) fn set_soft(soft: u64) -> Result<(), Reason> {
    if soft < LEAST {
        return Err(Word::Einval.into());
    }
    // 64 bits here and 32 there: a number that does not fit is none that the kernel would take.
    #[allow(clippy::useless_conversion)]
    let rlim_cur = libc::rlim_t::try_from(soft).map_err(|_| Word::Einval)?;
    let limit = libc::rlimit {
        rlim_cur,
        ..read()?
    };
    // SAFETY: the kernel reads one rlimit, and the reference lives through the call.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
        return Err(last_error());
    }
    Ok(())
}

fn read() -> Result<libc::rlimit, Reason> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    if getrlimit(&mut limit) != 0 {
        return Err(last_error());
    }
    Ok(limit)
}

fn bound(value: libc::rlim_t) -> Limit {
    if value == libc::RLIM_INFINITY {
        Limit::Infinity
    } else {
        #[allow(clippy::useless_conversion)]
        Limit::Finite(u64::from(value)) // 32 bits on some systems
    }
}

/// libc's own function takes the way over prlimit64, at more than twice the cost.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn getrlimit(limit: &mut libc::rlimit) -> libc::c_long {
    // SAFETY: the kernel writes one rlimit of this layout, and the reference lives through the call.
    unsafe {
        libc::syscall(
            libc::SYS_getrlimit,
            libc::RLIMIT_NOFILE,
            limit as *mut libc::rlimit,
        )
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn getrlimit(limit: &mut libc::rlimit) -> libc::c_int {
    // SAFETY: libc writes one rlimit, and the reference lives through the call.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A limit of 0 would leave every descriptor as it is and make the VM spin.
    #[test]
    fn no_limit_that_a_vm_cannot_live_with() {
        let before = nofile().unwrap();
        for soft in [0, 1, LEAST - 1] {
            assert_eq!(set_soft(soft), Err(Word::Einval.into()));
        }
        assert_eq!(nofile().unwrap(), before);
    }

    // The raw call must fill the structure as libc's own does.
    #[test]
    fn the_same_as_libc() {
        let mut limit = libc::rlimit {
            rlim_cur: 1,
            rlim_max: 1,
        };
        // SAFETY: as above.
        assert_eq!(
            unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) },
            0
        );
        let expected = (bound(limit.rlim_cur), bound(limit.rlim_max));
        assert_eq!(nofile().unwrap(), expected);
    }
}
