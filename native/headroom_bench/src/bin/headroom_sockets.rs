//! Times what the kernel's half of an inventory costs beside the bare system calls, and beside others' ways, in one run.
//!
//! Usage: `headroom_sockets N...`. For each number of TCP sockets it prints one line, in milliseconds for all of them: a
//! loop with `TCP_INFO` and `FIONREAD` alone, headroom's look in steps, `fd()` of the procfs crate (these three in time of
//! the processor), `lsof -p`, `ss -tanp`.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::process::{Command, Stdio};
use std::time::Instant;

use headroom_os::inventory::{bare_calls, Look};

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    headroom_os::acquire();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut held: Vec<TcpStream> = Vec::new();
    let mixed: Vec<File> = (0..100)
        .map_while(|_| File::open("/dev/null").ok())
        .collect();
    println!(
        "{:>8} {:>8} {:>8} {:>7} {:>9} {:>9} {:>9}   ms, {} other files open",
        "sockets",
        "bare",
        "look",
        "ratio",
        "procfs",
        "lsof -p",
        "ss -tanp",
        mixed.len()
    );
    for argument in std::env::args().skip(1) {
        let wanted: usize = argument.parse()?;
        while held.len() < wanted {
            held.push(TcpStream::connect(listener.local_addr()?)?);
            held.push(listener.accept()?.0);
        }
        let fds: Vec<RawFd> = held.iter().map(AsRawFd::as_raw_fd).collect();
        let (mut bare, mut look) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            bare = bare.min(processor(|| {
                fds.iter().for_each(|&fd| assert!(bare_calls(fd)))
            }));
            look = look.min(processor(|| assert!(seen() > wanted)));
        }
        let procfs = processor(|| {
            let me = procfs::process::Process::myself().and_then(|me| me.fd());
            assert!(me.is_ok_and(|fds| fds.flatten().count() > wanted));
        });
        let pid = std::process::id().to_string();
        let lsof = milliseconds(|| run("lsof", &["-nP", "-p", &pid]));
        let ss = milliseconds(|| run("ss", &["-tanp"]));
        let ratio = look / bare;
        println!(
            "{wanted:>8} {bare:>8.1} {look:>8.1} {ratio:>7.2} {procfs:>9.1} {lsof:>9.1} {ss:>9.1}"
        );
    }
    Ok(())
}

fn milliseconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1000.0
}

/// Milliseconds of the processor, which others on the machine hardly change; programs take theirs by the clock.
fn processor(run: impl FnOnce()) -> f64 {
    let spent = || {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        spent.tv_sec as f64 * 1000.0 + spent.tv_nsec as f64 / 1e6
    };
    let start = spent();
    run();
    spent() - start
}

fn seen() -> usize {
    let mut seen = Vec::new();
    let mut look = Look::start(900_000);
    while let Ok(true) = look.step(&mut seen) {}
    seen.len()
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok(), "{program} is not there");
}
