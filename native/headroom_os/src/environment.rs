//! The environment of the OS process as libc has it. `os:putenv` works on a copy of the VM, so this is the one it started with.

use std::path::Path;

use headroom_facts::boot::{Environment, StartedBy};

/// Reads the variables that set limits of a VM. It looks at the file system and is meant for load time.
pub fn environment() -> Environment {
    Environment {
        erl_max_ports: variable("ERL_MAX_PORTS"),
        erl_max_ets_tables: variable("ERL_MAX_ETS_TABLES"),
        erts_max_ports: variable("ERTS_MAX_PORTS"),
        started_by: StartedBy::of(
            |name| std::env::var_os(name).is_some(),
            |path| Path::new(path).exists(),
        ),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
