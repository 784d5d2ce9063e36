//! `headroom exec`: raises the soft limit of descriptors, then becomes the program that it was given.
//!
//! A VM fixes the number of descriptors that it watches when it starts, so this is the raise that helps its sockets.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

use crate::say::complain;
use crate::USAGE;
use clap::builder::RangedU64ValueParser;
use clap::Args;
use headroom_core::nofile;
use headroom_core::render::start;
use headroom_facts::reading::{Detail, Patience};
use headroom_facts::vocabulary::Limit;
use headroom_facts::wanted::Wanted;
use headroom_facts::{boot, otp};
use headroom_os as os;

/// Raise the soft limit of open files, then run CMD in place of this process
///
/// The limit goes up to the hard limit, fs.nr_open or 1048576, whichever is smallest, and never down.
/// Exit status: that of CMD; 125 for a wrong command line, 126 if CMD cannot be executed, 127 if it is not found, 78 with
/// --strict if the limit cannot be had.
#[derive(Args)]
pub struct Exec {
    /// The soft limit to ask for: a number, or max
    #[arg(long, value_name = "N|max", default_value = "max")]
    nofile: Wanted,

    /// Export ERL_MAX_PORTS=N; without it the VM sizes its port table to the limit by itself
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(otp::PORT_TABLE))]
    ports: Option<u64>,

    /// Do not start CMD if the limit cannot be had
    #[arg(long)]
    strict: bool,

    /// Do not say on standard error which limit is in force
    #[arg(long)]
    quiet: bool,

    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

/// `EX_CONFIG` of sysexits.h.
const CONFIGURATION: u8 = 78;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The variable that sizes the port table of a VM.
const ERL_MAX_PORTS: &str = "ERL_MAX_PORTS";

impl Exec {
    /// Does not return if CMD could be started.
    pub fn run(self) -> ExitCode {
        let program = self.command[0].to_string_lossy();
        if program.starts_with('-') && !self.is_marked() {
            // clap takes an option that it does not know for the program's name.
            complain(format_args!("headroom: unknown option {program} (try --help; a program of that name comes after --)\n"));
            return ExitCode::from(USAGE);
        }
        os::acquire();
        let nr_open = os::read(Limit::Unknown, Patience::Never, Detail::Limits)
            .map_or(Limit::Unknown, |system| system.nofile.nr_open);
        let limit = nofile::at_start(self.nofile, nr_open, |decide| os::change(0, decide));
        let given = match self.ports {
            Some(ports) => Some(ports.to_string()),
            None => env::var_os(ERL_MAX_PORTS).map(|value| value.to_string_lossy().into_owned()),
        };
        let ports = given.and_then(|value| boot::ports_of(&value));
        let line = start::line(&limit, ports);
        if self.strict && !limit.in_full {
            complain(format_args!("headroom: {line}\n"));
            return ExitCode::from(CONFIGURATION);
        }
        if !self.quiet {
            complain(format_args!("headroom: {line}\n"));
        }
        self.replace()
    }

    /// Whether `--` stands before the program.
    fn is_marked(&self) -> bool {
        let mut before = env::args_os().rev().skip(self.command.len());
        before.next().is_some_and(|argument| argument == "--")
    }

    fn replace(self) -> ExitCode {
        let program = &self.command[0];
        let mut command = Command::new(program);
        command.args(&self.command[1..]);
        if let Some(ports) = self.ports {
            command.env(ERL_MAX_PORTS, ports.to_string());
        }
        let error = os::exec(command);
        complain(format_args!(
            "headroom: {}: {error}\n",
            program.to_string_lossy()
        ));
        ExitCode::from(if error.kind() == ErrorKind::NotFound {
            NOT_FOUND
        } else {
            NOT_EXECUTABLE
        })
    }
}
