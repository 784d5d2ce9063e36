//! What only the VM knows, as it is handed in.

use serde::{Deserialize, Serialize};

use crate::boot::Boot;
use crate::exposure::Exposure;
use crate::thresholds::Thresholds;
use crate::unreadable::Unreadable;
use crate::vocabulary::{Count, Known, Limit};

/// The facts of the VM at one moment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Beam {
    /// System time in milliseconds.
    pub taken_at: i64,
    /// The node's name.
    pub node: String,
    /// `erlang:system_info(otp_release)`, for example `"27"`.
    pub otp_release: String,
    /// How the VM was started.
    pub boot: Boot,
    /// The largest number of descriptors whose events the VM can wait for, fixed when it started.
    pub max_fds: Limit,
    /// Tables of the VM.
    pub tables: Tables,
    /// What headroom itself holds back.
    pub reserved: Reserved,
    /// What the VM would not tell.
    pub unreadable: Vec<Unreadable>,
    /// Descriptors that headroom has through the VM: its door.
    #[serde(default)]
    pub own: u64,
    /// What would be hit at exhaustion, when that is asked.
    #[serde(default)]
    pub exposure: Option<Exposure>,
    /// What a report tells besides, when one is made.
    #[serde(default)]
    pub aside: Option<Aside>,
}

/// What a report tells beside the facts of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Aside {
    /// How long the VM runs.
    pub uptime_ms: u64,
    /// Ports that are sockets: `gen_tcp`, `gen_udp`, `gen_sctp`.
    pub inet_ports: u64,
    /// Ports that are programs of the operating system.
    pub port_programs: u64,
    /// Whether SIGUSR2 is handled: it would end a VM that does not.
    #[serde(default)]
    pub signal: bool,
}

/// What cannot change while the VM runs: told once, and kept by the library.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Fixed {
    /// `erlang:system_info(otp_release)`, for example `"27"`.
    pub otp_release: String,
    /// How the VM was started.
    pub boot: Boot,
    /// The largest number of descriptors whose events the VM can wait for.
    pub max_fds: Limit,
    /// How many ports, processes, ETS tables and atoms fit.
    pub limits: (Limit, Limit, Limit, Limit),
    /// What the VM would not tell.
    pub unreadable: Vec<Unreadable>,
}

/// The numbers that a call brings along where [`Fixed`] is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vitals {
    /// Ports in use.
    pub ports: u64,
    /// Processes in use.
    pub processes: u64,
    /// Atoms in use.
    pub atoms: u64,
    /// What headroom itself holds back.
    pub reserved: Reserved,
    /// At which use the level rises.
    pub thresholds: Thresholds,
}

/// The VM at one moment, where [`Fixed`] is kept: a tuple, in this order.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Now {
    /// System time in milliseconds.
    pub taken_at: i64,
    /// The node's name.
    pub node: String,
    /// Ports in use.
    pub ports: u64,
    /// Processes in use.
    pub processes: u64,
    /// ETS tables.
    pub ets_tables: u64,
    /// Atoms in use.
    pub atoms: u64,
    /// Sockets of the `socket` module.
    pub sockets: Count,
    /// What headroom itself holds back.
    pub reserved: Reserved,
    /// Descriptors that headroom holds in the VM.
    pub own: u64,
    /// What the VM would not tell now.
    pub unreadable: Vec<Unreadable>,
}

impl Fixed {
    /// The facts of the VM at a moment.
    pub fn at(&self, now: Now) -> Beam {
        let (ports, processes, ets_tables, atoms) = self.limits;
        let tables = Tables {
            ports: (Known::Is(now.ports), ports),
            processes: (Known::Is(now.processes), processes),
            ets_tables: (Known::Is(now.ets_tables), ets_tables),
            atoms: (Known::Is(now.atoms), atoms),
            sockets: now.sockets,
        };
        let mut beam = self.beam(tables, now.reserved);
        beam.taken_at = now.taken_at;
        beam.node = now.node;
        beam.own = now.own;
        beam.unreadable.splice(0..0, now.unreadable);
        beam
    }

    /// The tables of the VM. What no finding above a notice is about, nobody asked for.
    pub fn tables(&self, vitals: &Vitals) -> Tables {
        let (ports, processes, ets_tables, atoms) = self.limits;
        Tables {
            ports: (Known::Is(vitals.ports), ports),
            processes: (Known::Is(vitals.processes), processes),
            ets_tables: (Count::Unknown, ets_tables),
            atoms: (Known::Is(vitals.atoms), atoms),
            sockets: Count::Unknown,
        }
    }

    /// The facts of the VM, with these tables.
    pub fn beam(&self, tables: Tables, reserved: Reserved) -> Beam {
        Beam {
            taken_at: 0,
            node: String::new(),
            otp_release: self.otp_release.clone(),
            boot: self.boot.clone(),
            max_fds: self.max_fds,
            tables,
            reserved,
            unreadable: self.unreadable.clone(),
            own: 0,
            exposure: None,
            aside: None,
        }
    }
}

/// The tables of the VM: how many are used, how many fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// The port table.
    pub ports: (Count, Limit),
    /// The process table.
    pub processes: (Count, Limit),
    /// ETS tables, and the number that `+e` advises.
    pub ets_tables: (Count, Limit),
    /// The atom table.
    pub atoms: (Count, Limit),
    /// Sockets of the `socket` module, which use no port.
    pub sockets: Count,
}

/// What headroom holds back for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// Descriptors by which the soft limit was lowered.
    pub fds: u64,
    /// Idle ports.
    pub ports: u64,
}
