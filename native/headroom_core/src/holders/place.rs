//! Where a connection belongs: to the listener that it came in by, or to the remote side that it went out to.

use std::collections::HashMap;
use std::net::SocketAddr;

use headroom_facts::inventory::{Descriptor, Kind};

/// Where a connection belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// It came in by this listener, or by one that was closed since.
    Listener(SocketAddr),
    /// It went out to this address.
    Remote(SocketAddr),
    /// It is no connection.
    Nowhere,
}

pub(super) struct Places {
    listening: HashMap<u16, Vec<SocketAddr>>,
    /// How many connections have a local port, and how many are with a remote side. What came in by a listener that is
    /// closed shares the first; what goes out shares the second, and may share a local port with what goes elsewhere.
    connected: HashMap<u16, u32>,
    with: HashMap<SocketAddr, u32>,
}

fn local(descriptor: &Descriptor) -> Option<SocketAddr> {
    descriptor.socket?.local
}

impl Places {
    pub(super) fn new(descriptors: &[Descriptor]) -> Places {
        let mut listening: HashMap<u16, Vec<SocketAddr>> = HashMap::new();
        let (mut connected, mut with) = (HashMap::new(), HashMap::new());
        for descriptor in descriptors {
            if let Some(peer) = descriptor.socket.and_then(|socket| socket.peer) {
                *with.entry(peer).or_insert(0) += 1;
            }
            match (descriptor.kind, local(descriptor)) {
                (Kind::Listen, Some(local)) => {
                    listening.entry(local.port()).or_default().push(local)
                }
                (Kind::Tcp, Some(local)) => *connected.entry(local.port()).or_insert(0) += 1,
                _ => {}
            }
        }
        Places {
            listening,
            connected,
            with,
        }
    }

    pub(super) fn of(&self, descriptor: &Descriptor) -> Place {
        let Some(socket) = descriptor.socket else {
            return Place::Nowhere;
        };
        let connected = socket.tcp.is_some_and(|tcp| tcp.was_connected());
        let (true, Some(local)) = (connected, socket.local) else {
            return Place::Nowhere;
        };
        if let Some(listeners) = self.listening.get(&local.port()) {
            let exact = listeners
                .iter()
                .find(|listener| listener.ip() == local.ip());
            let any = listeners
                .iter()
                .find(|listener| listener.ip().is_unspecified());
            return Place::Listener(*exact.or(any).unwrap_or(&listeners[0]));
        }
        let here = self.connected.get(&local.port()).copied().unwrap_or(0);
        let there = |peer| self.with.get(peer).copied().unwrap_or(0);
        match socket.peer {
            Some(peer) if here <= 1 || there(&peer) >= here => Place::Remote(peer),
            None if here <= 1 => Place::Nowhere,
            _ => Place::Listener(local),
        }
    }
}

/// An address as text; without addresses, the port alone.
pub(super) fn text(address: SocketAddr, addresses: bool) -> String {
    if addresses {
        address.to_string()
    } else {
        format!("*:{}", address.port())
    }
}
