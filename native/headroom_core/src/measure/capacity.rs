//! How many more of each kind can be opened, and what stops the next one.

use serde::Serialize;

use super::{Binding, Resources};
use headroom_facts::otp::{PORT_PROGRAM_FDS, PORT_PROGRAM_KEEPS};
use headroom_facts::vocabulary::{Limit, Name};

atoms! {
    /// What a descriptor or port can be used for.
    pub enum Use {
        /// A socket of `gen_tcp`, `gen_udp` or `gen_sctp` with the inet backend: a descriptor and a port.
        GenTcp = "gen_tcp",
        /// A socket of the `socket` module: a descriptor that the VM can watch.
        Socket = "socket",
        /// A file: a descriptor.
        File = "file",
        /// A program started by `open_port`: a port, and descriptors.
        PortProgram = "port_program",
    }
}

/// How many more of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CapacityOf {
    /// How many more.
    pub free: Limit,
    /// What stops the next one.
    pub bound_by: Binding,
}

/// How many more of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Sockets with a port.
    pub gen_tcp: CapacityOf,
    /// Sockets without a port.
    pub socket: CapacityOf,
    /// Files.
    pub file: CapacityOf,
    /// Programs.
    pub port_program: CapacityOf,
}

impl Capacity {
    /// How many more of one kind.
    pub fn of(&self, kind: Use) -> CapacityOf {
        match kind {
            Use::GenTcp => self.gen_tcp,
            Use::Socket => self.socket,
            Use::File => self.file,
            Use::PortProgram => self.port_program,
        }
    }
}

/// The capacity that the resources leave. A plain file needs no event, so any slot that the kernel has will do.
pub fn of(resources: &Resources, kernel_slots: Limit) -> Capacity {
    let free = |name: Name| {
        let resource = resources.of(name);
        if resource.enforced {
            (name, resource.free)
        } else {
            (name, Limit::Infinity)
        }
    };
    let fds = free(Name::Fds);
    let ports = free(Name::Ports);
    let files = free(Name::KernelFiles);
    Capacity {
        gen_tcp: smallest(&[fds, ports, files]),
        socket: smallest(&[fds, files]),
        file: smallest(&[(Name::Fds, kernel_slots), files]),
        port_program: smallest(&[
            (fds.0, programs(fds.1)),
            ports,
            (files.0, programs(files.1)),
        ]),
    }
}

/// How many programs can be started one after the other with so many descriptors.
fn programs(free: Limit) -> Limit {
    match free {
        Limit::Finite(free) if free < PORT_PROGRAM_FDS => Limit::Finite(0),
        Limit::Finite(free) => Limit::Finite((free - PORT_PROGRAM_FDS) / PORT_PROGRAM_KEEPS + 1),
        other => other,
    }
}

/// The smallest is known when it is 0, or when all are known.
fn smallest(bounds: &[(Name, Limit)]) -> CapacityOf {
    let finite = bounds
        .iter()
        .filter_map(|(name, limit)| Some((limit.finite()?, *name)));
    let least = finite.min_by_key(|(free, _)| *free);
    let unknown = bounds.iter().any(|(_, limit)| *limit == Limit::Unknown);
    match least {
        Some((free, name)) if free == 0 || !unknown => CapacityOf {
            free: Limit::Finite(free),
            bound_by: Binding(Some(name)),
        },
        _ => CapacityOf {
            free: if unknown {
                Limit::Unknown
            } else {
                Limit::Infinity
            },
            bound_by: Binding(None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A program needs five descriptors to start and keeps two: with four left none starts, with seven two do.
    #[test]
    fn programs_need_more_to_start_than_they_keep() {
        let cases = [(0, 0), (4, 0), (5, 1), (6, 1), (7, 2), (38, 17)];
        for (free, expected) in cases {
            assert_eq!(
                programs(Limit::Finite(free)),
                Limit::Finite(expected),
                "{free}"
            );
        }
        assert_eq!(programs(Limit::Infinity), Limit::Infinity);
    }

    #[test]
    fn the_smallest_bound_counts_and_the_first_of_equals() {
        let (fds, ports) = (
            (Name::Fds, Limit::Finite(7)),
            (Name::Ports, Limit::Finite(7)),
        );
        assert_eq!(smallest(&[fds, ports]).bound_by.name(), Some(Name::Fds));
        let none = (Name::Fds, Limit::Infinity);
        assert_eq!(smallest(&[none, ports]).bound_by.name(), Some(Name::Ports));
        assert_eq!(smallest(&[none, none]).free, Limit::Infinity);
    }

    // With one bound unknown, only "none at all" is certain.
    #[test]
    fn an_unknown_bound_leaves_only_zero_certain() {
        let unknown = (Name::Fds, Limit::Unknown);
        let some = smallest(&[unknown, (Name::Ports, Limit::Finite(9))]);
        assert_eq!((some.free, some.bound_by.name()), (Limit::Unknown, None));
        let zero = smallest(&[unknown, (Name::Ports, Limit::Finite(0))]);
        assert_eq!(
            (zero.free, zero.bound_by.name()),
            (Limit::Finite(0), Some(Name::Ports))
        );
    }
}
