//! A clock that nobody sets, the same for every process of the machine.

use std::sync::OnceLock;

use headroom_facts::moment::Moment;

#[cfg(target_os = "linux")]
const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// This moment. The first call reads a file, those after it open nothing.
pub fn moment() -> Moment {
    static BOOT_ID: OnceLock<Option<String>> = OnceLock::new();
    let boot_id = BOOT_ID.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_string())
    });
    Moment {
        uptime_ms: uptime_ms(),
        boot_id: boot_id.clone(),
    }
}

fn uptime_ms() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime writes one timespec, and the reference lives through the call.
    if unsafe { libc::clock_gettime(CLOCK, &mut time) } != 0 {
        return 0;
    }
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    // A clock that stands would call a dead node's last word fresh.
    #[test]
    fn time_passes() {
        let before = moment();
        std::thread::sleep(std::time::Duration::from_millis(5));
        let after = moment();
        assert!(before.uptime_ms > 0 && after.uptime_ms > before.uptime_ms);
        assert_eq!(before.boot_id, after.boot_id);
    }
}
