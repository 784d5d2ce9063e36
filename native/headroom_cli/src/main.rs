//! The command `headroom`: for what has to be done before a node starts, or without a way into it.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
#[macro_use]
extern crate headroom_facts;

#[cfg(all(feature = "attach", target_os = "linux"))]
mod attach;
mod autopsy;
mod completions;
#[cfg(target_os = "linux")]
mod door;
mod exec;
mod health;
mod history;
#[cfg(target_os = "linux")]
mod inspect;
mod lint;
mod man;
#[cfg(target_os = "linux")]
mod outside;
mod plan;
mod progress;
#[cfg(target_os = "linux")]
mod ps;
#[cfg(target_os = "linux")]
mod release;
mod say;
#[cfg(target_os = "linux")]
mod wake;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::say::{answer, complain};

/// Limits of a BEAM node, from outside of it.
#[derive(Parser)]
#[command(name = "headroom", version, after_help = EXIT_STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One line for each command: the type that clap reads its arguments into, which has `run(self) -> ExitCode`.
macro_rules! commands {
    ($($(#[$only:meta])* $module:ident::$command:ident,)*) => {
        #[derive(Subcommand)]
        enum Command {
            $($(#[$only])* $command($module::$command),)*
        }

        impl Command {
            fn run(self) -> ExitCode {
                match self {
                    $($(#[$only])* Command::$command(command) => command.run(),)*
                }
            }
        }
    };
}

commands! {
    autopsy::Autopsy,
    exec::Exec,
    health::Health,
    history::History,
    #[cfg(target_os = "linux")]
    ps::Ps,
    #[cfg(target_os = "linux")]
    inspect::Inspect,
    lint::Lint,
    plan::Plan,
    #[cfg(target_os = "linux")]
    release::Release,
    #[cfg(target_os = "linux")]
    door::Door,
    #[cfg(target_os = "linux")]
    wake::Wake,
    #[cfg(all(feature = "attach", target_os = "linux"))]
    attach::Attach,
    #[cfg(all(feature = "attach", target_os = "linux"))]
    attach::Detach,
    man::Man,
    completions::Completions,
}

/// What `help` and the manual page end with.
const EXIT_STATUS: &str = "Exit status: each command has its own, which its help names. Of a wrong command line it is 125; of `health`, \
                           as monitoring systems have it, 3; of `lint` and `autopsy` 2.";

/// As of `env`, `nohup` and `timeout`: an error of the command line itself, not of the program that it names.
const USAGE: u8 = 125;

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { command }) => command.run(),
        Err(error) => {
            if error.use_stderr() {
                complain(error.render());
                return ExitCode::from(usage());
            }
            // Help and version are asked for.
            answer(error.render());
            ExitCode::SUCCESS
        }
    }
}

/// A monitoring system takes 125 for nothing that it knows; what reads files says 2, as its like do.
fn usage() -> u8 {
    match std::env::args_os().nth(1) {
        Some(command) if command == "health" => health::UNKNOWN,
        Some(command) if command == "lint" || command == "autopsy" => lint::UNUSABLE,
        _ => USAGE,
    }
}
