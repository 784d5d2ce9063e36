//! Whether a limit ended a node, from what its crash dump states. Judges a [`Dump`]; who reads the file is not its matter.

mod slogan;

use serde::Serialize;

pub use slogan::Slogan;

use crate::advise::lines;
use crate::finding::Fix;
use crate::measure::resource::{self, Resource};
use crate::number::plain;
use headroom_facts::dump::{Census, Dump};
use headroom_facts::otp::{self, DEFAULT_PORTS, LARGEST_TABLE};
use headroom_facts::release::Release;
use headroom_facts::vocabulary::{Known, Limit, Name};

atoms! {
    /// What ended the node.
    pub enum Cause {
        /// The atom table was full.
        Atoms = "atoms",
        /// The resolver's helper could not be started.
        Resolver = "resolver",
        /// The process table was full, and the file server needed a process.
        FileServer = "file_server",
        /// The port table of a huge limit of descriptors took the memory.
        PortTab = "port_tab",
        /// The process table took the memory.
        ProcTab = "proc_tab",
        /// There was no memory left.
        Memory = "memory",
        /// A thread could not be made: the number of OS processes and threads is limited.
        Threads = "threads",
        /// Another table of names was full.
        NameTable = "name_table",
        /// Nothing that is a limit.
        NotALimit = "not_a_limit",
        /// The dump does not tell.
        Undetermined = "undetermined",
    }
}

impl Cause {
    /// Whether this is a limit.
    pub fn is_limit(self) -> bool {
        !matches!(self, Cause::NotALimit | Cause::Undetermined)
    }
}

/// What ended a node, and what shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Autopsy {
    /// What ended the node.
    pub cause: Cause,
    /// The answer in a few sentences, with the numbers in it.
    pub message: String,
    /// What in the dump shows it.
    pub evidence: Vec<String>,
    /// The tables that the dump counts, against their limits where it states them.
    pub tables: Vec<Resource>,
    /// What to do before the next start.
    pub fix: Vec<Fix>,
}

impl Autopsy {
    /// Judges a dump.
    pub fn of(dump: &Dump) -> Autopsy {
        let tables = tables(dump);
        let slogan = Slogan::parse(dump.slogan.as_deref().unwrap_or_default());
        let scene = Scene {
            dump,
            tables: &tables,
        };
        let Verdict {
            cause,
            message,
            mut evidence,
            fix,
        } = scene.verdict(&slogan);
        evidence.extend(scene.full_tables(cause));
        if dump.is_dump && !dump.complete {
            evidence
                .push("the dump ends before its last section: every count is a least one".into());
        }
        Autopsy {
            cause,
            message,
            evidence,
            tables,
            fix,
        }
    }
}

/// From here on the table is taken for full: the end itself frees some of what filled it.
const FULL_PERCENT: f64 = 90.0;
/// A port table above this share of all memory is what took it.
const LARGE_SHARE: u64 = 4;
/// An allocation above this many times of what was in use is one request that nothing could satisfy.
const ONE_REQUEST: u64 = 2;

struct Verdict {
    cause: Cause,
    message: String,
    evidence: Vec<String>,
    fix: Vec<Fix>,
}

struct Scene<'a> {
    dump: &'a Dump,
    tables: &'a [Resource],
}

/// Slots of a table, from its size in the dump: 12 bytes each, and 8 with `+Q legacy` (erts/emulator/beam/erl_ptab.c,
/// `erts_ptab_mem_size`); a size of the one kind is never one of the other, since both numbers of slots are powers of two.
fn slots(bytes: Option<u64>) -> Limit {
    let bytes = bytes.filter(|&bytes| bytes > 0);
    let slots = bytes.map(|bytes| {
        let slots = if bytes.is_multiple_of(12) {
            bytes / 12
        } else {
            bytes / 8
        };
        slots.min(LARGEST_TABLE)
    });
    slots.map_or(Limit::Unknown, Limit::Finite)
}

fn tables(dump: &Dump) -> Vec<Resource> {
    if !dump.is_dump {
        return Vec::new();
    }
    let atom_limit = dump.atom_limit.map_or(Limit::Unknown, Limit::Finite);
    let count = |census: &Census| Known::Is(census.count);
    vec![
        resource::table(
            Name::Ports,
            (count(&dump.ports), slots(dump.port_table_bytes)),
        ),
        resource::table(
            Name::Processes,
            (count(&dump.processes), slots(dump.process_table_bytes)),
        ),
        resource::table(Name::EtsTables, (count(&dump.ets_tables), Limit::Unknown)),
        resource::table(Name::Atoms, (dump.atoms.into(), atom_limit)),
    ]
}

impl Scene<'_> {
    fn table(&self, name: Name) -> Option<&Resource> {
        self.tables.iter().find(|table| table.name == name)
    }

    fn is_full(&self, name: Name) -> bool {
        let percent = self.table(name).and_then(|table| table.percent.get());
        percent.is_some_and(|percent| percent >= FULL_PERCENT)
    }

    fn limit(&self, name: Name) -> Option<u64> {
        self.table(name)?.limit.finite()
    }

    fn release(&self) -> Release {
        let version = self.dump.system_version.as_deref().unwrap_or_default();
        let release = version
            .split_once("Erlang/OTP ")
            .and_then(|(_, rest)| rest.split(' ').next())
            .unwrap_or_default();
        Release::parse(release)
    }

    fn verdict(&self, slogan: &Slogan) -> Verdict {
        match slogan {
            Slogan::IndexTable { table, limit } if table == "atom_tab" => self.atoms(*limit),
            Slogan::IndexTable { table, limit } => Verdict {
                cause: Cause::NameTable,
                message: format!(
                    "The table {table} was full{}. Nothing makes it larger: whatever creates modules or functions without end has to stop.",
                    limit.map_or(String::new(), |limit| format!(" at {} entries", plain(limit)))
                ),
                evidence: self.slogan(),
                fix: Vec::new(),
            },
            Slogan::Resolver { reason } => self.resolver(reason),
            Slogan::Application { name, reason } => self.application(name, reason),
            Slogan::Memory { bytes, of_type } => self.memory(*bytes, of_type),
            Slogan::Signal => Verdict {
                cause: Cause::NotALimit,
                message: "No limit: somebody sent the signal SIGUSR1, which asks a node to write a dump and end.".into(),
                evidence: self.slogan(),
                fix: Vec::new(),
            },
            Slogan::Thread => Verdict {
                cause: Cause::Threads,
                message: "A thread could not be made: the user, the service or the container may have no more OS processes and threads.".into(),
                evidence: self.slogan(),
                fix: lines::more_tasks(),
            },
            Slogan::Boot(text) | Slogan::Other(text) => self.other(text, matches!(slogan, Slogan::Boot(_))),
        }
    }

    /// The first piece of evidence is always what the VM said itself.
    fn slogan(&self) -> Vec<String> {
        let slogan = self.dump.slogan.iter();
        slogan
            .map(|text| format!("slogan: {}", shortened(text)))
            .collect()
    }

    fn atoms(&self, limit: Option<u64>) -> Verdict {
        let limit = limit.or(self.limit(Name::Atoms));
        let mut evidence = self.slogan();
        let shapes = &self.dump.atom_shapes.groups;
        evidence.extend(shapes.first().map(|group| {
            format!(
                "most atoms look like {}: at least {}",
                quoted(&group.what),
                plain(group.count)
            )
        }));
        if !self.dump.newest_atoms.is_empty() {
            let newest: Vec<_> = self
                .dump
                .newest_atoms
                .iter()
                .map(|atom| quoted(atom))
                .collect();
            evidence.push(format!("the last ones made: {}", newest.join(", ")));
        }
        Verdict {
            cause: Cause::Atoms,
            message: format!(
                "A limit: the atom table was full{}, which ends a node at once. Atoms are never freed, so a larger table only buys time: find what makes them from data.",
                limit.map_or(String::new(), |limit| format!(" at {}", plain(limit)))
            ),
            evidence,
            fix: vec![lines::flag("+t", limit.map_or(1 << 21, |limit| limit.saturating_mul(2)))],
        }
    }

    fn resolver(&self, reason: &str) -> Verdict {
        let (missing, mut fix) = match reason {
            "emfile" => ("fewer than five descriptors were free", Vec::new()),
            "enfile" => ("the kernel had no open file left", Vec::new()),
            "system_limit" => (
                "the port table was full",
                self.limit(Name::Ports).map(|ports| lines::flag("+Q", ports.saturating_mul(2))).into_iter().collect(),
            ),
            "eagain" => ("no more OS processes were allowed", lines::more_tasks()),
            "enomem" => ("no memory was left", Vec::new()),
            _ => {
                return Verdict {
                    cause: Cause::NotALimit,
                    message: format!(
                        "No limit: the resolver's helper could not be started, since {reason}; that ends a node on the first lookup of a host name."
                    ),
                    evidence: self.slogan(),
                    fix: Vec::new(),
                }
            }
        };
        fix.insert(0, lines::harden_at_start());
        Verdict {
            cause: Cause::Resolver,
            message: format!(
                "A limit: the resolver's helper could not be started ({reason}: {missing}), and that ends a node. The first lookup of a host name starts it; started while there is room, it stays."
            ),
            evidence: self.slogan(),
            fix,
        }
    }

    fn application(&self, name: &str, reason: &str) -> Verdict {
        let mut evidence = self.slogan();
        if name == "kernel" && reason == "shutdown" && self.is_full(Name::Processes) {
            let table = self.limit(Name::Processes).unwrap_or_default();
            if !self
                .dump
                .registered
                .iter()
                .any(|name| name == "file_server_2")
            {
                evidence.push("no process is registered as file_server_2 any more".into());
            }
            return Verdict {
                cause: Cause::FileServer,
                message: format!(
                    "A limit: the process table was full ({} of {}), and the file server ended when it could not spawn one more; the application kernel, and with it the node, goes down with it.",
                    plain(self.dump.processes.count),
                    plain(table)
                ),
                evidence,
                fix: vec![lines::flag("+P", table.saturating_mul(2).min(LARGEST_TABLE))],
            };
        }
        if reason == "killed" {
            return Verdict {
                cause: Cause::NotALimit,
                message: format!("No limit: the supervisor of the application {name} was killed, and the node cannot live without it."),
                evidence,
                fix: Vec::new(),
            };
        }
        Verdict {
            cause: Cause::Undetermined,
            message: format!(
                "The application {name} ended ({}), and the node cannot live without it. The dump does not say why; the last reports in the log before the end do.",
                shortened(reason)
            ),
            evidence,
            fix: Vec::new(),
        }
    }

    fn memory(&self, bytes: u64, of_type: &str) -> Verdict {
        if matches!(of_type, "port_tab" | "proc_tab") {
            return self.table_at_boot(bytes, of_type);
        }
        let total = self.dump.memory.total;
        let port_table = self.port_table_memory();
        let mut evidence = self.slogan();
        if let (Some(total), Some((slots, taken))) = (total, port_table) {
            if taken > total / LARGE_SHARE && slots > DEFAULT_PORTS {
                evidence.push(format!(
                    "the port table has {} slots, about {} of the {} in use",
                    plain(slots),
                    megabytes(taken),
                    megabytes(total)
                ));
                evidence.push(format!("{} ports were open", plain(self.dump.ports.count)));
                return Verdict {
                    cause: Cause::PortTab,
                    message: format!(
                        "A limit that is too large: the port table (port_tab) was sized to a huge limit of descriptors, or by +Q, and took {}; {} for {of_type:?} was then not to be had.",
                        megabytes(taken), megabytes(bytes)
                    ),
                    evidence,
                    fix: vec![lines::flag("+Q", DEFAULT_PORTS)],
                };
            }
        }
        evidence.extend(self.memory_evidence());
        let one_request = total.is_some_and(|total| bytes / ONE_REQUEST > total);
        let message = if one_request {
            format!(
                "Memory: one request of {} for {of_type:?}, more than {ONE_REQUEST} times of what the node had in use ({}). Look at who asks for so much at once.",
                megabytes(bytes), total.map_or("unknown".into(), megabytes)
            )
        } else {
            format!(
                "Memory: {} for {of_type:?} could not be had{}. The bound is that of the machine, the container or the address space (ulimit -v).",
                megabytes(bytes),
                total.map_or(String::new(), |total| format!(" when the node had {} in use", megabytes(total)))
            )
        };
        Verdict {
            cause: Cause::Memory,
            message,
            evidence,
            fix: Vec::new(),
        }
    }

    /// Where the very table cannot be had the VM ends before it could write a dump.
    fn table_at_boot(&self, bytes: u64, of_type: &str) -> Verdict {
        let (cause, table, flag, size) = match of_type {
            "port_tab" => (Cause::PortTab, "port table", "+Q", DEFAULT_PORTS),
            _ => (Cause::ProcTab, "process table", "+P", 262_144),
        };
        let why = match cause {
            Cause::PortTab => "Without +Q it is sized to the limit of descriptors, which was huge (infinity in a container or a unit)",
            _ => "It is sized by +P",
        };
        Verdict {
            cause,
            message: format!(
                "A limit that is too large: the {table} ({of_type}) of {} could not be had, so the VM could not start. {why}.",
                megabytes(bytes)
            ),
            evidence: self.slogan(),
            fix: vec![lines::flag(flag, size)],
        }
    }

    /// Slots of the port table, and the memory that they take.
    fn port_table_memory(&self) -> Option<(u64, u64)> {
        let slots = slots(self.dump.port_table_bytes).finite()?;
        Some((
            slots,
            slots.saturating_mul(otp::port_slot_bytes(self.release())),
        ))
    }

    fn memory_evidence(&self) -> Vec<String> {
        let memory = &self.dump.memory;
        let mut evidence = Vec::new();
        let parts = [
            ("processes", memory.processes),
            ("binaries", memory.binary),
            ("ETS", memory.ets),
            ("code", memory.code),
            ("atoms", memory.atom),
        ];
        let largest = parts
            .iter()
            .filter_map(|(what, bytes)| Some((what, (*bytes)?)));
        if let (Some((what, bytes)), Some(total)) =
            (largest.max_by_key(|(_, bytes)| *bytes), memory.total)
        {
            evidence.push(format!(
                "most of it: {what} {} of {}",
                megabytes(bytes),
                megabytes(total)
            ));
        }
        evidence.extend(self.dump.largest.first().map(|process| {
            format!(
                "the largest process: {} {}, {}",
                process.pid,
                process.what,
                megabytes(process.memory)
            )
        }));
        let queue = self.dump.longest_queues.first();
        evidence.extend(
            queue
                .filter(|process| process.messages > 1000)
                .map(|process| {
                    format!(
                        "the longest queue: {} {}, {} messages",
                        process.pid,
                        process.what,
                        plain(process.messages)
                    )
                }),
        );
        evidence
    }

    fn other(&self, text: &str, boot: bool) -> Verdict {
        let full = self
            .tables
            .iter()
            .find(|table| table.enforced && self.is_full(table.name));
        let named = ["emfile", "enfile", "system_limit", "enomem"]
            .into_iter()
            .find(|word| has_word(text, word));
        let slogan = self.slogan();
        match (named, full) {
            (Some(word), _) => Verdict {
                cause: Cause::Undetermined,
                message: format!(
                    "A limit had a part in it: the node ended with {word}. Which one, headroom:explain/1 says of that text; a dump does not count descriptors."
                ),
                evidence: slogan,
                fix: Vec::new(),
            },
            (None, Some(table)) => Verdict {
                cause: Cause::Undetermined,
                message: format!(
                    "The slogan names no limit, but {} were nearly used up when the node ended: what ended it may have met that.",
                    table.name.noun()
                ),
                evidence: slogan,
                fix: Vec::new(),
            },
            (None, None) if text.is_empty() => Verdict {
                cause: Cause::Undetermined,
                message: "The dump has no slogan: nothing says why the node ended.".into(),
                evidence: Vec::new(),
                fix: Vec::new(),
            },
            (None, None) => Verdict {
                cause: Cause::NotALimit,
                message: if boot {
                    "No limit: the start failed with an error of its own, which the slogan names.".into()
                } else {
                    "No limit that shows: the node was ended with a text of its own (erlang:halt/1 or an error inside the VM), and no table was near its limit.".into()
                },
                evidence: slogan,
                fix: Vec::new(),
            },
        }
    }

    /// What else was nearly used up, beside the cause that is named.
    fn full_tables(&self, cause: Cause) -> Vec<String> {
        let named = match cause {
            Cause::Atoms => Some(Name::Atoms),
            Cause::FileServer => Some(Name::Processes),
            _ => None,
        };
        let full = self
            .tables
            .iter()
            .filter(|table| self.is_full(table.name) && Some(table.name) != named);
        let mut lines = Vec::new();
        for table in full {
            let (Known::Is(used), Limit::Finite(limit)) = (table.used, table.limit) else {
                continue;
            };
            lines.push(format!(
                "{}: {} of {} in use",
                table.name.as_str(),
                plain(used),
                plain(limit)
            ));
        }
        lines
    }
}

/// Whether a word stands alone in a text.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|found| found == word)
}

fn quoted(text: &str) -> String {
    format!("'{}'", shortened(text))
}

/// Long enough to be recognised; control characters would spoil a terminal.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    let clean: String = text
        .chars()
        .take(MOST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().count() > MOST {
        format!("{clean}...")
    } else {
        clean
    }
}

fn megabytes(bytes: u64) -> String {
    if bytes < 10_000_000 {
        format!("{} KB", plain(bytes / 1000))
    } else {
        format!("{} MB", plain(bytes / 1_000_000))
    }
}

#[cfg(test)]
mod tests;
