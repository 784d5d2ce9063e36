//! Reads `erl_crash.dump` line by line, as OTP 23 to 29 write it (erts/emulator/beam/break.c, `erl_crash_dump_v`).

use std::collections::HashMap;

use headroom_core::autopsy::Slogan;
use headroom_facts::dump::{Dump, Owner, Process};

use super::census::Counter;

/// How many groups, owners and processes are kept to be shown.
const SHOWN: usize = 5;
/// The most bytes of a name.
const NAME: usize = 120;
/// Atoms that are shown as the last ones made: a dump lists the newest first.
const NEWEST: usize = 3;

/// The part of a dump that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Start,
    Head,
    Memory,
    AtomTable,
    Areas,
    Port,
    Ets,
    Process,
    Atoms,
    Other,
}

/// Takes the lines of a dump, and has its facts at the end.
pub struct Reader {
    section: Section,
    dump: Dump,
    ports: Counter,
    port_owners: Counter,
    ets: Counter,
    ets_owners: Counter,
    processes: Counter,
    shapes: Counter,
    names: Names,
    current: Current,
}

/// What each process is, so that the owner of a port, which comes later, has a name: the few texts once, and a number
/// for each process, so that half a million of them take a few megabytes.
#[derive(Default)]
struct Names {
    of: HashMap<u64, u32>,
    texts: Vec<String>,
    known: HashMap<String, u32>,
}

impl Names {
    /// The most processes and the most texts that are kept.
    const PROCESSES: usize = 500_000;
    const TEXTS: usize = 4096;

    fn insert(&mut self, pid: &str, what: &str) {
        let Some(pid) = pid_number(pid) else { return };
        if self.of.len() >= Names::PROCESSES {
            return;
        }
        let index = match self.known.get(what) {
            Some(&index) => index,
            None if self.texts.len() < Names::TEXTS => {
                let index = self.texts.len() as u32;
                self.texts.push(what.into());
                self.known.insert(what.into(), index);
                index
            }
            None => return,
        };
        self.of.insert(pid, index);
    }

    fn of(&self, pid: &str) -> Option<String> {
        let index = *self.of.get(&pid_number(pid)?)?;
        self.texts.get(index as usize).cloned()
    }
}

/// `<0.90.3>` as one number; a pid of a node has 28 bits of number and 3 words.
fn pid_number(pid: &str) -> Option<u64> {
    let mut parts = pid.strip_prefix("<0.")?.strip_suffix('>')?.split('.');
    let number: u32 = parts.next()?.parse().ok()?;
    let serial: u32 = parts.next()?.parse().ok()?;
    Some(u64::from(serial) << 32 | u64::from(number))
}

/// The thing whose lines are being read.
#[derive(Default)]
struct Current {
    pid: String,
    name: Option<String>,
    spawned_as: Option<String>,
    runs: Option<String>,
    memory: u64,
    messages: u64,
    /// What a port is, whom a port or table belongs to, what a table is called.
    what: Option<String>,
    owner: Option<String>,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader {
            section: Section::Start,
            dump: Dump::default(),
            ports: Counter::default(),
            port_owners: Counter::default(),
            ets: Counter::default(),
            ets_owners: Counter::default(),
            processes: Counter::default(),
            shapes: Counter::default(),
            names: Names::default(),
            current: Current::default(),
        }
    }
}

impl Reader {
    /// The next line, or the beginning of it.
    pub fn line(&mut self, line: &[u8]) {
        // In the sections of heaps and binaries nothing is looked for but the next section.
        if line.first() == Some(&b'=') {
            self.begin(&text(line));
        } else if self.section != Section::Other {
            self.field(&text(line));
        }
    }

    /// What was found.
    pub fn end(mut self) -> Dump {
        self.finish();
        let mut dump = self.dump;
        dump.ports = self.ports.census(SHOWN);
        dump.ets_tables = self.ets.census(SHOWN);
        dump.processes = self.processes.census(SHOWN);
        dump.atom_shapes = self.shapes.census(SHOWN);
        let owners = |counter: &Counter| {
            let groups = counter.census(SHOWN).groups.into_iter();
            groups
                .map(|group| Owner {
                    what: self.names.of(&group.what),
                    pid: group.what,
                    count: group.count,
                })
                .collect()
        };
        dump.port_owners = owners(&self.port_owners);
        dump.ets_owners = owners(&self.ets_owners);
        dump
    }

    fn begin(&mut self, line: &str) {
        if self.section == Section::Start && !line.starts_with("=erl_crash_dump:") {
            // A log: `=ERROR REPORT====` begins no section.
            return;
        }
        self.finish();
        let (kind, of) = line.split_once(':').unwrap_or((line, ""));
        self.section = match kind {
            "=erl_crash_dump" => {
                self.dump = Dump {
                    is_dump: true,
                    ..Dump::default()
                };
                Section::Head
            }
            "=memory" => Section::Memory,
            "=index_table" if of == "atom_tab" => Section::AtomTable,
            "=allocated_areas" => Section::Areas,
            "=port" => Section::Port,
            "=ets" => {
                self.current.owner = Some(cut(of));
                Section::Ets
            }
            "=proc" => {
                self.current.pid = cut(of);
                Section::Process
            }
            "=atoms" => Section::Atoms,
            "=end" => {
                self.dump.complete = true;
                Section::Other
            }
            _ => Section::Other,
        };
    }

    /// The end of a port, a table or a process.
    fn finish(&mut self) {
        let current = std::mem::take(&mut self.current);
        match self.section {
            Section::Port => {
                self.ports
                    .add(current.what.unwrap_or_else(|| "of unknown kind".into()));
                if let Some(owner) = current.owner {
                    self.port_owners.add(owner);
                }
            }
            Section::Ets => {
                self.ets
                    .add(current.what.unwrap_or_else(|| "without a name".into()));
                if let Some(owner) = current.owner {
                    self.ets_owners.add(owner);
                }
            }
            Section::Process => self.process(current),
            _ => {}
        }
    }

    fn process(&mut self, current: Current) {
        let what = what(&current);
        self.names.insert(&current.pid, &what);
        match current.name {
            // One of a kind: its name stands with what it owns, not among the groups.
            Some(name) => {
                self.processes.add_alone();
                if name == "file_server_2" {
                    self.dump.registered.push(name);
                }
            }
            None => self.processes.add(what.clone()),
        }
        let process = Process {
            pid: current.pid,
            what,
            memory: current.memory,
            messages: current.messages,
        };
        keep(&mut self.dump.largest, &process, |process| process.memory);
        keep(&mut self.dump.longest_queues, &process, |process| {
            process.messages
        });
    }

    fn field(&mut self, line: &str) {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        let dump = &mut self.dump;
        let current = &mut self.current;
        match (self.section, key) {
            // A log instead of a dump: the last thing that a VM said before its end counts.
            (Section::Start, _) if Slogan::is_last_words(line) => {
                dump.slogan = Some(line.trim().into());
            }
            (Section::Head, "Slogan") => dump.slogan = Some(value.into()),
            (Section::Head, "System version") => dump.system_version = Some(value.into()),
            (Section::Head, "Atoms") => dump.atoms = number(value),
            (Section::Head, _) if dump.written_at.is_none() => dump.written_at = Some(line.into()),
            (Section::Memory, "total") => dump.memory.total = number(value),
            (Section::Memory, "processes") => dump.memory.processes = number(value),
            (Section::Memory, "atom") => dump.memory.atom = number(value),
            (Section::Memory, "binary") => dump.memory.binary = number(value),
            (Section::Memory, "code") => dump.memory.code = number(value),
            (Section::Memory, "ets") => dump.memory.ets = number(value),
            (Section::AtomTable, "limit") => dump.atom_limit = number(value),
            (Section::Areas, "process_table") => dump.process_table_bytes = number(value),
            (Section::Areas, "port_table") => dump.port_table_bytes = number(value),
            (Section::Port, "Connected") => current.owner = Some(cut(value)),
            (Section::Port, _) if key.starts_with("Port ") => current.what = Some(port(key, value)),
            (Section::Ets, "Name") => current.what = Some(cut(value)),
            (Section::Process, "Name") => current.name = Some(cut(value)),
            (Section::Process, "Spawned as") => current.spawned_as = Some(cut(value)),
            (Section::Process, "Memory") => current.memory = number(value).unwrap_or(0),
            (Section::Process, "Message queue length") => {
                current.messages = number(value).unwrap_or(0)
            }
            (Section::Process, "Program counter") => current.runs = function(value),
            (Section::Atoms, _) => self.atom(line),
            _ => {}
        }
    }

    fn atom(&mut self, atom: &str) {
        if self.dump.newest_atoms.len() < NEWEST {
            self.dump.newest_atoms.push(cut(atom));
        }
        self.shapes.add(shape(atom));
    }
}

/// A process by its registered name, or by what it was started as and what it was doing.
fn what(current: &Current) -> String {
    match (&current.name, &current.spawned_as, &current.runs) {
        (Some(name), _, _) => name.clone(),
        (None, Some(spawned), Some(runs)) if spawned != runs => format!("{spawned} in {runs}"),
        (None, Some(one), _) | (None, None, Some(one)) => one.clone(),
        (None, None, None) => "unknown".into(),
    }
}

/// `Port controls linked-in driver: tcp_inet`, `Port controls external process: cat`: the driver, or the kind and the name.
fn port(key: &str, value: &str) -> String {
    match key {
        "Port controls linked-in driver" | "Port controls forker process" => cut(value),
        "Port controls external process" => format!("program {}", cut(value)),
        _ => {
            let kind = key.trim_start_matches("Port ").trim_start_matches("is ");
            cut(&format!("{kind} {value}"))
        }
    }
}

/// `0x00007f9732dd63c8 (init:sleep/1 + 176)`.
fn function(value: &str) -> Option<String> {
    let (_, rest) = value.split_once('(')?;
    let function = rest.split([' ', ')']).next()?;
    (!function.is_empty()).then(|| cut(function))
}

/// An atom with each number in it replaced: what is made from data differs in such parts.
fn shape(atom: &str) -> String {
    let mut shape = String::with_capacity(atom.len());
    let mut in_number = false;
    for c in atom.chars().take(NAME) {
        if c.is_ascii_digit() {
            if !in_number {
                shape.push('N');
            }
            in_number = true;
        } else {
            shape.push(c);
            in_number = false;
        }
    }
    shape
}

/// Keeps the few with the highest measure, the highest first.
fn keep(kept: &mut Vec<Process>, process: &Process, measure: fn(&Process) -> u64) {
    let at = kept.partition_point(|other| measure(other) >= measure(process));
    if at < SHOWN {
        kept.insert(at, process.clone());
        kept.truncate(SHOWN);
    }
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Without control characters, which would spoil a terminal, and of bounded length.
fn cut(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '?' } else { c };
    text.trim().chars().take(NAME).map(clean).collect()
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Dump {
        let mut reader = Reader::default();
        text.lines().for_each(|line| reader.line(line.as_bytes()));
        reader.end()
    }

    const DUMP: &str = "=erl_crash_dump:0.5\nWed Nov 25 02:08:09 2026\nSlogan: my own: reason\nSystem version: Erlang/OTP 25 [erts-13.1.5]\nAtoms: 9214\n=memory\ntotal: 13798416\nprocesses: 3133976\n=index_table:atom_tab\nsize: 9216\nlimit: 1048576\n=index_table:export\nlimit: 7\n=allocated_areas\nprocess_table: 12288\nport_table: 786432\n=proc:<0.9.0>\nState: Waiting\nSpawned as: erlang:apply/2\nMessage queue length: 5\nMemory: 2640\nProgram counter: 0x00007f9733161d2c (timer:sleep/1 + 348)\n=proc:<0.10.0>\nName: file_server_2\nSpawned as: proc_lib:init_p/5\nMessage queue length: 0\nMemory: 9999\n=port:#Port<0.0>\nSlot: 0\nConnected: <0.0.0>\nPort controls forker process: forker\n=port:#Port<0.5>\nConnected: <0.9.0>\nPort controls linked-in driver: tcp_inet\n=port:#Port<0.6>\nConnected: <0.9.0>\nPort controls linked-in driver: tcp_inet\n=port:#Port<0.8>\nConnected: <0.9.0>\nPort controls external process: cat\n=ets:<0.42.0>\nTable: logger\nName: logger\n=proc_heap:<0.9.0>\nName: not_this\n=atoms\nx_12\nx_11\ntrue\n=end\n";

    #[test]
    fn the_sections_that_count() {
        let dump = read(DUMP);
        assert!(dump.is_dump && dump.complete);
        assert_eq!(dump.slogan.as_deref(), Some("my own: reason"));
        assert_eq!(dump.written_at.as_deref(), Some("Wed Nov 25 02:08:09 2026"));
        assert_eq!((dump.atoms, dump.atom_limit), (Some(9214), Some(1_048_576)));
        assert_eq!(
            (dump.process_table_bytes, dump.port_table_bytes),
            (Some(12_288), Some(786_432))
        );
        assert_eq!(dump.memory.total, Some(13_798_416));
        assert_eq!(
            (
                dump.ports.count,
                dump.ets_tables.count,
                dump.processes.count
            ),
            (4, 1, 2)
        );
        assert_eq!(
            (
                dump.ports.groups[0].what.as_str(),
                dump.ports.groups[0].count
            ),
            ("tcp_inet", 2)
        );
        assert_eq!(
            dump.port_owners[0].what.as_deref(),
            Some("erlang:apply/2 in timer:sleep/1")
        );
        assert_eq!(dump.port_owners[0].count, 3);
        assert_eq!(dump.largest[0].what, "file_server_2");
        assert_eq!(dump.longest_queues[0].messages, 5);
        assert_eq!(dump.registered, ["file_server_2"]);
        assert_eq!(dump.processes.groups.len(), 1);
        assert_eq!(
            (
                dump.atom_shapes.groups[0].what.as_str(),
                dump.atom_shapes.groups[0].count
            ),
            ("x_N", 2)
        );
        assert_eq!(dump.newest_atoms, ["x_12", "x_11", "true"]);
    }

    // A dump that a full disk cut off is what one has on the worst day.
    #[test]
    fn a_cut_dump_is_read_as_far_as_it_goes() {
        for end in 0..DUMP.len() {
            let dump = read(&DUMP[..end]);
            assert!(!dump.complete || end > DUMP.len() - 6, "{end}");
        }
    }

    // Where the VM died before it could write a dump, its last words are in the log.
    #[test]
    fn a_log_has_the_last_words() {
        let log = "=ERROR REPORT==== 1-Jan\nx\nll_alloc: Cannot allocate 1610612799 bytes of memory (of type \"port_tab\").\nAborted\n";
        let dump = read(log);
        assert!(!dump.is_dump);
        assert!(dump.slogan.unwrap().starts_with("ll_alloc"));
        assert_eq!(read("nothing\nof it\n").slogan, None);
    }

    #[test]
    fn terminals_are_spared() {
        let dump = read("=erl_crash_dump:0.5\n=port:#Port<0.1>\nPort controls external process: a\x1b[2Jb\n=end\n");
        assert_eq!(dump.ports.groups[0].what, "program a?[2Jb");
    }
}
