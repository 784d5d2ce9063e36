//! What of this VM would be hit when a descriptor, port or process is missing, as it is handed in.

use serde::Deserialize;

/// The parts of the VM that behave badly at exhaustion, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Exposure {
    /// Whether names of hosts are looked up by the helper program `inet_gethost`.
    pub native_lookup: bool,
    /// Whether that helper runs.
    pub resolver_started: bool,
    /// When code is loaded.
    pub code_mode: CodeMode,
    /// Modules of the loaded applications that are not loaded.
    pub unloaded_modules: u64,
    /// Those that format log events, and are not loaded.
    pub unloaded_formatters: Vec<String>,
    /// Whether `file_server_2` runs, which opens every file that is not raw.
    pub file_server: bool,
    /// Listening sockets of the distribution.
    pub dist_listeners: u64,
    /// Mnesia, if the node has it.
    pub mnesia: Option<Mnesia>,
}

atoms! {
    /// When code is loaded.
    pub enum CodeMode {
        /// A module is loaded when it is first called.
        Interactive = "interactive",
        /// All modules are loaded at boot.
        Embedded = "embedded",
    }
}

/// What can be known of Mnesia without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Mnesia {
    /// What it is doing.
    pub state: MnesiaState,
    /// Where its files are.
    pub directory: String,
}

atoms! {
    /// What Mnesia is doing.
    pub enum MnesiaState {
        /// Loaded, not started.
        Stopped = "stopped",
        /// Running, with files on disc.
        OnDisc = "on_disc",
        /// Running, or to be started, without any file.
        InMemory = "in_memory",
    }
}
