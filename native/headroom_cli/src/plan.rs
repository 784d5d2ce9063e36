//! `headroom plan`: what so many sessions need, and what this host lacks.

use std::fs;
use std::process::ExitCode;

use clap::builder::RangedU64ValueParser;
use clap::Args;
use headroom_core::plan::{self, Asked, Base, Host};
use headroom_core::render;
use headroom_facts::reading::{Detail, Patience};
use headroom_facts::release::Release;
use headroom_facts::vocabulary::Limit;
use headroom_os as os;

use crate::say::{failed, say};

/// What do so many sessions need? Descriptors, ports, processes, local ports, memory of the tables, backlog
///
/// The lines to set keep the use below 80 percent, where a node warns. Judged is the host that this runs on; limits of the
/// node's own service or container are those of whatever starts it there.
/// Exit status: 0, or 3 if the limits of this host cannot be read.
#[derive(Args)]
pub struct Plan {
    /// Sessions at the same time
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    sessions: u64,
    /// Descriptors of each: a gateway has one of the client and one of the server behind it
    #[arg(long, value_name = "N", default_value_t = 2)]
    fds_per_session: u64,
    /// Ports of each; as many as descriptors with gen_tcp, 0 with the module socket
    #[arg(long, value_name = "N")]
    ports_per_session: Option<u64>,
    /// Processes of each
    #[arg(long, value_name = "N", default_value_t = 1)]
    processes_per_session: u64,
    /// Addresses of the servers behind: each has local ports of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    upstreams: u64,
    /// The release of OTP that will run
    #[arg(long, value_name = "N", default_value_t = 27)]
    otp: u32,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// Prints the plan.
    pub fn run(self) -> ExitCode {
        let asked = Asked {
            sessions: self.sessions,
            fds_per_session: self.fds_per_session,
            ports_per_session: self.ports_per_session.unwrap_or(self.fds_per_session),
            processes_per_session: self.processes_per_session,
            upstreams: self.upstreams,
        };
        os::acquire();
        let Ok(system) = os::read(Limit::Unknown, Patience::Never, Detail::Limits) else {
            return failed(&"the limits of this process cannot be read");
        };
        let somaxconn = fs::read_to_string("/proc/sys/net/core/somaxconn");
        let host = Host {
            nofile: system.nofile,
            local_ports: os::local_ports(),
            somaxconn: somaxconn.ok().and_then(|text| text.trim().parse().ok()),
            release: Release(self.otp, 0),
        };
        let plan = plan::plan(asked, Base::TYPICAL, &host);
        if !self.json {
            return say(&render::plan::plan(&plan), 0);
        }
        match serde_json::to_string(&plan) {
            Ok(json) => say(&(json + "\n"), 0),
            Err(error) => failed(&error),
        }
    }
}
