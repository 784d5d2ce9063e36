//! Numbers of the emulator that no system_info call tells, each once, with the place in OTP where it stands.

use std::ops::RangeInclusive;

use crate::release::Release;

/// The port table that a VM gets when nothing asks for another size (`ERTS_DEFAULT_MAX_PORTS` in erl_port.h).
pub const DEFAULT_PORTS: u64 = 65_536;

/// The sizes of a port table that a VM accepts (`ERTS_MIN_PORTS`, `ERTS_MAX_PORTS` in erl_port.h); it takes the next power
/// of two. The process table has the same bounds (`ERTS_MAX_PROCESSES` in erl_process.h).
pub const PORT_TABLE: RangeInclusive<u64> = 1024..=134_217_727;

/// The largest port or process table.
pub const LARGEST_TABLE: u64 = *PORT_TABLE.end();

/// The smallest port or process table.
pub const LEAST_TABLE: u64 = *PORT_TABLE.start();

/// Descriptors that the start of a port program takes for a moment: two pipes and a copy of standard error (`spawn_start`
/// in sys/unix/sys_drivers.c, as run on OTP 23 to 29).
pub const PORT_PROGRAM_FDS: u64 = 5;

/// The same where standard error goes where standard output goes, as `os:cmd` has it.
pub const OS_CMD_FDS: u64 = 4;

/// Descriptors that a port program keeps while it runs.
pub const PORT_PROGRAM_KEEPS: u64 = 2;

/// Bytes of memory that a slot of the port table takes. The free list got wider entries in OTP 26 or 27 (`free_id_data` in
/// erl_ptab.h, as measured on OTP 25 and 27); the size that a crash dump states does not count that.
pub fn port_slot_bytes(release: Release) -> u64 {
    if release >= Release(27, 0) {
        16
    } else {
        12
    }
}
