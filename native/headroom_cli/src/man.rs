//! `headroom man`: the manual page, made of the same text as `--help`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};

use crate::say::answer;
use crate::Arguments;

/// Print the manual page: `headroom man | man -l -`, or of one command: `headroom man inspect`
///
/// Exit status: 0, or 125 if there is no such command.
#[derive(Args)]
pub struct Man {
    /// A command of headroom
    command: Option<String>,
}

impl Man {
    pub fn run(self) -> ExitCode {
        let mut all = Arguments::command();
        all.build();
        let page = match self.command.as_deref() {
            None => Some(all),
            Some(name) => all.find_subcommand(name).cloned(),
        };
        let mut roff = Vec::new();
        match page.map(|page| clap_mangen::Man::new(page).render(&mut roff)) {
            Some(Ok(())) => {
                answer(String::from_utf8_lossy(&roff));
                ExitCode::SUCCESS
            }
            _ => {
                crate::say::complain("headroom: no such command\n");
                ExitCode::from(crate::USAGE)
            }
        }
    }
}
