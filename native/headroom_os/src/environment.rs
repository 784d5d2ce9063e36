//! The environment of the OS process as libc has it. `os:putenv` works on a copy of the VM, so this is the one it started with.

use std::path::Path;

use headroom_facts::boot::{Environment, StartedBy};

/// Reads the variables that set limits of a VM. It looks at the file system and is meant for load time.
pub fn environment() -> Environment {
    Environment {
        erl_max_ports: variable("ERL_MAX_PORTS"),
        erl_max_ets_tables: variable("ERL_MAX_ETS_TABLES"),
        erts_max_ports: variable("ERTS_MAX_PORTS"),
        started_by: started_by(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn started_by() -> StartedBy {
    let set = |name| std::env::var_os(name).is_some();
    let exists = |path| Path::new(path).exists();
    if set("KUBERNETES_SERVICE_HOST") {
        StartedBy::Kubernetes
    } else if set("container") || exists("/.dockerenv") || exists("/run/.containerenv") {
        StartedBy::Container
    } else if set("INVOCATION_ID") {
        StartedBy::Systemd
    } else {
        StartedBy::Unknown
    }
}
