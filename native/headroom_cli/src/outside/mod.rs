//! A node as another process sees it: by /proc alone, without a word to the node, so also one that is frozen or full.

mod command_line;
mod descriptors;
mod facts;
mod find;
mod limits;
mod memory;
mod tasks;

use std::collections::HashSet;
use std::path::PathBuf;

use headroom_facts::inventory::Descriptor;
use headroom_facts::vocabulary::Limit;
use procfs::process::{MMPermissions, MMapPath, MemoryMap, Process};

pub use command_line::CommandLine;
pub use descriptors::SeenBy;
#[cfg(feature = "attach")]
pub use find::Unfound;
pub use find::{check_numbers, nodes, select};
pub use tasks::{threads, Sample};

/// A VM of Erlang that runs on this host.
pub struct Node {
    /// Number of the OS process, as this process sees it.
    pub pid: i32,
    /// How it was started.
    pub command_line: CommandLine,
    /// Its name, as far as the command line tells it.
    pub name: Option<String>,
    process: Process,
}

/// `SOCK_DGRAM` in the table of local sockets.
const DATAGRAM: u16 = 2;

impl Node {
    /// The process, if it runs a VM.
    pub fn of(process: Process) -> Option<Node> {
        let stat = process
            .stat()
            .ok()
            .filter(|stat| !matches!(stat.state, 'Z' | 'X'))?;
        let command_line = CommandLine::parse(&stat.comm, &process.cmdline().ok()?)?;
        let same_host = find::same_host_name(&process);
        let name = command_line.name(|| same_host.then(find::host_name).flatten());
        Some(Node {
            pid: process.pid(),
            command_line,
            name,
            process,
        })
    }

    /// Whether it has not ended meanwhile: of one that has, nothing that was read is true.
    pub fn is_alive(&self) -> bool {
        self.process
            .stat()
            .is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    }

    /// The soft limit of descriptors at this moment.
    pub fn soft(&self) -> Option<Limit> {
        limits::nofile(&self.process).map(|(soft, _)| soft)
    }

    /// The hard limit of descriptors at this moment.
    pub fn hard(&self) -> Option<Limit> {
        limits::nofile(&self.process).map(|(_, hard)| hard)
    }

    /// Whether a file of such a name is mapped into its memory.
    #[cfg(feature = "attach")]
    pub fn maps(&self, name: &str) -> bool {
        let is_so = |map: &MemoryMap| matches!(&map.pathname, MMapPath::Path(path) if path.to_string_lossy().contains(name));
        self.process.maps().is_ok_and(|maps| maps.iter().any(is_so))
    }

    /// A variable of the environment that it was started with, where this user may see it.
    #[cfg(feature = "attach")]
    pub fn variable(&self, name: &str) -> Option<String> {
        let environment = self.process.environ().ok()?;
        let value = environment.get(std::ffi::OsStr::new(name))?;
        Some(value.to_string_lossy().into_owned())
    }

    /// How many shared libraries are mapped into its memory.
    #[cfg(feature = "attach")]
    pub fn mapped_libraries(&self) -> Option<u64> {
        let maps = self.process.maps().ok()?;
        let paths = maps.iter().filter_map(|map| match &map.pathname {
            MMapPath::Path(path) => Some(path),
            _ => None,
        });
        let is_library = |path: &&PathBuf| path.to_string_lossy().contains(".so");
        Some(paths.filter(is_library).collect::<HashSet<_>>().len() as u64)
    }

    /// Whether this product's library is loaded into the node.
    pub fn has_headroom(&self) -> bool {
        let runs = |map: &MemoryMap| {
            map.perms.contains(MMPermissions::EXECUTE)
                && matches!(&map.pathname, MMapPath::Path(path) if path.to_string_lossy().contains("headroom_nif"))
        };
        self.process.maps().is_ok_and(|maps| maps.iter().any(runs))
    }

    /// Whether a signal or a debugger stopped it.
    #[cfg(feature = "attach")]
    pub fn is_stopped(&self) -> bool {
        self.process
            .stat()
            .is_ok_and(|stat| matches!(stat.state, 'T' | 't'))
    }

    /// Paths of local datagram sockets that the node itself has, as it sees them; only such a path is looked for.
    pub fn bound_sockets(&self, is_meant: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let table = std::fs::read(format!("/proc/{}/net/unix", self.pid)).unwrap_or_default();
        let named = table
            .split(|byte| *byte == b'\n')
            .filter_map(local_socket)
            .filter(|(kind, _, path)| *kind == DATAGRAM && path.starts_with('/') && is_meant(path))
            .map(|(_, inode, path)| (inode, PathBuf::from(path)));
        let named: Vec<(u64, PathBuf)> = named.collect();
        if named.is_empty() {
            return Vec::new();
        }
        let own: HashSet<u64> = facts::socket_inodes(&self.process);
        named
            .into_iter()
            .filter(|(inode, _)| own.contains(inode))
            .map(|(_, path)| path)
            .collect()
    }

    /// What each of its descriptors is, as far as it shows, and by which road.
    pub fn descriptors(&self) -> (Vec<Descriptor>, SeenBy) {
        descriptors::descriptors(&self.process)
    }

    /// Files among these descriptors that are open more than once, and how often.
    pub fn files(&self, descriptors: &[Descriptor]) -> Vec<(String, u64)> {
        descriptors::files(&self.process, descriptors)
    }

    /// What its threads do now.
    pub fn look_at_threads(&self) -> Option<Sample> {
        Sample::take(&self.process)
    }

    /// The name to show: what is not told by the command line may still have one, given at run time.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or("-")
    }
}

/// Kind, inode and path of a line of /proc/net/unix. A name of any bytes, which an abstract socket of anybody may have, is none.
fn local_socket(line: &[u8]) -> Option<(u16, u64, &str)> {
    let mut rest = std::str::from_utf8(line).ok()?;
    let mut fields = [""; 7];
    for field in &mut fields {
        rest = rest.trim_start_matches(' ');
        (*field, rest) = rest.split_at(rest.find(' ')?);
    }
    let kind = u16::from_str_radix(fields[4], 16).ok()?;
    Some((kind, fields[6].parse().ok()?, rest.strip_prefix(' ')?))
}

#[cfg(test)]
mod tests {
    use super::local_socket;

    // One socket with an odd name, of whatever program of the host, would hide every door from its node's number.
    #[test]
    fn a_name_of_any_bytes_hides_no_other() {
        let door = b"0000000000000000: 00000002 00000000 00000000 0002 01  4711 /run/a b/door.1";
        assert_eq!(local_socket(door), Some((2, 4711, "/run/a b/door.1")));
        for line in [
            &b"0000000000000000: 00000002 00000000 00000000 0002 01 4711 @\x83Z\xff"[..],
            b"0000000000000000: 00000002 00000000 00000000 0002 01 4711",
            b"Num       RefCount Protocol Flags    Type St Inode Path",
            b"\x07\xd9_X rest of a name with a line break",
            b"",
        ] {
            assert_eq!(local_socket(line), None);
        }
    }
}
