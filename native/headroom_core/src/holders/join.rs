//! Which claim belongs to which descriptor, and what of the rest is the VM's own.

use std::collections::{HashMap, HashSet};

use headroom_facts::inventory::{Descriptor, Kind};
use headroom_facts::owners::Owners;

/// Whose a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// That of one port or socket: the index of its claim.
    Claimed(usize),
    /// That of a program's port: the index of its owner.
    Program(u32),
    /// More than one port or socket says so.
    Shared,
    /// headroom's.
    Own,
    /// The emulator's, since it runs.
    Vm,
    /// Nobody's, as far as the VM knows.
    Nobody,
}

/// The claims by descriptor, and what else decides whose one is.
pub(super) struct Join {
    /// Index of the claim by descriptor; [`SHARED`] where there are more.
    claims: HashMap<u32, usize>,
    pipes: HashMap<u64, u32>,
    /// Pipes of which both ends are here: something wakes itself up with them.
    whole_pipes: HashSet<u64>,
    /// The socket to the helper that starts programs: the last that the emulator opens of its own.
    helper: Option<u32>,
}

const SHARED: usize = usize::MAX;

impl Join {
    pub(super) fn new(descriptors: &[Descriptor], owners: &Owners) -> Join {
        let mut claims = HashMap::with_capacity(owners.claims.len());
        for (index, claim) in owners.claims.iter().enumerate() {
            claims
                .entry(claim.fd)
                .and_modify(|found| *found = SHARED)
                .or_insert(index);
        }
        let programs = owners.programs.iter();
        let pipes =
            programs.flat_map(|program| program.pipes.iter().map(|&pipe| (pipe, program.owner)));
        let mut ends = HashSet::new();
        let inodes = descriptors.iter().filter_map(|descriptor| descriptor.inode);
        let whole_pipes = inodes.filter(|&inode| !ends.insert(inode)).collect();
        let unclaimed = |descriptor: &&Descriptor| !claims.contains_key(&descriptor.fd);
        let pairs = descriptors.iter().filter(unclaimed);
        let mut pairs =
            pairs.filter(|descriptor| descriptor.socket.is_some_and(|socket| socket.own_pair));
        let helper = pairs.next().map(|descriptor| descriptor.fd);
        Join {
            claims,
            pipes: pipes.collect(),
            whole_pipes,
            helper,
        }
    }

    pub(super) fn holder(&self, descriptor: &Descriptor) -> Holder {
        match self.claims.get(&descriptor.fd) {
            Some(&SHARED) => return Holder::Shared,
            Some(&index) => return Holder::Claimed(index),
            None if descriptor.own => return Holder::Own,
            None => {}
        }
        let program = descriptor.inode.and_then(|inode| self.pipes.get(&inode));
        match program {
            Some(&owner) => Holder::Program(owner),
            None if self.is_of_the_vm(descriptor) => Holder::Vm,
            None => Holder::Nobody,
        }
    }

    fn is_of_the_vm(&self, descriptor: &Descriptor) -> bool {
        const STANDARD: u32 = 3;
        let fd = descriptor.fd;
        let at_boot = self.helper.is_some_and(|helper| fd < helper);
        match descriptor.kind {
            Kind::Epoll | Kind::Eventfd | Kind::Timerfd => true,
            Kind::Pipe => {
                fd < STANDARD
                    || at_boot
                    || descriptor
                        .inode
                        .is_some_and(|inode| self.whole_pipes.contains(&inode))
            }
            _ if fd < STANDARD => true,
            _ if descriptor.socket.is_some() => self.helper == Some(fd),
            _ => at_boot,
        }
    }

    /// More than one port or socket claims it.
    pub(super) fn is_shared(&self, fd: u32) -> bool {
        self.claims.get(&fd) == Some(&SHARED)
    }
}
