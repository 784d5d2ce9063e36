//! `headroom wake`: lets a node write what it knows to its log and give back its reserve, where no shell gets in.

use std::process::ExitCode;

use clap::Args;
use rustix::io::Errno;
use rustix::process::{kill_process, pidfd_open, pidfd_send_signal, Pid, PidfdFlags, Signal};

use crate::outside::{self, Node};
use crate::say::{failed, say};

/// Let a node that nobody can enter write its report to its log, and give back its reserve
///
/// It sends SIGUSR2, for which headroom has a handler in the node from its start on. A VM without such a handler would die
/// of it: so the kernel is asked first whether this one catches the signal, and if not, nothing is sent.
/// Exit status: 0 if the signal was sent, 3 if it was not.
#[derive(Args)]
pub struct Wake {
    /// Number of the OS process, or name of the node
    #[arg(value_name = "PID|NODE")]
    pid: String,
}

impl Wake {
    pub fn run(self) -> ExitCode {
        let sent = outside::select(&self.pid)
            .map_err(|why| why.to_string())
            .and_then(|node| wake(&node));
        match sent {
            Err(why) => failed(&why),
            Ok(()) => say("the node writes to its log and gives back its reserve\n", 0),
        }
    }
}

fn wake(node: &Node) -> Result<(), String> {
    outside::check_numbers()?;
    let pid = Pid::from_raw(node.pid).ok_or("no such process")?;
    let of = |error: Errno| format!("os pid {}: {error}", node.pid);
    // Held on to before it is looked at: when the node ends in between, another process may have its number.
    let held = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(held) => Some(held),
        // Before Linux 5.3.
        Err(Errno::NOSYS) => None,
        Err(error) => return Err(of(error)),
    };
    let node = outside::select(&node.pid.to_string()).map_err(|why| why.to_string())?;
    let path = format!("/proc/{}/status", node.pid);
    let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    if !catches(&status, Signal::USR2.as_raw()) {
        let why = "catches no SIGUSR2: headroom is not started in it, and the signal would end it; nothing was sent";
        return Err(format!("os pid {} {why}", node.pid));
    }
    match held {
        Some(held) => pidfd_send_signal(held, Signal::USR2),
        None => kill_process(pid, Signal::USR2),
    }
    .map_err(of)
}

/// Whether a process catches a signal, by its status in /proc: a mask of which the lowest bit is signal 1.
fn catches(status: &str, signal: i32) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A signal that nobody catches ends the node that it was to save.
    #[test]
    fn only_a_caught_signal_is_one() {
        assert!(catches("Name:\tbeam\nSigCgt:\t0000000000000800\n", 12));
        assert!(!catches("Name:\tbeam\nSigCgt:\t0000000000000400\n", 12));
        assert!(!catches("SigIgn:\t0000000000000800\nSigCgt:\t0\n", 12));
        assert!(!catches("", 12));
    }
}
