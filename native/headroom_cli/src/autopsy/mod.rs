//! `headroom autopsy`: whether a limit ended a node, from its crash dump.

mod census;
mod lines;
mod reader;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use headroom_core::autopsy;
use headroom_core::render;
use headroom_facts::dump::Dump;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::progress::bar;
use crate::say::{complain, say};
use reader::Reader;

/// Did a limit end this node? Reads erl_crash.dump, of any size, in bounded memory
///
/// A VM that cannot even start writes no dump: then give the log, or the lines that it wrote to standard error; what it
/// said last is found in them. Exit status: 0 when there is an answer, 2 when the file cannot be read or holds neither.
#[derive(Args)]
pub struct Autopsy {
    /// The dump; - is standard input
    #[arg(value_name = "FILE", default_value = "erl_crash.dump")]
    file: PathBuf,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

const UNREADABLE: u8 = 2;
/// From this size on a person waits, and sees how far it is.
const LONG: u64 = 64 << 20;
const BUFFER: usize = 1 << 20;

#[derive(Serialize)]
struct Answer<'a> {
    autopsy: &'a autopsy::Autopsy,
    dump: &'a Dump,
}

impl Autopsy {
    /// Prints the answer.
    pub fn run(self) -> ExitCode {
        match self.answer() {
            Ok(text) => say(&text, 0),
            Err(why) => {
                complain(format_args!("headroom: {}: {why}\n", self.file.display()));
                ExitCode::from(UNREADABLE)
            }
        }
    }

    fn answer(&self) -> Result<String, String> {
        let dump = self.read().map_err(|error| error.to_string())?;
        if !dump.is_dump && dump.slogan.is_none() {
            return Err(
                "neither a crash dump of OTP, nor a log with the last words of a VM".into(),
            );
        }
        let autopsy = autopsy::Autopsy::of(&dump);
        if self.json {
            let answer = Answer {
                autopsy: &autopsy,
                dump: &dump,
            };
            let json = serde_json::to_string(&answer).map_err(|error| error.to_string())?;
            return Ok(json + "\n");
        }
        Ok(render::autopsy::autopsy(&autopsy, &dump))
    }

    fn read(&self) -> io::Result<Dump> {
        if self.file.as_os_str() == "-" {
            return read(io::stdin().lock(), &ProgressBar::hidden());
        }
        let file = File::open(&self.file)?;
        let size = file.metadata()?.len();
        let template = "{bar:40} {bytes} of {total_bytes}, {eta} left";
        read(file, &bar(size, size < LONG, template))
    }
}

fn read(input: impl Read, bar: &ProgressBar) -> io::Result<Dump> {
    let mut reader = Reader::default();
    let input = BufReader::with_capacity(BUFFER, input);
    let mut since = 0;
    let read = lines::each(
        input,
        |line| reader.line(line),
        |bytes| {
            since += bytes;
            if since >= BUFFER as u64 {
                bar.inc(std::mem::take(&mut since));
            }
        },
    );
    bar.finish_and_clear();
    read.map(|()| reader.end())
}
