//! The facts of a node that the core judges, as far as they show from outside.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use headroom_facts::beam::{Reserved, Tables};
use headroom_facts::boot::{Boot, Environment, StartedBy};
use headroom_facts::thresholds::Thresholds;
use headroom_facts::unreadable::{Reason, Unreadable, What, Word};
use headroom_facts::vocabulary::{Count, Flag, Known, Limit};
use headroom_facts::{Facts, Fds, Nofile};
use procfs::process::Process;

use super::{limits, memory, Node};

const CAP_SYS_ADMIN: u64 = 1 << 21;
const CAP_SYS_RESOURCE: u64 = 1 << 24;
/// The user namespace that the kernel starts with always has this inode number.
const INITIAL_USER_NS: u64 = 0xEFFF_FFFD;

impl Node {
    /// Everything that a judgement needs, and for the rest why it is not known.
    pub fn facts(&self) -> Facts {
        let mut missing = Missing::default();
        let process = &self.process;
        let limits = limits::nofile(process);
        let (soft, hard) = missing.unless(What::Nofile, limits.ok_or(Word::Enoent.into()));
        let open = missing.unless(What::Open, open(process).map(Known::Is));
        let numbers = numbers(process);
        let highest = numbers
            .as_ref()
            .ok()
            .and_then(|numbers| numbers.iter().max().copied());
        let max_fds = limits::max_fds(process);
        let from_outside = Err(Word::FromOutside.into());
        let max_fds: Limit = missing.unless(
            What::CheckIo,
            max_fds.map(Limit::Finite).map_or(from_outside, Ok),
        );
        let tables = self.tables(&mut missing);
        Facts {
            taken_at: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |now| now.as_millis() as i64),
            node: self.shown_name().into(),
            os_pid: self.pid as u32,
            otp_release: self
                .command_line
                .release
                .clone()
                .unwrap_or_else(|| "?".into()),
            kernel: kernel(),
            fds: Fds {
                open,
                free: free(soft, open, numbers.ok().as_deref()),
                highest: highest.into(),
                own: 0,
                age_ms: 0,
            },
            reserved: self.reserved(soft, max_fds),
            nofile: self.nofile(soft, hard, max_fds, &mut missing),
            boot: self.boot(tables.ports.1),
            beam: tables,
            thresholds: Thresholds::default(),
            unreadable: missing.0,
        }
    }

    /// How often the node's network had no room for a connection that came in, and how often it dropped one for any reason.
    pub fn listen_drops(&self) -> Result<(u64, u64), Reason> {
        let text = fs::read_to_string(format!("/proc/{}/net/netstat", self.pid));
        headroom_os::inventory::listen_drops_in(&text.map_err(|error| reason(&error))?)
    }

    fn tables(&self, missing: &mut Missing) -> Tables {
        let seen = memory::tables(&self.process).unwrap_or_default();
        let mut table = |what, table: Option<memory::Table>| {
            let table = table.map(|(used, limit)| (Known::Is(used), Limit::Finite(limit)));
            missing.unless(what, table.ok_or(Word::FromOutside.into()))
        };
        Tables {
            ports: table(What::Ports, seen.ports),
            processes: table(What::Processes, seen.processes),
            ets_tables: table(What::EtsTables, None),
            atoms: table(What::Atoms, None),
            sockets: missing.unless(What::Sockets, Err(Word::FromOutside.into())),
        }
    }

    /// What a headroom inside of the node keeps below the number that the VM watches.
    fn reserved(&self, soft: Limit, max_fds: Limit) -> Reserved {
        let fds = match (soft, max_fds) {
            (Limit::Finite(soft), Limit::Finite(max_fds)) if self.has_headroom() => {
                max_fds.saturating_sub(soft)
            }
            _ => 0,
        };
        Reserved { fds, ports: 0 }
    }

    fn nofile(&self, soft: Limit, hard: Limit, max_fds: Limit, missing: &mut Missing) -> Nofile {
        let nr_open = number("/proc/sys/fs/nr_open").map(Limit::Finite);
        let files = file_nr();
        let status = self.process.status();
        let capabilities = status
            .map(|status| status.capeff)
            .map_err(|_| Reason::from(Word::Enoent));
        let initial = initial_user_ns(self.pid);
        // Of two halves, one that is missing is enough for a no.
        let has = |capability: u64| -> Flag {
            match (capabilities.map(|all| all & capability != 0), initial) {
                (Ok(false), _) | (_, Ok(false)) => Known::Is(false),
                (Ok(true), Ok(true)) => Known::Is(true),
                _ => Known::Unknown,
            }
        };
        let (exempt, can_raise_hard) = (has(CAP_SYS_ADMIN), has(CAP_SYS_RESOURCE));
        if exempt == Known::Unknown || can_raise_hard == Known::Unknown {
            missing.unless(What::Capabilities, capabilities);
            missing.unless(What::UserNs, initial);
        }
        Nofile {
            soft,
            hard,
            nr_open: missing.unless(What::NrOpen, nr_open),
            max_fds,
            file_max: missing.unless(What::FileMax, files.map(|(_, limit)| limit)),
            file_nr: missing.unless(What::FileNr, files.map(|(used, _)| Known::Is(used))),
            exempt_from_file_max: exempt,
            can_raise_hard,
        }
    }

    fn boot(&self, ports: Limit) -> Boot {
        let words = &self.command_line.words;
        let environment = self.process.environ().ok();
        let known = environment.is_some();
        let environment = environment.map_or_else(Environment::default, |variables| {
            let variable = |name: &str| {
                let value = variables.get(&OsString::from(name))?;
                Some(value.to_string_lossy().into_owned())
            };
            Environment {
                erl_max_ports: variable("ERL_MAX_PORTS"),
                erl_max_ets_tables: variable("ERL_MAX_ETS_TABLES"),
                erts_max_ports: variable("ERTS_MAX_PORTS"),
                started_by: self.started_by(|name| variable(name).is_some()),
            }
        });
        let mut boot = Boot::new(Some(words), ports.finite(), environment);
        if !known && boot.port_limit_source != headroom_facts::boot::PortLimitSource::Flag {
            boot.port_limit_source = Default::default();
        }
        boot
    }

    fn started_by(&self, set: impl Fn(&str) -> bool) -> StartedBy {
        let exists = |file: &str| PathBuf::from(format!("/proc/{}/root{file}", self.pid)).exists();
        StartedBy::of(set, exists)
    }
}

/// What could not be read, or cannot be from outside.
#[derive(Default)]
struct Missing(Vec<Unreadable>);

impl Missing {
    fn unless<T: Default>(&mut self, what: What, result: Result<T, Reason>) -> T {
        result.unwrap_or_else(|reason| {
            self.0.push(Unreadable::new(what, reason));
            T::default()
        })
    }
}

/// How many descriptors are open. Since Linux 6.2 the kernel tells it to every user; before, who may look counts.
fn open(process: &Process) -> Result<u64, Reason> {
    let folder = format!("/proc/{}/fd", process.pid());
    let size = fs::metadata(&folder)
        .map_err(|error| reason(&error))?
        .size();
    if size > 0 {
        return Ok(size);
    }
    numbers(process).map(|numbers| numbers.len() as u64)
}

/// The numbers of the open descriptors.
fn numbers(process: &Process) -> Result<Vec<u64>, Reason> {
    let entries =
        fs::read_dir(format!("/proc/{}/fd", process.pid())).map_err(|error| reason(&error))?;
    let number =
        |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    Ok(entries.filter_map(number).collect())
}

/// The inodes of its sockets, by the links of its descriptors.
pub(super) fn socket_inodes(process: &Process) -> HashSet<u64> {
    let inode = |number: u64| {
        let target = fs::read_link(format!("/proc/{}/fd/{number}", process.pid())).ok()?;
        target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    };
    numbers(process)
        .unwrap_or_default()
        .into_iter()
        .filter_map(inode)
        .collect()
}

/// The slots below the soft limit that are not taken; without the numbers, as if none stood above it.
fn free(soft: Limit, open: Count, numbers: Option<&[u64]>) -> Limit {
    let below = match (soft, numbers) {
        (Limit::Finite(soft), Some(numbers)) => {
            Known::Is(numbers.iter().filter(|number| **number < soft).count() as u64)
        }
        _ => open,
    };
    soft.minus(below)
}

fn initial_user_ns(pid: i32) -> Result<bool, Reason> {
    let of = |path: String| fs::metadata(path).map_err(|error| reason(&error));
    Ok(of(format!("/proc/{pid}/ns/user"))?.ino() == INITIAL_USER_NS)
}

/// The kernel's open files and their limit; what is larger than any number of files is no limit.
fn file_nr() -> Result<(u64, Limit), Reason> {
    const UNBOUNDED: u64 = 1 << 62;
    let text = fs::read_to_string("/proc/sys/fs/file-nr").map_err(|error| reason(&error))?;
    let mut fields = text.split_whitespace().map(str::parse);
    match (fields.next(), fields.nth(1)) {
        (Some(Ok(used)), Some(Ok(limit))) if limit >= UNBOUNDED => Ok((used, Limit::Infinity)),
        (Some(Ok(used)), Some(Ok(limit))) => Ok((used, Limit::Finite(limit))),
        _ => Err(Word::Malformed.into()),
    }
}

fn number(path: &str) -> Result<u64, Reason> {
    let text = fs::read_to_string(path).map_err(|error| reason(&error))?;
    text.trim_end().parse().map_err(|_| Word::Malformed.into())
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", release.trim_end())
}

fn reason(error: &std::io::Error) -> Reason {
    Reason::from_errno(error.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    // After the soft limit was lowered below open descriptors, what stands above takes none of its slots.
    #[test]
    fn free_slots_are_those_below_the_soft_limit() {
        let numbers = [0, 1, 2, 150, 200];
        assert_eq!(
            free(Limit::Finite(100), Known::Is(5), Some(&numbers)),
            Limit::Finite(97)
        );
        assert_eq!(
            free(Limit::Finite(100), Known::Is(5), None),
            Limit::Finite(95)
        );
        assert_eq!(free(Limit::Infinity, Known::Is(5), None), Limit::Infinity);
        assert_eq!(
            free(Limit::Finite(100), Known::Unknown, None),
            Limit::Unknown
        );
    }

    // The same numbers as this process knows of itself, by another road.
    #[test]
    fn this_process_as_it_is_seen() {
        let process = Process::myself().unwrap();
        let numbers = numbers(&process).unwrap();
        assert!(numbers.len() >= 3 && numbers.contains(&0));
        let (soft, hard) = limits::nofile(&process).unwrap();
        assert!(soft.finite() <= hard.finite());
        assert!(matches!(file_nr(), Ok((used, _)) if used > 0));
        assert!(open(&process).unwrap() >= 3);
    }
}
