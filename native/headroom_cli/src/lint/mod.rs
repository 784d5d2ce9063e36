//! `headroom lint`: what of a configuration will not work at the next start, with file and line.

mod collect;
mod containers;
mod flags;
mod kernel;
mod runs;
mod shell;
mod systemd;
mod tree;
mod variables;
mod yaml;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use headroom_core::lint;
use headroom_core::render;
use headroom_facts::release::Release;

use crate::say::{complain, say};

/// Will this configuration hold at the next start? Reads files, and changes nothing
///
/// Looked at are units of systemd with their drop-ins, limits.conf, sysctl files against the running kernel, vm.args, env.sh,
/// ejabberdctl.cfg, rabbitmq-env.conf, Dockerfiles, compose files, pods and daemon.json. Each finding has a name; docs/lint.md
/// has the reason and its source. Exit status: 0 nothing found, 1 something found, 2 the folder or the command line is wrong.
#[derive(Args)]
pub struct Lint {
    /// The folder to look at as the root of a machine, an image or a project
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The release of OTP that will run, where the folder has none
    #[arg(long, value_name = "N")]
    otp: Option<u32>,
    /// Print what was found as JSON, an object a line
    #[arg(long)]
    json: bool,
}

const FOUND: u8 = 1;
/// Also the status for a wrong command line.
pub const UNUSABLE: u8 = 2;

impl Lint {
    /// Prints what was found.
    pub fn run(self) -> ExitCode {
        let tree = match tree::Tree::new(&self.root) {
            Ok(tree) => tree,
            Err(error) => {
                complain(format_args!("headroom: {}: {error}\n", self.root.display()));
                return ExitCode::from(UNUSABLE);
            }
        };
        let mut configured = collect::collect(tree);
        if let Some(otp) = self.otp {
            configured.release = Some(Release(otp, 0));
        }
        let found = lint::lint(&configured);
        let text = if self.json {
            render::lint::json(&found)
        } else {
            render::lint::text(&found)
        };
        say(&text, if found.is_empty() { 0 } else { FOUND })
    }
}

#[cfg(test)]
mod tests;
