//! `headroom release`: gives a node's reserve of descriptors back from outside, where no shell gets in.

use std::process::ExitCode;

use clap::Args;
use headroom_core::nofile::raise::{raise, Bounds, Refusal};
use headroom_core::number;
use headroom_facts::vocabulary::{Known, Limit};
use headroom_facts::wanted::Wanted;
use rustix::process::{prlimit, Pid, Resource, Rlimit};
use serde::Serialize;

use crate::outside::{self, Node};
use crate::say::{failed, say};

/// Give back the descriptors that a node's headroom holds in reserve, from outside
///
/// It raises the node's soft limit of descriptors to what the VM watches since it started, and never above, nor above the
/// hard limit: what is there besides would be deaf sockets. It works on a node that is full, frozen or unreachable. Room goes
/// to whoever asks next: start the remote shell first, so that it waits. Idle ports that are held in reserve stay held.
/// It needs the node's user, or root with CAP_SYS_RESOURCE.
/// Exit status: 0 if room was given back, 1 if there is none to give, 3 if it may not or cannot be done.
#[derive(Args)]
pub struct Release {
    /// Number of the OS process, or name of the node
    #[arg(long, value_name = "PID|NODE")]
    pid: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What an answer without room is.
const NOTHING: u8 = 1;

/// What was done.
#[derive(Serialize)]
struct Outcome {
    os_pid: i32,
    node: String,
    before: Limit,
    now: Limit,
    max_fds: Limit,
    hard: Limit,
    gave: u64,
    #[serde(skip)]
    words: String,
}

impl Release {
    pub fn run(self) -> ExitCode {
        let outcome = outside::select(&self.pid)
            .map_err(|why| why.to_string())
            .and_then(|node| release(&node));
        match outcome {
            Err(why) => failed(&why),
            Ok(outcome) => {
                let text = if self.json {
                    serde_json::to_string(&outcome).unwrap_or_default()
                } else {
                    outcome.words
                };
                say(&(text + "\n"), if outcome.gave > 0 { 0 } else { NOTHING })
            }
        }
    }
}

fn release(node: &Node) -> Result<Outcome, String> {
    let facts = node.facts();
    let nofile = &facts.nofile;
    let bounds = Bounds {
        soft: nofile.soft,
        hard: nofile.hard,
        nr_open: nofile.nr_open,
        max_fds: nofile.max_fds,
        reserved: 0,
    };
    let name = format!("{} (os pid {})", facts.node, node.pid);
    let before = match nofile.soft {
        Limit::Unknown => return Err(format!("{name}: its limits cannot be read")),
        soft => soft,
    };
    let target = match raise(Wanted::Max, &bounds) {
        Err(Refusal::Unknown(_)) => {
            return Err(format!(
                "{name}: what the VM watches is not known, as no erl_child_setup is seen beside it; above that number a socket is \
                 deaf, so nothing is raised"
            ))
        }
        Ok(Some(target)) => Some(target),
        Ok(None) | Err(_) => None,
    };
    if let Some(target) = target {
        set_soft(node.pid, target).map_err(|why| format!("{name}: {why}"))?;
    }
    let now = node.soft().unwrap_or(Limit::Unknown);
    let gave = match (before, now) {
        (Limit::Finite(before), Limit::Finite(now)) => now.saturating_sub(before),
        _ => 0,
    };
    let (soft, max_fds, hard) = (
        number::limit(now),
        number::limit(nofile.max_fds),
        number::limit(nofile.hard),
    );
    let words = if gave > 0 {
        let open = match facts.fds.open {
            Known::Is(open) => format!("; {} were open just before", number::plain(open)),
            Known::Unknown => String::new(),
        };
        format!(
            "{name}: gave back {}: the soft limit went from {} to {soft}, and the VM watches {max_fds}{open}",
            number::plain(gave),
            number::limit(before)
        )
    } else if bounds
        .max_fds
        .finite()
        .is_some_and(|max_fds| now.is_above(max_fds))
    {
        format!(
            "{name}: nothing to give back: the soft limit {soft} is above the {max_fds} that the VM watches, so new sockets may be \
             deaf; in the node, headroom:clamp_nofile() brings it down"
        )
    } else {
        format!(
            "{name}: nothing to give back: the soft limit is {soft}, the VM watches {max_fds} until it is started again, and the \
             hard limit is {hard}"
        )
    };
    Ok(Outcome {
        os_pid: node.pid,
        node: facts.node,
        before,
        now,
        max_fds: nofile.max_fds,
        hard: nofile.hard,
        gave,
        words,
    })
}

/// The hard limit stays as it is at this moment.
fn set_soft(pid: i32, soft: u64) -> Result<(), String> {
    outside::check_numbers()?;
    let refused = |error: rustix::io::Errno| {
        match error {
        rustix::io::Errno::PERM | rustix::io::Errno::ACCESS => {
            "the kernel does not let this user change its limits: be its user, or root with CAP_SYS_RESOURCE".to_string()
        }
        other => format!("the kernel refused: {other}"),
    }
    };
    let process = Pid::from_raw(pid).ok_or("no such process")?;
    let node = outside::select(&pid.to_string()).map_err(|why| why.to_string())?;
    let maximum = match node.hard() {
        Some(Limit::Finite(hard)) => Some(hard),
        Some(Limit::Infinity) => None,
        _ => return Err("its limits cannot be read".into()),
    };
    let current = Some(soft);
    prlimit(Some(process), Resource::Nofile, Rlimit { current, maximum }).map_err(refused)?;
    Ok(())
}
