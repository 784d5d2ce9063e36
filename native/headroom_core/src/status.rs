//! The status file: what a node last said of its health, for readers outside it when it can open nothing any more.
//!
//! One record of fixed size, overwritten in place: a line of JSON that can be read with `cat`, filled up with spaces, and
//! a checksum of all before it. The age is counted on a clock that nobody sets, and only within one boot of the machine.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use headroom_facts::moment::Moment;
use headroom_facts::vocabulary::Level;

/// Bytes of a record, with its line feed.
pub const SIZE: usize = 4096;
/// The version of the record.
const FORMAT: u32 = 1;
/// A space, eight digits, a line feed.
const CHECKSUM: usize = 10;
/// What is kept of the node's name and of the text: more would not leave room for the rest.
const LONGEST_NODE: usize = 255;
const LONGEST_TEXT: usize = 512;

/// What a node says of its health, before it is made a record.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// The node's name.
    pub node: &'a str,
    /// Number of its OS process.
    pub os_pid: u32,
    /// How bad it is.
    pub level: Level,
    /// One line of text.
    pub text: String,
    /// Performance data of the monitoring-plugin convention.
    pub performance: String,
}

/// What a node said of its health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    headroom_status: u32,
    /// Which one this is of those that the node wrote.
    pub sequence: u64,
    /// When it was written.
    #[serde(flatten)]
    pub written: Moment,
    /// The node's name.
    pub node: String,
    /// Number of its OS process.
    pub os_pid: u32,
    /// How bad it was.
    pub level: Level,
    /// One line of text.
    pub text: String,
    /// Performance data of the monitoring-plugin convention.
    pub performance: String,
}

impl Status {
    /// What a node says at a moment, shortened to what a record holds.
    pub fn new(said: Said, sequence: u64, written: Moment) -> Status {
        Status {
            headroom_status: FORMAT,
            sequence,
            written,
            node: shortened(said.node, LONGEST_NODE),
            os_pid: said.os_pid,
            level: said.level,
            text: shortened(&said.text, LONGEST_TEXT),
            performance: said.performance,
        }
    }

    /// The record.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let json = serde_json::to_string(self)?;
        let mut record = json.into_bytes();
        record.resize(SIZE - CHECKSUM, b' ');
        let checksum = crc32fast::hash(&record);
        record.extend(format!(" {checksum:08x}\n").into_bytes());
        Ok(record)
    }

    /// The status in a record.
    ///
    /// # Errors
    /// It is none, or one that was only partly written.
    pub fn decode(record: &[u8]) -> Result<Status, Fault> {
        if record.len() != SIZE {
            return Err(Fault::Size(record.len()));
        }
        let (line, end) = record.split_at(SIZE - CHECKSUM);
        let sum = std::str::from_utf8(end).ok().map(str::trim);
        let sum = sum.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if sum != Some(crc32fast::hash(line)) {
            return Err(Fault::Checksum);
        }
        let status: Status = serde_json::from_slice(line).map_err(|_| Fault::Format)?;
        if status.headroom_status == FORMAT {
            Ok(status)
        } else {
            Err(Fault::Format)
        }
    }

    /// How old it is at a moment; nothing if it was written before the machine was last started.
    pub fn age(&self, now: &Moment) -> Option<Duration> {
        let same_boot = match (&self.written.boot_id, &now.boot_id) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        let age = now.uptime_ms.checked_sub(self.written.uptime_ms)?;
        same_boot.then(|| Duration::from_millis(age))
    }
}

/// Why there is no status in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// So many bytes are no record.
    Size(usize),
    /// The record is damaged, or is being written.
    Checksum,
    /// It is something else, or of a version that is not known here.
    Format,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Size(size) => write!(f, "it has {size} bytes, a status has {SIZE}"),
            Fault::Checksum => f.write_str("its checksum is wrong"),
            Fault::Format => f.write_str("it is no status that this version knows"),
        }
    }
}

/// Cut between two characters.
fn shortened(text: &str, bytes: usize) -> String {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_string()
}
