//! What the kernel grants to a user, a control group and a network beside descriptors, and what it said when it was asked for one.

use crate::probe::Outcome;
use crate::vocabulary::{Count, Known, Limit};

/// What an error may come from, so that nobody is asked for what is not suspected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspicion {
    /// A pipe may have been refused.
    pub pipe: bool,
    /// There may be no local port left.
    pub local_port: bool,
    /// A user may have no inotify instance or watch left.
    pub inotify: bool,
    /// No thread or OS process could be started.
    pub processes: bool,
    /// There may be no memory.
    pub memory: bool,
    /// A socket may be one that the VM cannot watch: its descriptor is at or above this.
    pub beyond: Option<u64>,
}

/// What was read and asked. What was not suspected is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quotas {
    /// Threads and OS processes of the control group (`pids.current`, `pids.max`).
    pub pids: (Count, Limit),
    /// Threads of the whole machine, and how many the user may have (`RLIMIT_NPROC`).
    pub threads: (Count, Limit),
    /// Bytes of memory of the control group (`memory.current`, `memory.max`).
    pub memory: (Count, Limit),
    /// The lowest and the highest local port (`net.ipv4.ip_local_port_range`).
    pub local_ports: Known<(u64, u64)>,
    /// TCP sockets of the network namespace, those that wait for their end among them.
    pub sockets: Count,
    /// A local port, for TCP and for UDP.
    pub local_port: [Outcome; 2],
    /// An inotify instance, and a watch of it.
    pub inotify: [Outcome; 2],
    /// The number that the next descriptor gets.
    pub next: Count,
    /// Sockets that listen, and datagram sockets, whose descriptors the VM cannot watch.
    pub beyond: [Count; 2],
}
