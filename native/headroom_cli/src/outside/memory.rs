//! The port and process tables of a VM, read from its memory: the only proof from outside that one of them is full.
//!
//! The emulator keeps each in one `ErtsPTab` (erl_ptab.h) among its global data. It is found by its shape there, since
//! packages hide the symbols, and it is believed only if the table that it points to holds as many entries as it counts
//! and all of them are of one kind.

use std::io::IoSliceMut;

use nix::sys::uio::{process_vm_readv, RemoteIoVec};
use nix::unistd::Pid;
use procfs::process::{MMPermissions, MMapPath, MemoryMap, Process};

use super::find::numbers_are_ours;

/// A table of the VM: entries, and how many fit.
pub type Table = (u64, u64);

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// The port table.
    pub ports: Option<Table>,
    /// The process table.
    pub processes: Option<Table>,
}

/// Why a table is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// The kernel does not let this process read that one.
    NotAllowed,
    /// The memory has no such shape.
    NotFound,
}

/// Layout of an `ErtsPTab` on 64-bit machines, the same in OTP 25, 27 and 29.
mod layout {
    /// A structure of its own cache lines.
    pub const ALIGNMENT: u64 = 64;
    pub const SIZE: usize = 256;
    /// `vola.tile.count`.
    pub const COUNT: usize = 136;
    /// `r.o.tab`.
    pub const TABLE: usize = 192;
    /// `r.o.max`: 32 bits wide in OTP 25, 64 in 27 and 29. The mask of its bits follows at once.
    pub const MAX: usize = 208;
}

/// The sizes that a table can have.
const SLOTS: std::ops::RangeInclusive<u64> = 1024..=134_217_727;
/// The largest table whose entries are counted: 16 MB are read.
const LARGEST_COUNTED: u64 = 1 << 21;
/// A VM that runs on while it is read may start and end a few in between.
const DRIFT: u64 = 64;
/// Data of an emulator is a few hundred kilobytes.
const LARGEST_DATA: u64 = 1 << 24;
/// Entries whose kind is looked at.
const LOOKED_AT: usize = 64;

/// A table that changes fast while it is read holds together at one of these tries.
const TRIES: usize = 3;

/// Reads both tables.
///
/// # Errors
/// See [`Untold`].
pub fn tables(process: &Process) -> Result<Tables, Untold> {
    if !numbers_are_ours() {
        return Err(Untold::NotAllowed);
    }
    let mut found = Tables::default();
    for _ in 0..TRIES {
        let now = try_tables(process)?;
        found.ports = found.ports.or(now.ports);
        found.processes = found.processes.or(now.processes);
        if found.ports.is_some() && found.processes.is_some() {
            break;
        }
    }
    Ok(found)
}

fn try_tables(process: &Process) -> Result<Tables, Untold> {
    let maps = process.maps().map_err(|_| Untold::NotAllowed)?;
    let memory = Memory(Pid::from_raw(process.pid()));
    let (start, end) = data(&maps.0).ok_or(Untold::NotFound)?;
    let data = memory.read(start, (end - start) as usize)?;
    let mut found = Tables::default();
    let first = start.next_multiple_of(layout::ALIGNMENT);
    for at in (first..end).step_by(layout::ALIGNMENT as usize) {
        let Some(bytes) = data
            .get((at - start) as usize..)
            .and_then(|rest| rest.get(..layout::SIZE))
        else {
            break;
        };
        let Some(candidate) = Candidate::parse(bytes) else {
            continue;
        };
        match candidate.check(&memory) {
            Some((Kind::Port, table)) => found.ports = Some(table),
            Some((Kind::Process, table)) => found.processes = Some(table),
            None => {}
        }
    }
    Ok(found)
}

/// The global data of the program: its writable mappings, and what follows them without a gap.
fn data(maps: &[MemoryMap]) -> Option<(u64, u64)> {
    let writable = |map: &MemoryMap| {
        map.perms
            .contains(MMPermissions::READ | MMPermissions::WRITE)
    };
    let program = maps.iter().find_map(|map| match &map.pathname {
        MMapPath::Path(path) => Some(path.clone()),
        _ => None,
    })?;
    let is_program =
        |map: &MemoryMap| matches!(&map.pathname, MMapPath::Path(path) if *path == program);
    let first = maps
        .iter()
        .position(|map| is_program(map) && writable(map))?;
    let (start, mut end) = maps[first].address;
    for map in &maps[first + 1..] {
        let continues = map.address.0 == end && writable(map);
        if !continues || !(is_program(map) || map.pathname == MMapPath::Anonymous) {
            break;
        }
        end = map.address.1;
    }
    (end - start <= LARGEST_DATA).then_some((start, end))
}

struct Memory(Pid);

impl Memory {
    fn read(&self, address: u64, length: usize) -> Result<Vec<u8>, Untold> {
        let mut bytes = vec![0; length];
        let base = usize::try_from(address).map_err(|_| Untold::NotFound)?;
        let remote = RemoteIoVec { base, len: length };
        let read = process_vm_readv(self.0, &mut [IoSliceMut::new(&mut bytes)], &[remote]);
        match read {
            Ok(read) if read == length => Ok(bytes),
            Err(nix::errno::Errno::EPERM | nix::errno::Errno::ENOSYS) => Err(Untold::NotAllowed),
            _ => Err(Untold::NotFound),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Port,
    Process,
}

impl Kind {
    /// Every entry starts with its identifier, and that with the tag of its kind (erl_term.h).
    fn of(identifier: u64) -> Option<Kind> {
        match identifier & 0xF {
            0x3 => Some(Kind::Process),
            0x7 => Some(Kind::Port),
            _ => None,
        }
    }
}

/// Something that has the shape of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    count: u64,
    slots: u64,
    table: u64,
}

impl Candidate {
    fn parse(bytes: &[u8]) -> Option<Candidate> {
        let narrow = |at: usize| {
            u64::from(u32::from_le_bytes(
                bytes[at..at + 4].try_into().unwrap_or_default(),
            ))
        };
        let wide = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let count = narrow(layout::COUNT);
        let table = wide(layout::TABLE);
        let mask = |slots: u64| slots.next_power_of_two() - 1;
        let is_size = |slots: u64| {
            SLOTS.contains(&slots) && (slots.is_power_of_two() || slots == *SLOTS.end())
        };
        let old = (narrow(layout::MAX), narrow(layout::MAX + 4));
        let new = (wide(layout::MAX), wide(layout::MAX + 8));
        let (slots, _) = [old, new]
            .into_iter()
            .find(|&(slots, bits)| is_size(slots) && bits == mask(slots))?;
        let plausible = (1..=slots).contains(&count) && table != 0 && table % 8 == 0;
        plausible.then_some(Candidate {
            count,
            slots,
            table,
        })
    }

    /// Counts what the table holds, and looks at the kind of some entries.
    fn check(&self, memory: &Memory) -> Option<(Kind, Table)> {
        if self.slots > LARGEST_COUNTED {
            return None;
        }
        let bytes = memory.read(self.table, self.slots as usize * 8).ok()?;
        let entries = bytes
            .chunks_exact(8)
            .map(|entry| u64::from_le_bytes(entry.try_into().unwrap_or_default()))
            .filter(|&entry| entry != 0);
        let entries: Vec<u64> = entries.collect();
        if (entries.len() as u64).abs_diff(self.count) > DRIFT.min(self.count / 2) {
            return None;
        }
        let mut kinds = entries.iter().take(LOOKED_AT).filter_map(|&entry| {
            let identifier = memory.read(entry, 8).ok()?;
            Some(Kind::of(u64::from_le_bytes(identifier.try_into().ok()?)))
        });
        let kind = kinds.next()??;
        // One that was freed in between, or is reserved, has none.
        let others = kinds.filter(|other| *other != Some(kind)).count();
        (others <= 1).then_some((kind, (self.count, self.slots)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `gdb` shows it in OTP 25 (wide = false) and 27.
    fn shape(count: u32, slots: u64, wide: bool) -> Vec<u8> {
        let mut bytes = vec![0u8; layout::SIZE];
        bytes[layout::COUNT..][..4].copy_from_slice(&count.to_le_bytes());
        bytes[layout::TABLE..][..8].copy_from_slice(&0x7f8d_db20_01c0_u64.to_le_bytes());
        let bits = slots.next_power_of_two() - 1;
        if wide {
            bytes[layout::MAX..][..8].copy_from_slice(&slots.to_le_bytes());
            bytes[layout::MAX + 8..][..8].copy_from_slice(&bits.to_le_bytes());
        } else {
            bytes[layout::MAX..][..4].copy_from_slice(&(slots as u32).to_le_bytes());
            bytes[layout::MAX + 4..][..4].copy_from_slice(&(bits as u32).to_le_bytes());
        }
        bytes
    }

    #[test]
    fn the_shape_of_both_layouts() {
        for wide in [false, true] {
            let candidate = Candidate::parse(&shape(43, 262_144, wide)).unwrap();
            assert_eq!((candidate.count, candidate.slots), (43, 262_144));
        }
    }

    // A number that is not certain must not be shown: each of these would be one.
    #[test]
    fn what_does_not_hold_together_is_no_table() {
        assert_eq!(Candidate::parse(&shape(0, 1024, true)), None);
        assert_eq!(Candidate::parse(&shape(1025, 1024, true)), None);
        assert_eq!(Candidate::parse(&shape(5, 1000, true)), None);
        assert_eq!(Candidate::parse(&shape(5, 512, true)), None);
        let mut other_mask = shape(5, 1024, true);
        other_mask[layout::MAX + 8] = 0;
        assert_eq!(Candidate::parse(&other_mask), None);
        let mut no_table = shape(5, 1024, false);
        no_table[layout::TABLE..][..8].fill(0);
        assert_eq!(Candidate::parse(&no_table), None);
        assert_eq!(Candidate::parse(&[0xFF; layout::SIZE]), None);
    }

    // This test's own memory holds no VM, and whatever looks like one in it must be refused.
    #[test]
    fn a_process_that_is_no_node_has_no_tables() {
        let process = Process::myself().unwrap();
        assert_eq!(tables(&process).unwrap_or_default(), Tables::default());
    }
}
