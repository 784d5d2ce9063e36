//! The distribution's listener: without a descriptor one connection that waits there keeps a core busy.

use super::harden::Attempts;
use super::{Hazard, Node};
use crate::finding::{Finding, Fix, Id, Key, Proof};
use headroom_facts::vocabulary::{Known, Name};

pub(super) const HAZARD: Hazard = Hazard {
    id: Id::DistListenerSpins,
    harden: false,
    everywhere: true,
    find,
    note,
};

fn find(node: &Node) -> Option<Finding> {
    (node.exposure.dist_listeners > 0).then(|| {
        let reserved = node.facts.reserved.fds > 0;
        let give_back =
            reserved.then(|| Fix::now("headroom:release().", "lets the connection in"));
        // An interface is never proposed: a wrong one cuts the node off its cluster.
        let reserve = Fix::permanent(
            "{headroom, [{reserve, 16}]}",
            "in sys.config: room that headroom:release() gives to it",
        );
        node.hazard(
            Id::DistListenerSpins,
            &[Name::Fds, Name::KernelFiles],
            "The distribution listens: without a free descriptor one connection that waits there keeps net_kernel busy on a whole core until a descriptor is free.".into(),
            vec![
                (Key::Listeners, Proof::Count(Known::Is(node.exposure.dist_listeners))),
                node.free(Key::FreeFds, Name::Fds),
            ],
            give_back.into_iter().chain([reserve]).collect(),
        )
    })
}

fn note(_: &Node, _: &Attempts, done: bool) -> String {
    if done {
        return "It no longer holds.".into();
    }
    "Nothing was done: who may connect is a setting of the node.".into()
}
