//! The command `headroom`: for what has to be done before a node starts, or without a way into it.
#![forbid(unsafe_code)]

mod exec;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Limits of a BEAM node, from outside of it.
#[derive(Parser)]
#[command(name = "headroom", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Exec(exec::Exec),
}

/// As of `env`, `nohup` and `timeout`: an error of the command line itself, not of the program that it names.
const USAGE: u8 = 125;

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments {
            command: Command::Exec(exec),
        }) => exec.run(),
        Err(error) => {
            // Help and version are asked for; nothing can be done about a closed standard output.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
        }
    }
}
