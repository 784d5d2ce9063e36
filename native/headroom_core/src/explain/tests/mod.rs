//! The table of truth, and what must hold for any reason and any facts.

mod fuzz;
mod printed;
mod property;
mod shapes;
mod table;
mod wording;

use super::*;
use headroom_facts::beam::{Reserved, Tables};
use headroom_facts::boot::Boot;
use headroom_facts::probe::Peak;
use headroom_facts::vocabulary::{Known, Limit, Name};
use headroom_facts::{Fds, Nofile};

/// A node, what the kernel says to it, and what its watcher saw.
#[derive(Clone, Debug)]
struct Node {
    facts: Facts,
    probe: Probe,
    recorded: Vec<Peak>,
}

/// Why an operation failed with a reason on a node.
fn explain(reason: &Value, operation: Operation, node: &Node) -> Verdict {
    let scene = Scene {
        facts: &node.facts,
        probe: node.probe,
        recorded: node.recorded.clone(),
    };
    super::explain(reason, operation, &scene)
}

/// A node as it is on most days: a non-root process, room everywhere.
fn healthy() -> Node {
    Node {
        facts: Facts {
            taken_at: 1_000_000,
            node: "proxy@host".into(),
            os_pid: 4711,
            otp_release: "25".into(),
            kernel: "Linux 6.8.0".into(),
            fds: Fds {
                open: Known::Is(100),
                free: Limit::Finite(924),
                highest: Known::Is(99),
                own: 3,
                age_ms: 0,
            },
            reserved: Reserved::default(),
            nofile: Nofile {
                soft: Limit::Finite(1024),
                hard: Limit::Finite(4096),
                nr_open: Limit::Finite(1_048_576),
                max_fds: Limit::Finite(1024),
                file_max: Limit::Finite(100_000),
                file_nr: Known::Is(2000),
                exempt_from_file_max: Known::Is(false),
                can_raise_hard: Known::Is(false),
            },
            beam: Tables {
                ports: (Known::Is(90), Limit::Finite(1024)),
                processes: (Known::Is(80), Limit::Finite(262_144)),
                ets_tables: (Known::Is(20), Limit::Finite(8192)),
                atoms: (Known::Is(9000), Limit::Finite(1_048_576)),
                sockets: Known::Is(0),
            },
            boot: Boot {
                emulator_flags: vec!["+Q 1024".into()],
                port_limit_source: headroom_facts::boot::PortLimitSource::Flag,
                ..Boot::default()
            },
            thresholds: Default::default(),
            unreadable: Vec::new(),
        },
        probe: Probe {
            fd: Outcome::Granted,
            file: Outcome::Granted,
            pipe: Outcome::NotDone,
            ..Probe::default()
        },
        recorded: Vec::new(),
    }
}

type Change = fn(&mut Node);

fn scene(changes: &[Change]) -> Node {
    let mut scene = healthy();
    changes.iter().for_each(|change| change(&mut scene));
    scene
}

const PORTS_FULL: Change = |s| s.facts.beam.ports.0 = Known::Is(1024);
const PROCESSES_FULL: Change = |s| s.facts.beam.processes.0 = Known::Is(262_144);
const FDS_FULL: Change = |s| {
    s.facts.fds.open = Known::Is(1024);
    s.facts.fds.free = Limit::Finite(0);
    s.facts.fds.highest = Known::Is(1023);
    s.probe = Probe {
        fd: Outcome::Refused(24),
        file: Outcome::Refused(24),
        pipe: Outcome::NotDone,
        ..Probe::default()
    };
};
const FOUR_LEFT: Change = |s| s.facts.fds.free = Limit::Finite(4);
const FILE_MAX_FULL: Change = |s| {
    s.facts.nofile.file_nr = Known::Is(100_020);
    s.probe.file = Outcome::Refused(23);
};
const TWICE_FILE_MAX: Change = |s| s.facts.nofile.file_nr = Known::Is(200_000);
const NR_OPEN_FULL: Change = |s| {
    s.facts.nofile.nr_open = Limit::Finite(512);
    s.facts.fds.open = Known::Is(512);
    s.facts.fds.highest = Known::Is(511);
    s.facts.fds.free = Limit::Finite(512);
    s.probe.fd = Outcome::Refused(24);
    s.probe.file = Outcome::Refused(24);
};
const NO_INODE: Change = |s| s.probe.file = Outcome::Refused(23);
const ROOT: Change = |s| s.facts.nofile.exempt_from_file_max = Known::Is(true);
const NO_PIPE: Change = |s| s.probe.pipe = Outcome::Refused(23);
const RAISED: Change = |s| {
    s.facts.nofile.soft = Limit::Finite(4096);
    s.facts.fds = Fds {
        open: Known::Is(1100),
        free: Limit::Finite(2996),
        highest: Known::Is(1099),
        own: 3,
        age_ms: 0,
    };
};
/// A descriptor with a high number was handed in by the parent; whatever is opened now gets a low one.
const INHERITED: Change = |s| s.facts.fds.highest = Known::Is(2000);
/// /proc cannot be read, and the kernel has no descriptor left: there is none to copy either.
const BLIND: Change = |s| {
    s.facts.fds.open = Known::Unknown;
    s.facts.fds.free = Limit::Unknown;
    s.facts.fds.highest = Known::Unknown;
    s.facts.nofile.file_nr = Known::Unknown;
    s.facts.nofile.file_max = Limit::Unknown;
    s.probe = Probe {
        fd: Outcome::NotDone,
        file: Outcome::Refused(24),
        pipe: Outcome::NotDone,
        ..Probe::default()
    };
};
const SMALL_NR_OPEN: Change = |s| {
    s.facts.nofile.nr_open = Limit::Finite(100);
    s.facts.fds.open = Known::Is(64);
    s.probe.fd = Outcome::Refused(24);
};
const R14: Change = |s| s.facts.otp_release = "R14B04".into();
const R19: Change = |s| s.facts.otp_release = "19".into();
const PORTS_WERE_FULL: Change = |s| {
    s.recorded.push(Peak {
        name: Name::Ports,
        used: 1024,
        limit: 1024,
        at: 940_000,
    })
};
const NO_PROBE: Change = |s| s.probe = Probe::default();

fn atom(text: &str) -> Value {
    Value::Atom(text.into())
}

fn tuple<const N: usize>(items: [Value; N]) -> Value {
    Value::Tuple(items.into())
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into())
}

fn text(text: &str) -> Value {
    Value::Binary(text.into())
}

fn frame(module: &str, function: &str) -> Value {
    tuple([atom(module), atom(function), Value::Integer(2), list([])])
}

fn exception<const N: usize>(name: &str, fields: [(&str, Value); N]) -> Value {
    let tags = [
        (atom("__exception__"), atom("true")),
        (atom("__struct__"), atom(name)),
    ];
    let fields = fields.map(|(key, value)| (atom(key), value));
    Value::Map(tags.into_iter().chain(fields).collect())
}
