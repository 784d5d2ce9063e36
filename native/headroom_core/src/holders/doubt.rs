//! What has to be looked at again before anybody is blamed, and what the further looks say.
//!
//! The kernel and the VM are asked one after the other, so a socket that was opened or closed in between looks like one
//! without an owner. An accusation holds when the same socket (the kernel's cookie says so) was there before and after
//! the VM was asked again, and still nothing claims it.

use std::collections::{HashMap, HashSet};

use headroom_facts::inventory::{Descriptor, Identity};
use headroom_facts::owners::{Owner, Owners};
use serde::Serialize;

use super::join::{Holder, Join};

/// What has to be looked at, and asked, again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Doubts {
    /// Descriptors of which something odd is to be told, if they are still the same sockets.
    pub claimed: Vec<u32>,
    /// Descriptors that nothing claims, and those that are claimed and not there.
    pub unclaimed: Vec<u32>,
    /// Indices of claims.
    pub claims: Vec<u32>,
}

/// One more look: at the descriptors in doubt, then at the claims, then at those descriptors that nothing claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Again {
    /// The descriptors before.
    pub before: Vec<Identity>,
    /// Indices of the claims in doubt that still stand, the same descriptor claimed and the owner as it was.
    pub standing: Vec<u32>,
    /// Descriptors that something new claims.
    pub claimed: Vec<u32>,
    /// The descriptors after.
    pub after: Vec<Identity>,
}

/// What is in doubt after the further looks that were made so far.
pub fn doubts(descriptors: &[Descriptor], owners: &Owners, again: &[Again]) -> Doubts {
    let join = Join::new(descriptors, owners);
    if !again.is_empty() {
        let second = Second::new(again);
        let accused = descriptors.iter().filter(|descriptor| {
            join.holder(descriptor) == Holder::Nobody && second.is_orphan(descriptor)
        });
        return Doubts {
            unclaimed: accused.map(|descriptor| descriptor.fd).collect(),
            ..Doubts::default()
        };
    }
    let mut doubts = Doubts::default();
    for descriptor in descriptors {
        let Some(socket) = descriptor.socket else {
            continue;
        };
        match join.holder(descriptor) {
            Holder::Nobody => doubts.unclaimed.push(descriptor.fd),
            Holder::Claimed(_) if socket.tcp.is_some() && socket.cookie.is_some() => {
                doubts.claimed.push(descriptor.fd);
            }
            _ => {}
        }
    }
    let open: HashSet<u32> = descriptors.iter().map(|descriptor| descriptor.fd).collect();
    for (index, claim) in owners.claims.iter().enumerate() {
        let closed = !open.contains(&claim.fd);
        let gone = owners.owners.get(claim.owner as usize) == Some(&Owner::Gone);
        if closed || gone || join.is_shared(claim.fd) {
            doubts.claims.push(index as u32);
        }
        if closed {
            doubts.unclaimed.push(claim.fd);
        }
    }
    doubts
}

/// What the further looks say.
pub(super) struct Second {
    looks: Vec<Look>,
}

struct Look {
    before: HashMap<u32, Option<u64>>,
    after: HashMap<u32, Option<u64>>,
    standing: HashSet<u32>,
    claimed: HashSet<u32>,
}

fn by_fd(identities: &[Identity]) -> HashMap<u32, Option<u64>> {
    let pairs = identities
        .iter()
        .map(|identity| (identity.fd, identity.cookie));
    pairs.collect()
}

impl Second {
    pub(super) fn new(again: &[Again]) -> Second {
        let looks = again.iter().map(|again| Look {
            before: by_fd(&again.before),
            after: by_fd(&again.after),
            standing: again.standing.iter().copied().collect(),
            claimed: again.claimed.iter().copied().collect(),
        });
        Second {
            looks: looks.collect(),
        }
    }

    /// The same socket before and after each further look, and nothing ever claimed it.
    pub(super) fn is_orphan(&self, descriptor: &Descriptor) -> bool {
        let fd = descriptor.fd;
        let cookies = self
            .looks
            .iter()
            .flat_map(|look| [&look.before, &look.after]);
        let mut cookies = cookies.map(|looked| looked.get(&fd).copied().flatten());
        let Some(Some(first)) = cookies.next() else {
            return false;
        };
        let seen = descriptor.socket.and_then(|socket| socket.cookie);
        seen.is_none_or(|seen| seen == first)
            && cookies.all(|cookie| cookie == Some(first))
            && self.looks.iter().all(|look| !look.claimed.contains(&fd))
    }

    /// What was seen of a claimed descriptor is true of the socket that was there when it was claimed.
    pub(super) fn is_same(&self, descriptor: &Descriptor) -> bool {
        let connection = descriptor.socket.filter(|socket| socket.tcp.is_some());
        let seen = connection.and_then(|socket| socket.cookie);
        match (self.looks.first(), seen) {
            (Some(look), Some(_)) => look.before.get(&descriptor.fd) == Some(&seen),
            _ => true,
        }
    }

    /// A claim in doubt that still stands.
    pub(super) fn stands(&self, claim: usize) -> bool {
        let look = self.looks.first();
        look.is_some_and(|look| look.standing.contains(&(claim as u32)))
    }

    /// A descriptor that was not open at any further look, of which there was one.
    pub(super) fn is_closed(&self, fd: u32) -> bool {
        let mut looks = self.looks.iter();
        !self.looks.is_empty()
            && looks.all(|look| !look.before.contains_key(&fd) && !look.after.contains_key(&fd))
    }
}
