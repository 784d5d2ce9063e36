//! All descriptors, by who holds them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use headroom_facts::inventory::{Descriptor, Kind, TcpState};
use headroom_facts::owners::{Owner, Owners};
use headroom_facts::unreadable::{Reason, Word};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::doubt::{Again, Second};
use super::group::{ByKind, Group, Sum};
use super::join::{Holder, Join};
use super::listener::{Drops, Listener};
use super::name;
use super::place::{self, Place, Places};

/// What was seen.
#[derive(Clone, Debug)]
pub struct Sight<'a> {
    /// By the kernel.
    pub descriptors: &'a [Descriptor],
    /// Whether that was all of them.
    pub complete: bool,
    /// By the VM; none where only the kernel could be asked.
    pub owners: Option<&'a Owners>,
    /// At further looks at what was in doubt.
    pub again: &'a [Again],
    /// By the machine's counters of dropped connections.
    pub drops: Result<(u64, u64), Reason>,
}

impl Sight<'_> {
    /// What the kernel alone says of descriptors, whoever's they are.
    pub fn of_the_kernel(descriptors: &[Descriptor]) -> Sight<'_> {
        Sight {
            descriptors,
            complete: true,
            owners: None,
            again: &[],
            drops: Err(Word::NotAsked.into()),
        }
    }
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Options {
    /// How many groups.
    pub top: usize,
    /// From how many milliseconds without data on a connection counts as idle.
    pub idle_ms: u32,
    /// Only groups of this name.
    pub group: Option<String>,
    /// Only descriptors of this kind.
    pub kind: Option<Kind>,
    /// How many descriptors of each group.
    pub sample: usize,
    /// Whether addresses are told.
    pub addresses: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            top: 20,
            idle_ms: 900_000,
            group: None,
            kind: None,
            sample: 3,
            addresses: true,
        }
    }
}

/// All descriptors, by who holds them. `total` is the sum of holders, others, orphans, unclaimed and moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inventory {
    /// How many there are.
    pub total: u64,
    /// The same by kind.
    pub by_kind: ByKind,
    /// TCP sockets by state.
    pub tcp_states: States,
    /// The groups, the worst first.
    pub holders: Vec<Group>,
    /// The groups that are not told.
    pub others: Others,
    /// Sockets that the VM does not know of.
    pub orphans: Vec<Orphan>,
    /// Ports that are no good any more.
    pub zombies: Vec<Zombie>,
    /// The sockets that listen, the full ones first.
    pub listeners: Vec<Listener>,
    /// What the machine says of all listeners.
    pub dropped: Drops,
    /// What nobody claims and is no socket, by kind.
    pub unclaimed: ByKind,
    /// Descriptors that were opened or closed during the look.
    pub moved: u64,
    /// Whether all descriptors were seen and all owners asked.
    pub complete: bool,
}

/// What is not told one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Others {
    /// How many groups.
    pub groups: u64,
    /// How many descriptors they have.
    pub count: u64,
}

/// A socket that no port and no socket of the VM has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Orphan {
    /// Its number.
    pub fd: u32,
    /// What it is.
    pub kind: Kind,
    /// The state of a TCP connection.
    pub state: Option<TcpState>,
    /// The address on this side.
    pub local: Option<String>,
    /// The address on the other side.
    pub remote: Option<String>,
}

atoms! {
    /// What is wrong with a port.
    pub enum ZombieWhy {
        /// Its owner is gone, and bytes wait that nobody takes.
        OwnerGone = "owner_gone",
        /// Its descriptor was closed behind its back.
        FdClosed = "fd_closed",
        /// Another port has the same descriptor: it was closed behind the back of one of them, and given out anew.
        FdShared = "fd_shared",
    }
}

/// A port that is no good any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Zombie {
    /// The descriptor that it says it has.
    pub fd: u32,
    /// What is wrong.
    pub why: ZombieWhy,
    /// Bytes that wait to be sent.
    pub unsent: u64,
    /// Index of its claim.
    pub claim: usize,
}

/// TCP sockets by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States([u64; TcpState::ALL.len()]);

impl States {
    /// How many are in a state.
    pub fn of(&self, state: TcpState) -> u64 {
        self.0[state as usize]
    }
}

impl Serialize for States {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (state, count) in TcpState::ALL.iter().zip(self.0) {
            if count > 0 {
                map.serialize_entry(state, &count)?;
            }
        }
        map.end()
    }
}

const VM: &str = "the VM itself";
const OWN: &str = "headroom";
const SHARED: &str = "claimed twice";
/// In this order files are taken that processes are known to have by number only.
const FILES: [Kind; 6] = [
    Kind::File,
    Kind::DeletedFile,
    Kind::Device,
    Kind::Directory,
    Kind::Fifo,
    Kind::Memfd,
];

type Key = (String, Option<String>, Place);

/// Who holds the descriptors.
pub fn inventory(sight: &Sight, options: &Options) -> Inventory {
    let nobody_asked = Owners::default();
    let owners = sight.owners.unwrap_or(&nobody_asked);
    let names: Vec<_> = owners.owners.iter().map(named).collect();
    let join = Join::new(sight.descriptors, owners);
    let second = Second::new(sight.again);
    let places = Places::new(sight.descriptors);
    let mut sums: HashMap<(Who, Place), Sum> = HashMap::new();
    let mut all = Inventory {
        total: sight.descriptors.len() as u64,
        by_kind: ByKind::default(),
        tcp_states: States::default(),
        holders: Vec::new(),
        others: Others::default(),
        orphans: Vec::new(),
        zombies: Vec::new(),
        listeners: Vec::new(),
        dropped: Drops(sight.drops),
        unclaimed: ByKind::default(),
        moved: 0,
        complete: sight.complete && (owners.complete || sight.owners.is_none()),
    };
    for (index, descriptor) in sight.descriptors.iter().enumerate() {
        all.by_kind.add(descriptor.kind, 1);
        let socket = descriptor.socket.unwrap_or_default();
        let state = match (socket.tcp, socket.listen) {
            (Some(tcp), _) => Some(tcp.state),
            (None, Some(_)) => Some(TcpState::Listen),
            (None, None) => None,
        };
        if let Some(state) = state {
            all.tcp_states.0[state as usize] += 1;
        }
        let holder = join.holder(descriptor);
        let claim = match holder {
            Holder::Claimed(claim) => Some(claim),
            _ => None,
        };
        let owner = claim.map(|claim| owners.claims[claim].owner);
        if let Some(listen) = socket.listen {
            all.listeners.push(Listener {
                address: socket
                    .local
                    .map_or_else(String::new, |local| place::text(local, options.addresses)),
                queue: listen.queue,
                backlog: listen.backlog,
                full: listen.queue > 0 && listen.queue >= listen.backlog,
                dropped: listen.dropped.into(),
                owner: owner
                    .and_then(|owner| names.get(owner as usize))
                    .map(|(name, _)| name.clone()),
                fd: descriptor.fd,
                claim,
            });
        }
        let who = match holder {
            _ if sight.owners.is_none() => Who::Unseen(descriptor.kind),
            Holder::Claimed(claim) if second.is_same(descriptor) => {
                Who::Owner(owners.claims[claim].owner)
            }
            Holder::Claimed(_) => {
                all.moved += 1;
                continue;
            }
            Holder::Program(owner) => Who::Owner(owner),
            Holder::Shared => Who::Shared,
            Holder::Own => Who::Own,
            Holder::Vm => Who::Vm,
            Holder::Nobody if descriptor.socket.is_none() => {
                all.unclaimed.add(descriptor.kind, 1);
                continue;
            }
            Holder::Nobody if second.is_orphan(descriptor) => {
                let shown = |address| place::text(address, true);
                let shown = |address: Option<_>| address.filter(|_| options.addresses).map(shown);
                all.orphans.push(Orphan {
                    fd: descriptor.fd,
                    kind: descriptor.kind,
                    state,
                    local: shown(socket.local),
                    remote: shown(socket.peer),
                });
                continue;
            }
            Holder::Nobody => {
                all.moved += 1;
                continue;
            }
        };
        let sum = sums.entry((who, places.of(descriptor))).or_default();
        sum.add(index, descriptor, claim, options);
        if let Some(claim) = claim {
            let queued = owners.claims[claim].queued;
            sum.add_queued(queued);
            let unsent = queued + socket.tcp.map_or(0, |tcp| u64::from(tcp.unsent));
            let gone =
                owner.and_then(|owner| owners.owners.get(owner as usize)) == Some(&Owner::Gone);
            if gone && unsent > 0 && second.stands(claim) {
                sum.add_gone(unsent);
                all.zombies.push(Zombie {
                    fd: descriptor.fd,
                    why: ZombieWhy::OwnerGone,
                    unsent,
                    claim,
                });
            }
        }
    }
    broken_claims(sight, owners, &join, &second, &mut all);
    files(owners, &mut all.unclaimed, &mut sums);
    all.listeners.sort_by(|one, other| {
        let key = |listener: &Listener| {
            (
                !listener.full,
                std::cmp::Reverse(listener.queue),
                listener.fd,
            )
        };
        key(one).cmp(&key(other))
    });
    let keyed = by_name(sums, &names);
    tell(keyed, sight, options, &mut all);
    all
}

fn named(owner: &Owner) -> (String, Option<String>) {
    (name::of(owner), name::application(owner))
}

/// Whose descriptors are summed up together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Owner(u32),
    Shared,
    Own,
    Vm,
    Unseen(Kind),
}

/// Ports whose descriptor is not theirs any more, told when they still say so at the further look.
fn broken_claims(
    sight: &Sight,
    owners: &Owners,
    join: &Join,
    second: &Second,
    all: &mut Inventory,
) {
    let open: HashSet<u32> = sight.descriptors.iter().map(|one| one.fd).collect();
    for (claim, claimed) in owners.claims.iter().enumerate() {
        let fd = claimed.fd;
        let why = if join.is_shared(fd) {
            ZombieWhy::FdShared
        } else if !open.contains(&fd) && second.is_closed(fd) {
            ZombieWhy::FdClosed
        } else {
            continue;
        };
        if second.stands(claim) {
            all.zombies.push(Zombie {
                fd,
                why,
                unsent: claimed.queued,
                claim,
            });
        }
    }
}

/// Files are known by their number only: as many as a process has are taken from those that nobody claims.
fn files(owners: &Owners, unclaimed: &mut ByKind, sums: &mut HashMap<(Who, Place), Sum>) {
    for files in &owners.files {
        let mut left = files.count;
        for kind in FILES {
            let taken = unclaimed.take(kind, left);
            left -= taken;
            if taken > 0 {
                let sum = sums
                    .entry((Who::Owner(files.owner), Place::Nowhere))
                    .or_default();
                sum.add_counted(kind, taken);
            }
        }
    }
}

/// Different owners can have the same name.
fn by_name(
    sums: HashMap<(Who, Place), Sum>,
    names: &[(String, Option<String>)],
) -> Vec<(Key, Sum)> {
    let mut keyed: HashMap<Key, Sum> = HashMap::new();
    for ((who, place), mut sum) in sums {
        let (name, application) = match who {
            Who::Owner(owner) => names.get(owner as usize).cloned().unwrap_or_default(),
            Who::Shared => (SHARED.into(), None),
            Who::Own => (OWN.into(), Some(OWN.into())),
            Who::Vm => (VM.into(), None),
            Who::Unseen(kind) => (kind.as_str().into(), None),
        };
        sum.last = matches!(who, Who::Own | Who::Vm);
        match keyed.entry((name, application, place)) {
            Entry::Vacant(entry) => {
                entry.insert(sum);
            }
            Entry::Occupied(mut entry) => entry.get_mut().join(sum),
        }
    }
    keyed.into_iter().collect()
}

fn tell(keyed: Vec<(Key, Sum)>, sight: &Sight, options: &Options, all: &mut Inventory) {
    let asked = |(name, _, _): &Key, sum: &Sum| {
        options.group.as_ref().is_none_or(|group| group == name)
            && options.kind.is_none_or(|kind| sum.has(kind))
    };
    let (mut keyed, left): (Vec<_>, Vec<_>) =
        keyed.into_iter().partition(|(key, sum)| asked(key, sum));
    keyed.sort_by(|(one_key, one), (key, other)| {
        other
            .blame()
            .cmp(&one.blame())
            .then_with(|| one_key.cmp(key))
    });
    let mut told = keyed.into_iter();
    for (key, sum) in told.by_ref().take(options.top) {
        all.holders
            .push(sum.into_group(key, sight.descriptors, sight.owners, options));
    }
    for (_, sum) in told.chain(left) {
        all.others.groups += 1;
        all.others.count += sum.count();
    }
}
