//! The limits of another process.

use std::fs;

use headroom_facts::vocabulary::Limit;
use procfs::process::{LimitValue, Process};

/// The program that every VM keeps beside it, to start others.
const CHILD_SETUP: &str = "erl_child_setup";

/// Soft and hard limit of descriptors.
pub fn nofile(process: &Process) -> Option<(Limit, Limit)> {
    let limit = process.limits().ok()?.max_open_files;
    Some((bound(limit.soft_limit), bound(limit.hard_limit)))
}

fn bound(value: LimitValue) -> Limit {
    match value {
        LimitValue::Unlimited => Limit::Infinity,
        LimitValue::Value(value) => Limit::Finite(value),
    }
}

/// The number of descriptors that the VM watches, fixed when it started: it tells its helper program, as its argument.
pub fn max_fds(process: &Process) -> Option<u64> {
    let children = process.tasks().ok()?.flatten().flat_map(|task| {
        let path = format!("/proc/{}/task/{}/children", task.pid, task.tid);
        fs::read_to_string(path)
            .unwrap_or_default()
            .split_whitespace()
            .map(String::from)
            .collect::<Vec<_>>()
    });
    let mut children: Vec<String> = children.collect();
    if children.is_empty() {
        children = by_parent(process.pid());
    }
    children.iter().find_map(|child| {
        let words = Process::new(child.parse().ok()?).ok()?.cmdline().ok()?;
        argument(&words)
    })
}

/// Where the kernel keeps no lists of children.
fn by_parent(pid: i32) -> Vec<String> {
    let Ok(all) = procfs::process::all_processes() else {
        return Vec::new();
    };
    let ours = |process: &Process| process.stat().is_ok_and(|stat| stat.ppid == pid);
    all.flatten()
        .filter(ours)
        .map(|process| process.pid().to_string())
        .collect()
}

fn argument(words: &[String]) -> Option<u64> {
    let [program, argument, ..] = words else {
        return None;
    };
    program
        .ends_with(CHILD_SETUP)
        .then(|| argument.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<u64> {
        argument(
            &words
                .iter()
                .map(|word| word.to_string())
                .collect::<Vec<_>>(),
        )
    }

    // A number taken from another child would be believed as the ceiling of `release`.
    #[test]
    fn the_helper_alone_is_asked() {
        assert_eq!(of(&["erl_child_setup", "1024"]), Some(1024));
        assert_eq!(
            of(&["/usr/lib/erlang/erts-17.1/bin/erl_child_setup", "256"]),
            Some(256)
        );
        assert_eq!(of(&["inet_gethost", "4"]), None);
        assert_eq!(of(&["erl_child_setup"]), None);
        assert_eq!(of(&["erl_child_setup", "many"]), None);
    }
}
