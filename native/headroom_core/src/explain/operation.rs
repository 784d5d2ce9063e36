//! What was being done when it failed, and where a reason itself says so.

use headroom_facts::otp::{OS_CMD_FDS, PORT_PROGRAM_FDS};

atoms! {
    /// The operation that failed.
    pub enum Operation {
        /// `gen_tcp:accept`, `ssl:transport_accept`, `socket:accept`.
        Accept = "accept",
        /// `gen_tcp:connect`, `ssl:connect`, and clients above them.
        Connect = "connect",
        /// `gen_tcp:listen`, `ssl:listen`.
        Listen = "listen",
        /// `gen_udp:open`.
        UdpOpen = "udp_open",
        /// `gen_sctp:open`.
        SctpOpen = "sctp_open",
        /// `gen_sctp:peeloff`.
        Peeloff = "peeloff",
        /// `socket:open`.
        Socket = "socket",
        /// Anything that opens a file or directory, and loading of code.
        File = "file",
        /// `open_port`.
        OpenPort = "open_port",
        /// `os:cmd`.
        OsCmd = "os_cmd",
        /// `ets:new`.
        Ets = "ets",
        /// `spawn` and its relatives.
        Spawn = "spawn",
        /// Not told.
        Undefined = "undefined",
    }
}

impl Operation {
    /// What it is called in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Operation::UdpOpen => "gen_udp:open",
            Operation::SctpOpen => "gen_sctp:open",
            Operation::Socket => "socket:open",
            Operation::File => "opening a file",
            Operation::OsCmd => "os:cmd",
            Operation::Ets => "ets:new",
            Operation::Undefined => "an unknown operation",
            _ => self.as_str(),
        }
    }

    /// The descriptors that must be free at the start.
    pub const fn descriptors(self) -> u64 {
        match self {
            Operation::OpenPort => PORT_PROGRAM_FDS,
            Operation::OsCmd => OS_CMD_FDS,
            _ => 1,
        }
    }

    /// What others notice when nothing came of it.
    pub(super) const fn without_success(self) -> &'static str {
        match self {
            Operation::Accept => "It hangs in the listen backlog.",
            Operation::Connect => "Nothing: this node is the client, and no connection was made.",
            Operation::Listen => "It is refused: nothing listens.",
            Operation::UdpOpen | Operation::SctpOpen | Operation::Socket => {
                "Nothing: no socket was opened."
            }
            Operation::Peeloff => "Nothing yet: its association stays with the shared socket.",
            Operation::File => "Whatever the caller makes of a file that cannot be opened.",
            Operation::OpenPort | Operation::OsCmd => {
                "Whatever the caller makes of a program that did not start."
            }
            Operation::Spawn => "Whatever the crashed caller was doing for it.",
            Operation::Ets => "Whatever the caller makes of a missing table.",
            Operation::Undefined => "",
        }
    }

    /// Whether a program is started.
    pub const fn starts_program(self) -> bool {
        matches!(self, Operation::OpenPort | Operation::OsCmd)
    }

    /// The operation of a function in a stacktrace.
    pub(super) fn of_function(module: &str, function: &str) -> Option<Operation> {
        let operation = match (module, function) {
            ("os", "cmd") => Operation::OsCmd,
            ("erlang", "open_port") | ("Elixir.Port", "open") => Operation::OpenPort,
            ("erlang" | "proc_lib", name) if name == "spawn" || name.starts_with("spawn_") => {
                Operation::Spawn
            }
            ("proc_lib", name) if name.starts_with("start") => Operation::Spawn,
            ("ets", "new") => Operation::Ets,
            ("gen_udp" | "gen_udp_socket" | "inet_udp" | "inet6_udp" | "local_udp", _) => {
                Operation::UdpOpen
            }
            ("gen_sctp" | "inet_sctp" | "inet6_sctp" | "prim_inet", "peeloff") => {
                Operation::Peeloff
            }
            ("gen_sctp" | "inet_sctp" | "inet6_sctp", _) => Operation::SctpOpen,
            (
                "gen_tcp" | "gen_tcp_socket" | "inet_tcp" | "inet6_tcp" | "local_tcp" | "prim_inet"
                | "ssl" | "tls_socket" | "socket" | "prim_socket",
                name,
            ) => return of_socket_function(module, name),
            ("Elixir.File" | "file" | "prim_file" | "file_io_server" | "disk_log" | "dets", _)
            | ("erlang", "load_nif")
            | ("erl_ddll", _) => Operation::File,
            _ => return None,
        };
        Some(operation)
    }
}

fn of_socket_function(module: &str, name: &str) -> Option<Operation> {
    if name.contains("accept") || name == "handshake" {
        Some(Operation::Accept)
    } else if name.contains("listen") {
        Some(Operation::Listen)
    } else if name.contains("connect") {
        Some(Operation::Connect)
    } else if name == "open" && matches!(module, "socket" | "prim_socket") {
        Some(Operation::Socket)
    } else {
        None
    }
}
