//! What only the VM knows, as it is handed in.

use serde::{Deserialize, Serialize};

use crate::boot::Boot;
use crate::exposure::Exposure;
use crate::unreadable::Unreadable;
use crate::vocabulary::{Count, Limit};

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
    /// What would be hit at exhaustion, when that is asked.
    #[serde(default)]
    pub exposure: Option<Exposure>,
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
