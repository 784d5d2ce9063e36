//! What a crash dump of OTP states, as plain data. Whoever reads the file fills it in; nothing here is judged.

use serde::Serialize;

/// What was found in one dump. A number that the dump does not state is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Dump {
    /// When it was written, as it says itself.
    pub written_at: Option<String>,
    /// The line `Slogan:`, or the last words of the VM where it wrote no dump.
    pub slogan: Option<String>,
    /// The line `System version:`.
    pub system_version: Option<String>,
    /// Whether its last section is there. Without it every count is a least one.
    pub complete: bool,
    /// Whether this is a dump at all, or lines that the VM wrote to its standard error.
    pub is_dump: bool,
    /// Section `memory`, in bytes.
    pub memory: Memory,
    /// Entries of the atom table.
    pub atoms: Option<u64>,
    /// Its limit.
    pub atom_limit: Option<u64>,
    /// Atoms by their shape, a number in a name being any number.
    pub atom_shapes: Census,
    /// The atoms that were made last.
    pub newest_atoms: Vec<String>,
    /// Bytes of the process table.
    pub process_table_bytes: Option<u64>,
    /// Bytes of the port table.
    pub port_table_bytes: Option<u64>,
    /// Processes, by what they run.
    pub processes: Census,
    /// Ports, by their kind.
    pub ports: Census,
    /// ETS tables, by their name.
    pub ets_tables: Census,
    /// Who owns most ports.
    pub port_owners: Vec<Owner>,
    /// Who owns most ETS tables.
    pub ets_owners: Vec<Owner>,
    /// The processes with the most memory, the largest first.
    pub largest: Vec<Process>,
    /// The processes with the longest message queues, the longest first.
    pub longest_queues: Vec<Process>,
    /// Names under which processes were registered, of those that matter here.
    pub registered: Vec<String>,
}

/// The section `memory`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // named like its lines
pub struct Memory {
    pub total: Option<u64>,
    pub processes: Option<u64>,
    pub atom: Option<u64>,
    pub binary: Option<u64>,
    pub code: Option<u64>,
    pub ets: Option<u64>,
}

/// How many there were, and the largest groups among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// All of them.
    pub count: u64,
    /// The largest groups, the largest first.
    pub groups: Vec<Group>,
}

/// Things of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they have in common.
    pub what: String,
    /// How many there were, at least.
    pub count: u64,
}

/// A process and how many things it owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// Its pid as the dump writes it.
    pub pid: String,
    /// Its registered name, or what it runs.
    pub what: Option<String>,
    /// How many it owned, at least.
    pub count: u64,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its pid as the dump writes it.
    pub pid: String,
    /// Its registered name, or what it runs.
    pub what: String,
    /// Its memory in bytes, without the binaries that it refers to.
    pub memory: u64,
    /// Messages that it had not taken yet.
    pub messages: u64,
}
