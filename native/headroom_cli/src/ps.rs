//! `headroom ps`: every node of this host that can be seen, and how close it is to a limit.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use comfy_table::{CellAlignment, Table};
use headroom_core::measure::{Binding, Resources};
use headroom_core::number;
use headroom_core::snapshot::{Snapshot, SCHEMA};
use headroom_facts::vocabulary::{Known, Level, Name};
use serde::Serialize;

use crate::outside::{self, Node};
use crate::say::{failed, say, FAILED};

/// List the BEAM nodes of this host and how close each is to a limit
///
/// It reads /proc and asks no node, so it shows those that are full or frozen, too. What does not show from outside, or not
/// to this user, is a question mark.
/// Exit status: 0 if nodes are listed, 1 if there are none, 3 if /proc cannot be read.
#[derive(Args)]
pub struct Ps {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print it again every N seconds, until it is interrupted
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
}

/// What a list without a node is answered with.
const NONE: u8 = 1;

#[derive(Serialize)]
struct Listing {
    schema: u32,
    nodes: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    os_pid: u32,
    node: String,
    otp_release: String,
    level: Level,
    binding: Binding,
    resources: Resources,
}

impl Row {
    fn new(Snapshot { facts, judgement }: Snapshot) -> Row {
        Row {
            os_pid: facts.os_pid,
            node: facts.node,
            otp_release: facts.otp_release,
            level: judgement.level,
            binding: judgement.binding,
            resources: judgement.resources,
        }
    }
}

impl Ps {
    pub fn run(self) -> ExitCode {
        let Some(seconds) = self.watch else {
            return self.once();
        };
        let screen = !self.json && std::io::stdout().is_terminal();
        loop {
            if screen && write!(std::io::stdout(), "\x1b[H\x1b[2J").is_err() {
                return ExitCode::SUCCESS;
            }
            let status = self.once();
            if status == ExitCode::from(FAILED) {
                return status;
            }
            sleep(Duration::from_secs(seconds));
        }
    }

    fn once(&self) -> ExitCode {
        let nodes = match outside::nodes() {
            Ok(nodes) => nodes,
            Err(why) => return failed(&why),
        };
        let seen = |node: &Node| {
            let row = Row::new(Snapshot::new(node.facts()));
            node.is_alive().then_some(row)
        };
        let rows: Vec<Row> = nodes.iter().filter_map(seen).collect();
        let none = rows.is_empty();
        let text = if self.json {
            let listing = Listing {
                schema: SCHEMA,
                nodes: rows,
            };
            match serde_json::to_string(&listing) {
                Ok(json) => json + "\n",
                Err(error) => return failed(&error),
            }
        } else if none {
            "no BEAM node is seen on this host\n".into()
        } else {
            table(&rows)
        };
        say(&text, if none { NONE } else { 0 })
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "PID",
        "NODE",
        "OTP",
        "FDS",
        "LIMIT",
        "USE",
        "PORTS",
        "PROCESSES",
        "LEVEL",
    ]);
    for row in rows {
        let used = |name| number::count(row.resources.of(name).used);
        let fds = row.resources.of(Name::Fds);
        let percent = match fds.percent {
            Known::Is(percent) => format!("{percent:.1}%"),
            Known::Unknown => "?".into(),
        };
        table.add_row([
            row.os_pid.to_string(),
            row.node.clone(),
            row.otp_release.clone(),
            used(Name::Fds),
            number::limit(fds.limit),
            percent,
            used(Name::Ports),
            used(Name::Processes),
            row.level.as_str().to_uppercase(),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let number = index == 0 || (3..=7).contains(&index);
        column.set_padding((0, 2));
        column.set_cell_alignment(if number {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
