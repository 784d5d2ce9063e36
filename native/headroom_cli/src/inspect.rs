//! `headroom inspect`: the report of a node that does not answer, or has no headroom, made from outside.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use headroom_core::holders::{self, Inventory, Options, Sight};
use headroom_core::render::page::wrapped;
use headroom_core::render::report::{report, Charset};
use headroom_core::render::{files, holders as render_holders, threads};
use headroom_core::snapshot::Snapshot;
use headroom_core::threads::Threads;
use headroom_facts::vocabulary::Level;
use serde::Serialize;

use crate::outside::{self, SeenBy};
use crate::say::{failed, say};

/// Report on one node from outside: it may be frozen, full, or without headroom
///
/// It reads /proc and the node's memory, and asks the node nothing. It needs the rights of the node's user, or root with
/// CAP_SYS_PTRACE, for all of it; without them it shows less and says what is missing.
/// Exit status: 0 ok, 1 warning, 2 critical, 3 if the node cannot be seen.
#[derive(Args)]
pub struct Inspect {
    /// Number of the OS process, or name of the node
    #[arg(value_name = "PID|NODE")]
    node: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Between two looks at the threads: idle ones sleep, and one that burns shows.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// What JSON has on top of a snapshot.
#[derive(Serialize)]
struct Inspection<'a> {
    #[serde(flatten)]
    snapshot: &'a Snapshot,
    threads: &'a Threads,
    inventory: &'a Inventory,
    files: &'a [(String, u64)],
    seen_by: SeenBy,
}

impl Inspect {
    pub fn run(self) -> ExitCode {
        let node = match outside::select(&self.node) {
            Ok(node) => node,
            Err(why) => return failed(&why),
        };
        let mut looks = Vec::from_iter(node.look_at_threads());
        sleep(BETWEEN_LOOKS);
        looks.extend(node.look_at_threads());
        let snapshot = Snapshot::new(node.facts());
        let (descriptors, seen_by) = node.descriptors();
        let sight = Sight {
            drops: node.listen_drops(),
            ..Sight::of_the_kernel(&descriptors)
        };
        let inventory = holders::inventory(&sight, &Options::default());
        let inventory = match seen_by {
            SeenBy::Copies => inventory,
            SeenBy::Links | SeenBy::Nothing => inventory.by_links(),
        };
        let files = node.files(&descriptors);
        sleep(BETWEEN_LOOKS);
        looks.extend(node.look_at_threads());
        if !node.is_alive() {
            return failed(&format!(
                "{} (os pid {}) ended while it was looked at; what was seen of it until then would be half of the truth",
                node.shown_name(),
                node.pid
            ));
        }
        let threads = headroom_core::threads::judge(&outside::threads(&looks));
        let text = if self.json {
            let inspection = Inspection {
                snapshot: &snapshot,
                threads: &threads,
                inventory: &inventory,
                files: &files,
                seen_by,
            };
            match serde_json::to_string(&inspection) {
                Ok(json) => json + "\n",
                Err(error) => return failed(&error),
            }
        } else {
            let mut text =
                report(&snapshot, None, Charset::Ascii) + &threads::section(&threads) + "\n";
            if seen_by != SeenBy::Nothing {
                text.push_str(&render_holders::text(&inventory, &[], |_| String::new()));
                text.push_str(&files::section(&files));
            }
            text + &rights(seen_by)
        };
        say(&text, status(&snapshot, &threads))
    }
}

/// What is missing, and what it would take.
fn rights(seen_by: SeenBy) -> String {
    let words = match seen_by {
        SeenBy::Copies => return String::new(),
        SeenBy::Links => {
            "descriptors were seen by their links alone, so without idle times and backlogs: the kernel refused pidfd_getfd, which \
             is of Linux 5.6 and can be filtered, or this /proc is that of another pid namespace"
        }
        SeenBy::Nothing => {
            "who holds the descriptors is not seen, nor are the tables in the node's memory: that takes the node's user, or root with \
             CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE), and kernel.yama.ptrace_scope 0"
        }
    };
    wrapped(words, "rights   ", "         ").join("\n") + "\n"
}

/// The worst of the limits and the threads, as plugins of a monitoring system number it.
fn status(snapshot: &Snapshot, threads: &Threads) -> u8 {
    let troubles = threads.troubles.iter().map(|trouble| trouble.level);
    match troubles.fold(snapshot.judgement.level, Level::max) {
        Level::Ok | Level::Notice => 0,
        Level::Warning => 1,
        Level::Critical => 2,
    }
}
