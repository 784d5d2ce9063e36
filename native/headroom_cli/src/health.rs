//! `headroom health`: what a node wrote to its status file, as a plugin of a monitoring system says it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use headroom_core::render::plugin::answer;
use headroom_core::status::{Fault, Status, SIZE};
use headroom_os as os;

/// Says how a node stands by its status file: exit status 0 ok, 1 warning, 2 critical, 3 unknown or too old.
#[derive(Args)]
pub struct Health {
    /// The status_file of the node
    #[arg(long, value_name = "PATH")]
    file: PathBuf,
    /// How many seconds old a status may be; the node writes one each second
    #[arg(long, value_name = "S", default_value_t = 10)]
    max_age: u64,
}

/// What a plugin answers that cannot tell.
pub const UNKNOWN: u8 = 3;

impl Health {
    pub fn run(self) -> ExitCode {
        let read = read(&self.file).map_err(|why| format!("{}: {why}", self.file.display()));
        let answer = answer(read, &os::moment(), Duration::from_secs(self.max_age));
        // The exit status stands, also where nobody reads the line.
        let _ = writeln!(std::io::stdout(), "{}", answer.line);
        ExitCode::from(answer.exit)
    }
}

/// A record that is just being written is whole a moment later.
fn read(path: &Path) -> Result<Status, String> {
    const TRIES: u32 = 3;
    let mut tried = 1;
    loop {
        let record = bytes(path).map_err(|error| error.to_string())?;
        match Status::decode(&record) {
            Err(Fault::Checksum | Fault::Size(_)) if tried < TRIES => tried += 1,
            decoded => return decoded.map_err(|fault| fault.to_string()),
        }
        sleep(Duration::from_millis(20));
    }
}

/// One more byte than a record has tells a longer file, however long it is.
fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(SIZE + 1);
    File::open(path)?
        .take(SIZE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
