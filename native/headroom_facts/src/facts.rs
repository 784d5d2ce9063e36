//! Everything that was measured or handed in at one moment, in the shape in which a snapshot shows it.
//!
//! It can be read back from JSON, so a snapshot that a user sent is a fixture.

use serde::{Deserialize, Serialize};

use crate::beam::{Beam, Reserved, Tables};
use crate::boot::Boot;
use crate::thresholds::Thresholds;
use crate::unreadable::Unreadable;
use crate::vocabulary::{Count, Flag, Limit};

/// Everything that was measured or handed in, and nothing that was judged.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Facts {
    /// System time in milliseconds.
    pub taken_at: i64,
    /// The node's name.
    pub node: String,
    /// Number of the OS process.
    pub os_pid: u32,
    /// Release of OTP, for example `"27"`.
    pub otp_release: String,
    /// Name and release of the kernel.
    pub kernel: String,
    /// The descriptor table.
    pub fds: Fds,
    /// What headroom holds back.
    #[serde(default)]
    pub reserved: Reserved,
    /// Limits of descriptors, of the process and of the kernel.
    pub nofile: Nofile,
    /// Tables of the VM.
    pub beam: Tables,
    /// How the VM was started.
    #[serde(default)]
    pub boot: Boot,
    /// At which use the level rises.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// What could not be read.
    #[serde(default)]
    pub unreadable: Vec<Unreadable>,
}

/// The descriptor table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fds {
    /// Open descriptors.
    pub open: Count,
    /// Slots below the soft limit that are not taken.
    pub free: Limit,
    /// The highest open descriptor.
    pub highest: Count,
    /// Descriptors that headroom itself holds.
    pub own: u64,
    /// Age of the count, in milliseconds.
    pub age_ms: u64,
}

/// Limits of descriptors, of the process and of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nofile {
    /// Soft limit of the process.
    pub soft: Limit,
    /// Hard limit of the process.
    pub hard: Limit,
    /// Largest limit that the kernel accepts.
    pub nr_open: Limit,
    /// Above it the VM is deaf; fixed when the VM started.
    pub max_fds: Limit,
    /// The kernel's limit of open files.
    pub file_max: Limit,
    /// The kernel's open files.
    pub file_nr: Count,
    /// Whether `file_max` does not apply to this process.
    pub exempt_from_file_max: Flag,
    /// Whether this process may raise its own hard limit.
    pub can_raise_hard: Flag,
}

/// The facts of the operating system at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// Number of this OS process.
    pub pid: u32,
    /// Name and release of the kernel, for example `Linux 6.8.0`.
    pub kernel: String,
    /// The descriptor table.
    pub fds: Fds,
    /// Limits of descriptors, of the process and of the kernel.
    pub nofile: Nofile,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

impl Facts {
    /// Joins what the operating system says with what the VM says.
    pub fn new(system: System, beam: Beam, thresholds: Thresholds) -> Facts {
        let mut unreadable = system.unreadable;
        unreadable.extend(beam.unreadable);
        Facts {
            taken_at: beam.taken_at,
            node: beam.node,
            os_pid: system.pid,
            otp_release: beam.otp_release,
            kernel: system.kernel,
            fds: Fds {
                own: system.fds.own.saturating_add(beam.own),
                ..system.fds
            },
            reserved: in_force(beam.reserved, system.nofile.soft, beam.max_fds),
            nofile: Nofile {
                max_fds: beam.max_fds,
                ..system.nofile
            },
            beam: beam.tables,
            boot: beam.boot,
            thresholds,
            unreadable,
        }
    }

    /// Reads the facts of a snapshot in JSON; what it judged is ignored, and so is what is not known here.
    ///
    /// # Errors
    /// The text is no snapshot.
    pub fn from_json(json: &str) -> Result<Facts, serde_json::Error> {
        serde_json::from_str(json)
    }
}

/// A limit that somebody raised from outside takes from the reserve: only what is below `max_fds` and above the soft
/// limit is held back.
fn in_force(reserved: Reserved, soft: Limit, max_fds: Limit) -> Reserved {
    let fds = match (soft, max_fds) {
        (Limit::Finite(soft), Limit::Finite(max_fds)) => max_fds.saturating_sub(soft),
        (Limit::Infinity, _) => 0,
        _ => reserved.fds,
    };
    Reserved {
        fds: reserved.fds.min(fds),
        ..reserved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A reserve that is gone must not be promised to the operator.
    #[test]
    fn a_reserve_is_what_is_left_of_it() {
        let held = Reserved { fds: 64, ports: 16 };
        let fds = |soft| in_force(held, soft, Limit::Finite(1024)).fds;
        assert_eq!(fds(Limit::Finite(960)), 64);
        assert_eq!(fds(Limit::Finite(136)), 64);
        assert_eq!(fds(Limit::Finite(1000)), 24);
        assert_eq!(fds(Limit::Finite(4096)), 0);
        assert_eq!(fds(Limit::Infinity), 0);
        assert_eq!(fds(Limit::Unknown), 64);
    }
}
