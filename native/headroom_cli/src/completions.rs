//! `headroom completions`: what a shell needs to complete the command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::say::answer;
use crate::Arguments;

/// Print the completions for a shell, to be sourced
///
/// Exit status: 0.
#[derive(Args)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "headroom",
            &mut script,
        );
        answer(String::from_utf8_lossy(&script));
        ExitCode::SUCCESS
    }
}
