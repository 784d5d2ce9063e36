//! What so many sessions need: descriptors, ports, processes, local ports, memory of the tables, backlog; the lines to set, and
//! what this host lacks. Arithmetic alone: what a node takes without sessions, and what the host has, are handed in.

use serde::Serialize;

use crate::advise::lines;
use crate::finding::Fix;
use crate::number::plain;
use headroom_facts::otp::{self, DEFAULT_PORTS, LARGEST_TABLE, PORT_PROGRAM_FDS};
use headroom_facts::release::Release;
use headroom_facts::term::Value;
use headroom_facts::vocabulary::{Count, Known, Limit};
use headroom_facts::{Facts, Nofile};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Sessions at the same time.
    pub sessions: u64,
    /// Descriptors that each takes: a gateway has one of the client and one of the server behind it.
    pub fds_per_session: u64,
    /// Ports that each takes: as many, with `gen_tcp`; none with the module `socket`.
    pub ports_per_session: u64,
    /// Processes that each takes.
    pub processes_per_session: u64,
    /// Addresses (with port) of the servers behind it: each has local ports of its own.
    pub upstreams: u64,
}

impl Asked {
    /// A gateway with so many sessions.
    pub fn gateway(sessions: u64) -> Asked {
        Asked {
            sessions,
            fds_per_session: 2,
            ports_per_session: 2,
            processes_per_session: 1,
            upstreams: 1,
        }
    }

    /// What an option like `#{sessions => 50000, fds_per_session => 2}` asks.
    ///
    /// # Errors
    /// The index of the pair that is wrong (none: sessions are missing), and why.
    pub fn from_option(pairs: &[(&Value, &Value)]) -> Result<Asked, (Option<usize>, String)> {
        const KEYS: &str =
            "sessions, fds_per_session, ports_per_session, processes_per_session and upstreams";
        let mut asked = Asked::gateway(0);
        let mut ports = None;
        for (index, (key, value)) in pairs.iter().enumerate() {
            let wrong = |why: &str| (Some(index), why.to_string());
            let number = value.as_u64().ok_or_else(|| wrong("a whole number from 0"));
            match key.as_atom().unwrap_or_default() {
                "sessions" => asked.sessions = number?,
                "fds_per_session" => asked.fds_per_session = number?,
                "ports_per_session" => ports = Some(number?),
                "processes_per_session" => asked.processes_per_session = number?,
                "upstreams" => asked.upstreams = number?,
                _ => return Err(wrong(&format!("no such key; there are {KEYS}"))),
            }
        }
        asked.ports_per_session = ports.unwrap_or(asked.fds_per_session);
        match (asked.sessions, asked.upstreams) {
            (0, _) => Err((None, "sessions is missing, or 0".into())),
            (_, 0) => Err((None, "upstreams is at least 1".into())),
            _ => Ok(asked),
        }
    }
}

/// What a node takes before the first session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // named like the resources
pub struct Base {
    pub fds: u64,
    pub ports: u64,
    pub processes: u64,
}

impl Base {
    /// A node of kernel, stdlib and one small application, as a rounded figure.
    pub const TYPICAL: Base = Base {
        fds: 32,
        ports: 4,
        processes: 64,
    };
}

/// The host that it is to run on; what is not known is not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its limits.
    pub nofile: Nofile,
    /// The lowest and the highest local port of an outgoing connection.
    pub local_ports: Option<(u64, u64)>,
    /// The longest backlog of a listener (`net.core.somaxconn`).
    pub somaxconn: Option<u64>,
    /// The release of OTP.
    pub release: Release,
}

/// One table or limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// `fds`, `ports` or `processes`.
    pub name: Word,
    /// How many will be in use with all sessions.
    pub used: u64,
    /// The limit to set, so that this is no more than the part of it at which a level rises.
    pub limit: u64,
}

atoms! {
    /// What is planned for.
    #[allow(missing_docs)] // named like the resources
    pub enum Word {
        Fds = "fds",
        Ports = "ports",
        Processes = "processes",
        KernelFiles = "kernel_files",
        LocalPorts = "local_ports",
        Backlog = "backlog",
    }
}

/// A line to set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is for.
    pub sets: Word,
    /// The line.
    pub line: String,
    /// The file or command that it belongs to.
    #[serde(rename = "where")]
    pub place: String,
}

/// Local ports of the connections to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LocalPorts {
    /// Connections to each address behind.
    pub used: u64,
    /// Local ports that there are towards one address.
    pub available: Known<u64>,
}

/// What so many sessions need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What was asked for.
    pub asked: Asked,
    /// What the node takes without a session.
    pub base: Base,
    /// Descriptors, ports and processes.
    pub needs: Vec<Need>,
    /// Local ports towards each server behind.
    pub local_ports: LocalPorts,
    /// Bytes of the port and the process table.
    pub table_bytes: u64,
    /// The backlog of the listener.
    pub backlog: u64,
    /// The lines to set.
    pub lines: Vec<Line>,
    /// What this host lacks, a sentence each.
    pub lacks: Vec<String>,
}

/// The part of a limit that may be in use: below the default warning.
const PART: (u64, u64) = (4, 5);
/// One in so many sessions may arrive between two looks of the acceptor.
const BURST: u64 = 10;

/// For a node as it runs: what it has open now is taken for what it takes without a session.
pub fn of_node(asked: Asked, facts: &Facts, local_ports: Option<(u64, u64)>) -> Plan {
    let or = |count: Count, typical| count.get().unwrap_or(typical);
    let base = Base {
        fds: or(facts.fds.open, Base::TYPICAL.fds),
        ports: or(facts.beam.ports.0, Base::TYPICAL.ports),
        processes: or(facts.beam.processes.0, Base::TYPICAL.processes),
    };
    let host = Host {
        nofile: facts.nofile.clone(),
        local_ports,
        somaxconn: None,
        release: Release::parse(&facts.otp_release),
    };
    plan(asked, base, &host)
}

/// Works it out.
pub fn plan(asked: Asked, base: Base, host: &Host) -> Plan {
    let used = |base: u64, each: u64| asked.sessions.saturating_mul(each).saturating_add(base);
    let fds = need(
        Word::Fds,
        used(base.fds, asked.fds_per_session).saturating_add(PORT_PROGRAM_FDS),
        1 << 30,
    );
    let fds = Need {
        used: used(base.fds, asked.fds_per_session),
        ..fds
    };
    // A table that is smaller than the limit of descriptors would be the next thing to end.
    let ports = need(
        Word::Ports,
        used(base.ports, asked.ports_per_session),
        LARGEST_TABLE,
    );
    let ports = Need {
        limit: ports.limit.max(fds.limit).min(LARGEST_TABLE),
        ..ports
    };
    let processes = need(
        Word::Processes,
        used(base.processes, asked.processes_per_session),
        LARGEST_TABLE,
    );
    let processes = Need {
        limit: processes.limit.max(default_processes(host.release)),
        ..processes
    };
    let outgoing = asked
        .fds_per_session
        .saturating_sub(1)
        .saturating_mul(asked.sessions);
    let local_ports = LocalPorts {
        used: outgoing.div_ceil(asked.upstreams.max(1)),
        available: host
            .local_ports
            .map(|(low, high)| (high + 1).saturating_sub(low))
            .into(),
    };
    let backlog = (asked.sessions / BURST)
        .clamp(1024, 65_535)
        .next_power_of_two()
        .min(65_535);
    let slot_bytes = otp::port_slot_bytes(host.release);
    let mut plan = Plan {
        asked,
        base,
        needs: vec![fds, ports, processes],
        local_ports,
        table_bytes: ports
            .limit
            .saturating_add(processes.limit)
            .saturating_mul(slot_bytes),
        backlog,
        lines: Vec::new(),
        lacks: Vec::new(),
    };
    plan.limits(host, fds.limit);
    plan.tables(host, ports, processes);
    plan.network(host);
    plan
}

fn need(name: Word, used: u64, most: u64) -> Need {
    let least = used.saturating_mul(PART.1) / PART.0;
    let limit = least
        .saturating_add(1)
        .checked_next_power_of_two()
        .unwrap_or(most);
    Need {
        name,
        used,
        limit: limit.clamp(DEFAULT_PORTS, most),
    }
}

/// The process table of a VM that is not told otherwise (`ERTS_DEFAULT_MAX_PROCESSES`; larger since OTP 27).
fn default_processes(release: Release) -> u64 {
    if release >= Release(27, 0) {
        1 << 20
    } else {
        1 << 18
    }
}

impl Plan {
    fn set(&mut self, sets: Word, fix: Fix) {
        self.lines.push(Line {
            sets,
            line: fix.line,
            place: fix.place.map_or(fix.note, |place| place.words().into()),
        });
    }

    fn limits(&mut self, host: &Host, nofile: u64) {
        let Nofile {
            hard,
            nr_open,
            file_max,
            can_raise_hard,
            ..
        } = &host.nofile;
        if let (true, Limit::Finite(nr_open)) = (nr_open.is_below(nofile), *nr_open) {
            self.lacks.push(format!(
                "fs.nr_open is {}, below the {} of nofile.",
                plain(nr_open),
                plain(nofile)
            ));
            if let Some(fix) = lines::nr_open_kept(nofile) {
                self.set(Word::Fds, fix);
            }
        }
        if let (true, Limit::Finite(hard)) = (
            hard.is_below(nofile) && *can_raise_hard != Known::Is(true),
            *hard,
        ) {
            self.lacks.push(format!(
                "The hard limit here is {}, below the {} of nofile: what starts the node has to give more (systemd, the container engine).",
                plain(hard), plain(nofile)
            ));
        }
        self.set(Word::Fds, lines::unit(nofile));
        let all = nofile.saturating_mul(2);
        if let (true, Limit::Finite(file_max)) = (file_max.is_below(all), *file_max) {
            self.lacks.push(format!(
                "fs.file-max is {} for the whole machine; twice of nofile leaves room for others.",
                plain(file_max)
            ));
            self.set(Word::KernelFiles, lines::file_max_kept(all));
        }
    }

    fn tables(&mut self, host: &Host, ports: Need, processes: Need) {
        self.set(Word::Ports, lines::flag("+Q", ports.limit));
        if processes.limit > default_processes(host.release) {
            self.set(Word::Processes, lines::flag("+P", processes.limit));
        }
    }

    fn network(&mut self, host: &Host) {
        let LocalPorts { used, available } = self.local_ports;
        if let Known::Is(available) = available {
            // The whole range: below 1024 the ports of services begin.
            const WIDEST: u64 = 65_535 - 1024 + 1;
            if used > WIDEST {
                let upstreams = self
                    .asked
                    .fds_per_session
                    .saturating_sub(1)
                    .saturating_mul(self.asked.sessions)
                    .div_ceil(WIDEST);
                self.lacks.push(format!(
                    "{} connections to one address and port of a server: there are {} local ports at most. {upstreams} such addresses are needed, or more source addresses here.",
                    plain(used), plain(WIDEST)
                ));
            } else if used > available {
                self.lacks.push(format!(
                    "{} connections to one server, and {} local ports.",
                    plain(used),
                    plain(available)
                ));
                self.set(Word::LocalPorts, lines::local_ports_kept());
            }
        }
        if host.somaxconn.is_some_and(|most| most < self.backlog) {
            self.lacks.push(format!(
                "net.core.somaxconn is {}, less than a backlog of {}.",
                plain(host.somaxconn.unwrap_or(0)),
                plain(self.backlog)
            ));
            self.set(Word::Backlog, lines::somaxconn_kept(self.backlog));
        }
        self.set(Word::Backlog, lines::backlog(self.backlog));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host() -> Host {
        Host {
            nofile: Nofile {
                soft: Limit::Finite(1024),
                hard: Limit::Finite(524_288),
                nr_open: Limit::Finite(1_048_576),
                max_fds: Limit::Unknown,
                file_max: Limit::Infinity,
                file_nr: Known::Unknown,
                exempt_from_file_max: Known::Unknown,
                can_raise_hard: Known::Unknown,
            },
            local_ports: Some((32_768, 60_999)),
            somaxconn: Some(4096),
            release: Release(27, 0),
        }
    }

    fn lines(plan: &Plan) -> Vec<&str> {
        plan.lines.iter().map(|line| line.line.as_str()).collect()
    }

    // The gateway that the node was founded for: at 50 000 sessions the port table of a VM's own size would end first.
    #[test]
    fn a_gateway_of_two_descriptors() {
        let plan = plan(Asked::gateway(50_000), Base::TYPICAL, &host());
        let used: Vec<_> = plan
            .needs
            .iter()
            .map(|need| (need.used, need.limit))
            .collect();
        assert_eq!(
            used,
            [(100_032, 131_072), (100_004, 131_072), (50_064, 1_048_576)]
        );
        assert_eq!(
            plan.local_ports,
            LocalPorts {
                used: 50_000,
                available: Known::Is(28_232)
            }
        );
        assert_eq!(plan.table_bytes, (131_072 + 1_048_576) * 16);
        assert_eq!(
            lines(&plan),
            [
                "LimitNOFILE=131072",
                "+Q 131072",
                "net.ipv4.ip_local_port_range = 1024 65535",
                "net.core.somaxconn = 8192",
                "{backlog, 8192}"
            ]
        );
        assert_eq!(plan.lacks.len(), 2);
    }

    // More sessions than local ports towards one server: no sysctl helps, and saying one would cost a night.
    #[test]
    fn more_than_the_local_ports_there_are() {
        let plan = plan(Asked::gateway(200_000), Base::TYPICAL, &host());
        assert!(
            plan.lacks
                .iter()
                .any(|lack| lack.contains("4 such addresses")),
            "{:?}",
            plan.lacks
        );
        assert!(!lines(&plan)
            .iter()
            .any(|line| line.contains("ip_local_port_range")));
        let spread = Asked {
            upstreams: 8,
            ..plan.asked
        };
        let plan = super::plan(spread, Base::TYPICAL, &host());
        assert_eq!(plan.local_ports.used, 25_000);
        assert!(
            !plan.lacks.iter().any(|lack| lack.contains("connections")),
            "{:?}",
            plan.lacks
        );
    }

    #[test]
    fn what_the_host_lacks() {
        let mut host = host();
        host.nofile.hard = Limit::Finite(20_000);
        host.nofile.nr_open = Limit::Finite(100_000);
        host.nofile.file_max = Limit::Finite(150_000);
        host.release = Release(25, 0);
        let plan = plan(
            Asked {
                processes_per_session: 10,
                ..Asked::gateway(50_000)
            },
            Base::TYPICAL,
            &host,
        );
        assert_eq!(
            lines(&plan)[..5],
            [
                "fs.nr_open = 131072",
                "LimitNOFILE=131072",
                "fs.file-max = 262144",
                "+Q 131072",
                "+P 1048576"
            ]
        );
        assert_eq!(plan.lacks.len(), 5, "{:?}", plan.lacks);
    }

    proptest! {
        // Numbers come from a command line and from a prompt: the largest must not end the node.
        #[test]
        fn no_number_is_too_large(sessions in 1u64.., fds: u64, ports: u64, processes: u64, upstreams in 1u64..) {
            let asked = Asked { sessions, fds_per_session: fds, ports_per_session: ports, processes_per_session: processes, upstreams };
            let plan = plan(asked, Base::TYPICAL, &host());
            for need in plan.needs {
                prop_assert!(need.limit.is_power_of_two() || need.limit == LARGEST_TABLE);
            }
        }
    }
}
