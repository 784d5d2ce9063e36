//! `headroom health`: what a node wrote to its status file, as a plugin of a monitoring system says it.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::Duration;

use clap::Args;
use headroom_core::render::plugin;
use headroom_core::status::{Fault, Status, SIZE};
use headroom_os as os;

use crate::say::answer;

/// Says how a node stands by its status file: exit status 0 ok, 1 warning, 2 critical, 3 unknown or too old.
#[derive(Args)]
pub struct Health {
    /// The status_file of the node
    #[arg(long, value_name = "PATH")]
    file: PathBuf,
    /// How many seconds old a status may be; the node writes one each second
    #[arg(long, value_name = "S", default_value_t = 10)]
    max_age: u64,
    /// Exit status 0 for a warning, too: for probes that take every other status for a failure, as Kubernetes does
    #[arg(long)]
    critical_only: bool,
}

/// What a plugin answers at a warning.
const WARNING: u8 = 1;
/// What a plugin answers that cannot tell.
pub const UNKNOWN: u8 = 3;

impl Health {
    pub fn run(self) -> ExitCode {
        let path = self.file.display().to_string();
        let read = read_in_time(self.file).map_err(|why| format!("{path}: {why}"));
        let said = plugin::answer(read, &os::moment(), Duration::from_secs(self.max_age));
        // The exit status stands, also where nobody reads the line.
        answer(format_args!("{}\n", said.line));
        ExitCode::from(match said.exit {
            WARNING if self.critical_only => 0,
            exit => exit,
        })
    }
}

/// A plugin that waits for a file system that hangs would be all that its monitoring system hears of the node.
fn read_in_time(path: PathBuf) -> Result<Status, String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let (done, result) = mpsc::channel();
    let reader = {
        let path = path.clone();
        move || {
            // Nobody listens any more when the time was up.
            let _ = done.send(read(&path));
        }
    };
    match thread::Builder::new().spawn(reader) {
        Ok(_) => result
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(format!("not read within {} s", PATIENCE.as_secs()))),
        // No room for a thread.
        Err(_) => read(&path),
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
    regular(path)?
        .take(SIZE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A regular file, opened: the opening of a FIFO would wait for a writer.
pub fn regular(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("no regular file"));
    }
    Ok(file)
}
