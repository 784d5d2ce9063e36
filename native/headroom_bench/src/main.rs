//! Times the system calls that an open count and a health check cannot do without, in a loop with nothing around them.
//!
//! Usage: `headroom_bench N...`. For each number of open descriptors it prints one line, in nanoseconds a call:
//! `{N, Fstat, Getrlimit, Pread}.` (an Erlang term): `fstat` of `/proc/self/fd`, `getrlimit`, and a read of `file-nr`.

use std::fs::File;
use std::hint::black_box;
use std::time::Instant;

use rustix::fs::fstat;
use rustix::io::pread;
use rustix::process::{getrlimit, Resource};

const BATCHES: usize = 50;
const CALLS: u32 = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = File::open("/proc/self/fd")?;
    let file_nr = File::open("/proc/sys/fs/file-nr")?;
    let mut held = Vec::new();
    for argument in std::env::args().skip(1) {
        let wanted: usize = argument.parse()?;
        // Standard input, output and error, and the two files above.
        while held.len() + 5 < wanted {
            held.push(File::open("/dev/null")?);
        }
        let count = fastest(|| fstat(&directory).is_ok());
        let limit = fastest(|| getrlimit(Resource::Nofile).current.is_some());
        let mut buffer = [0; 64];
        let kernel = fastest(|| pread(&file_nr, &mut buffer, 0).is_ok());
        println!("{{{wanted}, {count:.1}, {limit:.1}, {kernel:.1}}}.");
    }
    Ok(())
}

/// Nanoseconds a call in the fastest batch: what others do on the machine only ever adds.
fn fastest(mut call: impl FnMut() -> bool) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(CALLS));
    }
    best
}
