//! `headroom history`: what a node said of itself before it ended, from the file beside its status file.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use headroom_core::render::trend::time;
use headroom_core::status::{Status, SIZE};

use crate::health::regular;
use crate::say::{failed, say};

/// What a node said of itself, minute by minute, before it ended or until now
///
/// It reads the file that a node with a status_file keeps beside it; the newest record is the last line. Times are counted
/// back from that one.
/// Exit status: 0, or 3 if there is no such file or nothing in it.
#[derive(Args)]
pub struct History {
    /// The status_file of the node with .history at its end
    #[arg(long, value_name = "PATH")]
    file: PathBuf,
    /// How many of the last records
    #[arg(long, value_name = "N", default_value_t = 60)]
    last: usize,
    /// Print JSON, a record a line
    #[arg(long)]
    json: bool,
}

/// More than any node keeps.
const LARGEST: u64 = 16 * 1024 * 1024;

impl History {
    pub fn run(self) -> ExitCode {
        match read(&self.file) {
            Err(error) => failed(&format!("{}: {error}", self.file.display())),
            Ok(bytes) => match records(&bytes) {
                records if records.is_empty() => {
                    failed(&format!("{}: no record is in it", self.file.display()))
                }
                records => {
                    let last = &records[records.len().saturating_sub(self.last)..];
                    let text = if self.json {
                        json(last)
                    } else {
                        Ok(lines(last))
                    };
                    match text {
                        Ok(text) => say(&text, 0),
                        Err(error) => failed(&error),
                    }
                }
            },
        }
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Those that are whole, in the order in which they were written.
fn records(bytes: &[u8]) -> Vec<Status> {
    let mut records: Vec<Status> = bytes
        .chunks(SIZE)
        .filter_map(|record| Status::decode(record).ok())
        .collect();
    records.sort_by_key(|record| record.sequence);
    records
}

/// As they are in the file.
fn json(records: &[Status]) -> serde_json::Result<String> {
    let line = |record| Ok(serde_json::to_string(record)? + "\n");
    records.iter().map(line).collect()
}

fn lines(records: &[Status]) -> String {
    let Some(last) = records.last() else {
        return String::new();
    };
    let mut out = String::new();
    let mut node = None;
    for record in records {
        if node != Some((record.os_pid, &record.node)) {
            node = Some((record.os_pid, &record.node));
            out.push_str(&format!("{} (os pid {})\n", record.node, record.os_pid));
        }
        let before = if record.written.boot_id == last.written.boot_id {
            format!(
                "-{}",
                time(
                    last.written
                        .uptime_ms
                        .saturating_sub(record.written.uptime_ms)
                )
            )
        } else {
            "earlier boot".into()
        };
        let level = record.level.as_str().to_uppercase();
        out.push_str(&format!("{before:>14}  {level:<8}  {}\n", record.text));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::status::Said;
    use headroom_facts::moment::Moment;
    use headroom_facts::vocabulary::Level;

    fn record(sequence: u64, os_pid: u32, uptime_ms: u64) -> Vec<u8> {
        let said = Said {
            node: "shop@host",
            os_pid,
            level: Level::Critical,
            text: format!("record {sequence}"),
            performance: String::new(),
        };
        let written = Moment {
            uptime_ms,
            boot_id: Some("boot".into()),
        };
        Status::new(said, sequence, written).encode().unwrap()
    }

    // A ring is read in the order of its records, over a restart, and past one that was being written when the node ended.
    #[test]
    fn records_are_in_order() {
        let mut broken = record(9, 1, 0);
        broken[10] = b'!';
        let ring = [
            record(7, 2, 180_000),
            broken,
            record(5, 1, 0),
            record(6, 1, 60_000),
        ]
        .concat();
        assert_eq!(
            lines(&records(&ring)),
            "shop@host (os pid 1)\n        -3 min  CRITICAL  record 5\n        -2 min  CRITICAL  record 6\n\
             shop@host (os pid 2)\n         -0 ms  CRITICAL  record 7\n"
        );
    }
}
