//! Who has descriptors, as the VM says it: its ports and sockets, and the processes behind them.

use serde::{Deserialize, Serialize};

/// What the VM says at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Owners {
    /// What there is of owners, each different one once: many processes are told apart by nothing but their number.
    pub owners: Vec<Owner>,
    /// What claims a descriptor, port by port and socket by socket.
    pub claims: Vec<Claim>,
    /// Programs that the node runs, and the pipes that lead to them.
    #[serde(default)]
    pub programs: Vec<Program>,
    /// Processes with open files, of which no more than the number is known.
    #[serde(default)]
    pub files: Vec<Files>,
    /// The number of the process that asks, if it has descriptors.
    #[serde(default)]
    pub asker: Option<u32>,
    /// Whether everybody who was to be asked was asked.
    pub complete: bool,
}

/// A descriptor that a port or a socket says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The descriptor.
    pub fd: u32,
    /// Index of its owner.
    pub owner: u32,
    /// The number of the process, the same for all that it has.
    pub process: u32,
    /// Bytes that a port still has to send, beside those of the kernel; where it was asked.
    pub queued: u64,
}

/// A program that the node runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Index of its owner.
    pub owner: u32,
    /// The number of the process that it works for.
    pub process: u32,
    /// The numbers of the pipes that it has as standard input, output and error.
    pub pipes: Vec<u64>,
}

/// The open files of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Index of their owner.
    pub owner: u32,
    /// The number of the process.
    pub process: u32,
    /// How many; at most so many, where it is not sure.
    pub count: u64,
    /// Whether they are files: native code of a library may watch a process by the same means.
    pub sure: bool,
}

/// Who owns something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A process, by what it has in common with others of its kind.
    Process(Process),
    /// A process that is not there any more.
    Gone,
    /// A process that did not answer in time: it is inside native code.
    Busy,
    /// A process that was not asked.
    NotAsked,
}

/// What processes of one kind have in common; texts as Erlang writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// The registered name.
    pub name: Option<String>,
    /// The label, what differs between processes of one kind left out.
    pub label: Option<String>,
    /// The nearest ancestor with a name.
    pub ancestor: Option<String>,
    /// The function that it began with.
    pub initial: Option<String>,
    /// The process that spawned it, where there is no name and no ancestor.
    pub parent: Option<String>,
    /// The application that it belongs to.
    pub application: Option<String>,
}
