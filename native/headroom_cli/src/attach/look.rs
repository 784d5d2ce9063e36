//! What /proc says about a node before anything is tried: an attempt to get in needs room, and harms a node without it.

use std::fs;
use std::path::PathBuf;

use headroom_core::measure::Resources;
use headroom_facts::vocabulary::{Limit, Name};

use super::remote::Address;
use crate::outside::{self, Node, Unfound};

/// The connection takes one, its listener asks for more at once, and what is put there is written by one.
const FEWEST_FDS: u64 = 5;
/// The connection and its socket.
const FEWEST_PORTS: u64 = 2;
/// The two of the connection, and one for each call.
const FEWEST_PROCESSES: u64 = 8;

/// The port of epmd when the environment names no other.
const EPMD: u16 = 4369;

/// Where to go, and what is known of the node.
pub struct Target {
    pub address: Address,
    pub cookie: String,
    pub node: Option<Node>,
}

impl Target {
    /// The node by its number or name, if there is room to get in. `unseen` allows one that is not on this host.
    pub fn find(wanted: &str, cookie: Option<&str>, unseen: bool) -> Result<Target, String> {
        match outside::select(wanted) {
            Ok(node) => {
                check(&node)?;
                Ok(Target {
                    address: address(&node)?,
                    cookie: self::cookie(cookie, Some(&node))?,
                    node: Some(node),
                })
            }
            Err(Unfound::NoName(_)) if wanted.contains('@') && unseen => Ok(Target {
                address: Address {
                    node: wanted.into(),
                    host: wanted.split('@').nth(1).unwrap_or_default().into(),
                    port: None,
                    epmd: epmd(None),
                },
                cookie: self::cookie(cookie, None)?,
                node: None,
            }),
            Err(Unfound::NoName(_)) if wanted.contains('@') => Err(format!(
                "no node {wanted} is seen on this host, so nobody can look how many descriptors it has left, and at fewer than \
                 {FEWEST_FDS} the attempt itself harms it: run this on its host, or give --unseen"
            )),
            Err(why) => Err(why.to_string()),
        }
    }
}

/// Refuses where the attempt would harm, or cannot succeed.
fn check(node: &Node) -> Result<(), String> {
    let pid = node.pid;
    let name = node.shown_name();
    let facts = node.facts();
    let resources = Resources::new(&facts);
    for (resource, fewest) in [
        (Name::Fds, FEWEST_FDS),
        (Name::Ports, FEWEST_PORTS),
        (Name::Processes, FEWEST_PROCESSES),
    ] {
        let free = resources.of(resource).free;
        if free.is_below(fewest) {
            let free = free.finite().unwrap_or_default();
            return Err(format!(
                "{name} has {free} {} left, and an attempt to get in with fewer than {fewest} harms it (it can lose its log, and burns \
                 a processor). From outside:\n  headroom inspect {pid}\n  headroom release --pid {pid}    if it holds a reserve",
                resource.noun()
            ));
        }
        if resource == Name::Fds && free == Limit::Unknown {
            return Err(format!(
                "how many descriptors {name} has left cannot be seen: be its user, or root"
            ));
        }
    }
    if node.is_stopped() {
        return Err(format!("{name} is stopped by a signal or a debugger and answers nobody; `headroom inspect {pid}` does"));
    }
    if !same_network(pid) {
        return Err(format!(
            "{name} has a network of its own, so it cannot be reached from here; enter it:\n  nsenter --net --target {pid} headroom \
             attach {pid}"
        ));
    }
    if let Some(protocol) = node.command_line.value("-proto_dist") {
        if protocol.contains("tls") {
            return Err(format!(
                "{name} speaks TLS between nodes (-proto_dist {protocol}), which this command does not: use examples/attach.escript \
                 on a host with Erlang"
            ));
        }
    }
    match Libc::of(|file| node.maps(file)) {
        Some(theirs) if theirs != Libc::OURS => {
            let (theirs, ours) = (theirs.name(), Libc::OURS.name());
            Err(format!(
                "{name} runs on {theirs}, and the library in this command is for {ours}: use one that was built on {theirs}"
            ))
        }
        _ => Ok(()),
    }
}

/// The C library that a process runs on: one that was linked against the other cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Libc {
    Glibc,
    Musl,
}

impl Libc {
    const OURS: Libc = if cfg!(target_env = "musl") {
        Libc::Musl
    } else {
        Libc::Glibc
    };

    /// By the dynamic linker that is mapped into the process; `None` where none of the two is seen.
    fn of(maps: impl Fn(&str) -> bool) -> Option<Libc> {
        if maps("/ld-musl-") {
            Some(Libc::Musl)
        } else if maps("/ld-linux") || maps("/libc.so.6") || maps("/ld-2.") {
            Some(Libc::Glibc)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Libc::Glibc => "glibc",
            Libc::Musl => "musl",
        }
    }
}

fn same_network(pid: i32) -> bool {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    of(&pid.to_string())
        .zip(of("self"))
        .is_none_or(|(theirs, ours)| theirs == ours)
}

fn address(node: &Node) -> Result<Address, String> {
    let name = node.name.clone().ok_or_else(|| {
        format!(
            "process {} was started without -name or -sname, so no other node can reach it",
            node.pid
        )
    })?;
    let port = node
        .command_line
        .value("-erl_epmd_port")
        .and_then(|port| port.parse().ok());
    let host = name.split('@').nth(1).unwrap_or("localhost").to_string();
    let known = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), EPMD)).is_ok();
    Ok(Address {
        node: name,
        host: if known { host } else { "127.0.0.1".into() },
        port,
        epmd: epmd(Some(node)),
    })
}

/// As the node was started, where that shows, else as this command was.
fn epmd(node: Option<&Node>) -> u16 {
    let started = node.and_then(|node| node.variable("ERL_EPMD_PORT"));
    let port = started.or_else(|| std::env::var("ERL_EPMD_PORT").ok());
    port.and_then(|port| port.parse().ok()).unwrap_or(EPMD)
}

/// The cookie: as given, as the node was started with it, the node's own file, this user's file.
fn cookie(given: Option<&str>, node: Option<&Node>) -> Result<String, String> {
    let started = node.and_then(|node| node.command_line.value("-setcookie"));
    if let Some(cookie) = given.map(String::from).or(started) {
        return Ok(cookie);
    }
    let of_node = node.and_then(|node| {
        let home = node.command_line.value("-home")?;
        Some(PathBuf::from(format!(
            "/proc/{}/root{home}/.erlang.cookie",
            node.pid
        )))
    });
    let of_user = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".erlang.cookie"));
    let files: Vec<PathBuf> = [of_node, of_user].into_iter().flatten().collect();
    let read = files.iter().find_map(|file| fs::read_to_string(file).ok());
    read.map(|cookie| cookie.trim().into()).ok_or_else(|| {
        let files: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        format!(
            "no cookie: {} cannot be read; give it by --cookie, or be the node's user",
            files.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // A library for the other libc is not loaded, and its sentence of the linker says nothing to a person. Files as Alpine's,
    // Debian's on two processors and an old glibc's process have them mapped.
    #[test]
    fn the_libc_by_what_is_mapped() {
        let cases = [
            ("/lib/ld-musl-x86_64.so.1", Some(Libc::Musl)),
            ("/lib/ld-musl-aarch64.so.1", Some(Libc::Musl)),
            (
                "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                Some(Libc::Glibc),
            ),
            ("/lib/ld-linux-aarch64.so.1", Some(Libc::Glibc)),
            ("/lib/x86_64-linux-gnu/ld-2.31.so", Some(Libc::Glibc)),
            ("/lib64/libc.so.6", Some(Libc::Glibc)),
            ("/usr/lib/erlang/erts-13.1.5/bin/beam.smp", None),
        ];
        for (mapped, expected) in cases {
            assert_eq!(Libc::of(|file| mapped.contains(file)), expected, "{mapped}");
        }
    }
}
