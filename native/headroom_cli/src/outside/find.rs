//! Which processes are nodes, and which of them is meant.

use std::fmt;
use std::fs;
use std::sync::OnceLock;

use procfs::process::{all_processes, Process};

use super::Node;

/// Why no node can be shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfound {
    /// There is no process of that number, or it cannot be seen.
    NoProcess(i32),
    /// The process runs something else.
    NoNode(i32),
    /// The process has ended, and its parent has not asked how.
    Ended(i32),
    /// No node of that name is seen.
    NoName(String),
    /// Several nodes have that name.
    Several(String, Vec<i32>),
    /// There is no /proc to look into.
    NoProc(String),
}

impl fmt::Display for Unfound {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Unfound::NoProcess(pid) => write!(f, "no process {pid} is seen on this host"),
            Unfound::NoNode(pid) => write!(f, "process {pid} is no BEAM node"),
            Unfound::Ended(pid) => write!(
                f,
                "process {pid} has ended: it is a zombie, of which nothing is left but its number"
            ),
            Unfound::NoName(name) => write!(
                f,
                "no node named {name} is seen on this host; `headroom ps` lists those that are"
            ),
            Unfound::Several(name, pids) => {
                let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
                write!(
                    f,
                    "several nodes are named {name}: give the number of one of {}",
                    pids.join(", ")
                )
            }
            Unfound::NoProc(why) => write!(f, "/proc cannot be read: {why}"),
        }
    }
}

/// Whether a number in /proc is that of the same process for the kernel. In a namespace of processes without a /proc of its
/// own it is somebody else's: who is asked, signalled or given a limit by such a number is not who was meant.
pub fn numbers_are_ours() -> bool {
    static OURS: OnceLock<bool> = OnceLock::new();
    *OURS.get_or_init(|| {
        let own = fs::read_link("/proc/self");
        own.is_ok_and(|own| own.as_os_str() == std::process::id().to_string().as_str())
    })
}

/// The same for what acts by a number.
///
/// # Errors
/// They are not: a sentence that says so.
pub fn check_numbers() -> Result<(), String> {
    if numbers_are_ours() {
        return Ok(());
    }
    Err("the numbers in this /proc are those of another pid namespace, where this command cannot act: run it where /proc is mounted \
         for its own processes (nsenter --pid --mount --target PID)"
        .into())
}

/// All nodes that this process sees, in the order of their numbers.
///
/// # Errors
/// There is no /proc to look into.
pub fn nodes() -> Result<Vec<Node>, Unfound> {
    let processes = all_processes().map_err(|error| Unfound::NoProc(error.to_string()))?;
    let mut nodes: Vec<Node> = processes.flatten().filter_map(Node::of).collect();
    nodes.sort_by_key(|node| node.pid);
    Ok(nodes)
}

/// The node that is named by its number or its name; a name without a host fits a node on any.
///
/// # Errors
/// See [`Unfound`].
pub fn select(wanted: &str) -> Result<Node, Unfound> {
    if let Ok(pid) = wanted.parse() {
        let process = Process::new(pid).map_err(|_| Unfound::NoProcess(pid))?;
        let ended = process
            .stat()
            .is_ok_and(|stat| matches!(stat.state, 'Z' | 'X'));
        return Node::of(process).ok_or(if ended {
            Unfound::Ended(pid)
        } else {
            Unfound::NoNode(pid)
        });
    }
    let mut found: Vec<Node> = nodes()?
        .into_iter()
        .filter(|node| {
            node.name
                .as_deref()
                .is_some_and(|name| is_meant(wanted, name))
        })
        .collect();
    match found.len() {
        0 => Err(Unfound::NoName(wanted.into())),
        1 => Ok(found.remove(0)),
        _ => {
            let pids = found.iter().map(|node| node.pid).collect();
            Err(Unfound::Several(wanted.into(), pids))
        }
    }
}

fn is_meant(wanted: &str, name: &str) -> bool {
    let short = |name: &str| name.split('@').next().map(String::from);
    wanted == name || !wanted.contains('@') && Some(wanted.into()) == short(name)
}

/// Whether the name of this host is also that of the process.
pub(super) fn same_host_name(process: &Process) -> bool {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/uts")).ok();
    match (of(&process.pid().to_string()), of("self")) {
        (Some(theirs), Some(ours)) => theirs == ours,
        // Not to be read: most often another user's process, on the same host.
        _ => true,
    }
}

pub(super) fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim_end().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    // A name that fits the wrong node would have the operator act on it.
    #[test]
    fn a_name_fits_whole_or_without_its_host() {
        assert!(is_meant("shop@a", "shop@a"));
        assert!(is_meant("shop", "shop@a"));
        assert!(!is_meant("shop@b", "shop@a"));
        assert!(!is_meant("sho", "shop@a"));
    }

    #[test]
    fn what_is_no_node_is_refused_with_its_reason() {
        let own = std::process::id() as i32;
        assert_eq!(select(&own.to_string()).err(), Some(Unfound::NoNode(own)));
        let none = i32::MAX;
        assert_eq!(
            select(&none.to_string()).err(),
            Some(Unfound::NoProcess(none))
        );
    }
}
