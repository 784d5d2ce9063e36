//! All descriptors, by who holds them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use headroom_facts::inventory::{Descriptor, Kind, TcpState};
use headroom_facts::owners::{Files, Owner, Owners};
use headroom_facts::unreadable::{Reason, Word};
use headroom_facts::vocabulary::Known;
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

impl Inventory {
    /// The same where sockets were seen by their links alone: for how long they are idle, how many may wait at a listener, and
    /// so whether it is full, is not known then.
    pub fn by_links(mut self) -> Inventory {
        for group in &mut self.holders {
            group.idle = Known::Unknown;
            for sample in &mut group.sample {
                sample.idle_ms = None;
            }
        }
        for listener in &mut self.listeners {
            listener.backlog = Known::Unknown;
            listener.full = Known::Unknown;
        }
        self
    }
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
    let mut count = Count::new(sight, owners, options);
    for (index, descriptor) in sight.descriptors.iter().enumerate() {
        count.add(index, descriptor);
    }
    count.add_broken_claims();
    count.add_files();
    count.told()
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

/// What becomes of a descriptor: each one is counted at one place.
enum Fate {
    HeldBy(Who),
    Unclaimed,
    Orphan,
    Moved,
}

/// An inventory that is made, descriptor by descriptor.
struct Count<'a> {
    sight: &'a Sight<'a>,
    owners: &'a Owners,
    options: &'a Options,
    names: Vec<(String, Option<String>)>,
    join: Join,
    second: Second,
    places: Places,
    sums: HashMap<(Who, Place), Sum>,
    all: Inventory,
}

impl<'a> Count<'a> {
    fn new(sight: &'a Sight, owners: &'a Owners, options: &'a Options) -> Count<'a> {
        Count {
            sight,
            owners,
            options,
            names: owners.owners.iter().map(named).collect(),
            join: Join::new(sight.descriptors, owners),
            second: Second::new(sight.again),
            places: Places::new(sight.descriptors),
            sums: HashMap::new(),
            all: Inventory {
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
            },
        }
    }

    fn add(&mut self, index: usize, descriptor: &Descriptor) {
        self.all.by_kind.add(descriptor.kind, 1);
        if let Some(state) = state(descriptor) {
            self.all.tcp_states.0[state as usize] += 1;
        }
        let holder = self.join.holder(descriptor);
        let claim = match holder {
            Holder::Claimed(claim) => Some(claim),
            _ => None,
        };
        if let Some(listener) = self.listener(descriptor, claim) {
            self.all.listeners.push(listener);
        }
        match self.fate(holder, descriptor) {
            Fate::HeldBy(who) => {
                let place = self.places.of(descriptor);
                let sum = self.sums.entry((who, place)).or_default();
                sum.add(index, descriptor, claim, self.options);
                if let Some(claim) = claim {
                    self.add_unsent(claim, descriptor, (who, place));
                }
            }
            Fate::Unclaimed => self.all.unclaimed.add(descriptor.kind, 1),
            Fate::Orphan => self.all.orphans.push(orphan(descriptor, self.options)),
            Fate::Moved => self.all.moved += 1,
        }
    }

    fn fate(&self, holder: Holder, descriptor: &Descriptor) -> Fate {
        match holder {
            _ if self.sight.owners.is_none() => Fate::HeldBy(Who::Unseen(descriptor.kind)),
            Holder::Claimed(claim) if self.second.is_same(descriptor) => {
                Fate::HeldBy(Who::Owner(self.owners.claims[claim].owner))
            }
            Holder::Claimed(_) => Fate::Moved,
            Holder::Program(owner) => Fate::HeldBy(Who::Owner(owner)),
            Holder::Shared => Fate::HeldBy(Who::Shared),
            Holder::Own => Fate::HeldBy(Who::Own),
            Holder::Vm => Fate::HeldBy(Who::Vm),
            Holder::Nobody if descriptor.socket.is_none() => Fate::Unclaimed,
            Holder::Nobody if self.second.is_orphan(descriptor) => Fate::Orphan,
            Holder::Nobody => Fate::Moved,
        }
    }

    fn listener(&self, descriptor: &Descriptor, claim: Option<usize>) -> Option<Listener> {
        let socket = descriptor.socket?;
        let listen = socket.listen?;
        let shown = |local| place::text(local, self.options.addresses);
        let owner = claim.map(|claim| self.owners.claims[claim].owner);
        let owner = owner.and_then(|owner| self.names.get(owner as usize));
        Some(Listener {
            address: socket.local.map_or_else(String::new, shown),
            queue: listen.queue,
            backlog: Known::Is(listen.backlog),
            full: Known::Is(listen.queue > 0 && listen.queue >= listen.backlog),
            dropped: listen.dropped.into(),
            owner: owner.map(|(name, _)| name.clone()),
            fd: descriptor.fd,
            claim,
        })
    }

    /// What the port itself still holds; if its owner is gone, nobody is left to close it.
    fn add_unsent(&mut self, claim: usize, descriptor: &Descriptor, key: (Who, Place)) {
        let claimed = self.owners.claims[claim];
        let sum = self.sums.entry(key).or_default();
        sum.add_queued(claimed.queued);
        let tcp = descriptor.socket.and_then(|socket| socket.tcp);
        let unsent = claimed
            .queued
            .saturating_add(tcp.map_or(0, |tcp| u64::from(tcp.unsent)));
        let gone = self.owners.owners.get(claimed.owner as usize) == Some(&Owner::Gone);
        if gone && unsent > 0 && self.second.stands(claim) {
            sum.add_gone(unsent);
            self.all.zombies.push(Zombie {
                fd: descriptor.fd,
                why: ZombieWhy::OwnerGone,
                unsent,
                claim,
            });
        }
    }

    /// Ports whose descriptor is not theirs any more, told when they still say so at the further look.
    fn add_broken_claims(&mut self) {
        let open: HashSet<u32> = self.sight.descriptors.iter().map(|one| one.fd).collect();
        for (claim, claimed) in self.owners.claims.iter().enumerate() {
            let fd = claimed.fd;
            let why = if self.join.is_shared(fd) {
                ZombieWhy::FdShared
            } else if !open.contains(&fd) && self.second.is_closed(fd) {
                ZombieWhy::FdClosed
            } else {
                continue;
            };
            if self.second.stands(claim) {
                self.all.zombies.push(Zombie {
                    fd,
                    why,
                    unsent: claimed.queued,
                    claim,
                });
            }
        }
    }

    /// Files are known by their number only: as many as a process has are taken from those that nobody claims. Where
    /// processes may have more than there are, each is told what it has at least.
    fn add_files(&mut self) {
        let (sure, unsure): (Vec<&Files>, Vec<&Files>) =
            self.owners.files.iter().partition(|files| files.sure);
        for files in sure {
            self.take_files(files.owner, files.count);
        }
        let open: u64 = FILES.iter().map(|&kind| self.all.unclaimed.of(kind)).sum();
        let claimed: u128 = unsure.iter().map(|files| u128::from(files.count)).sum();
        let too_many = claimed.saturating_sub(open.into());
        for files in unsure {
            let at_least = u128::from(files.count).saturating_sub(too_many);
            self.take_files(files.owner, at_least as u64);
        }
    }

    fn take_files(&mut self, owner: u32, count: u64) {
        let mut left = count;
        for kind in FILES {
            let taken = self.all.unclaimed.take(kind, left);
            left -= taken;
            if taken > 0 {
                let key = (Who::Owner(owner), Place::Nowhere);
                self.sums.entry(key).or_default().add_counted(kind, taken);
            }
        }
    }

    fn told(mut self) -> Inventory {
        self.all.listeners.sort_by_key(|listener| {
            (
                !listener.is_full(),
                std::cmp::Reverse(listener.queue),
                listener.fd,
            )
        });
        let keyed = by_name(self.sums, &self.names);
        tell(keyed, self.sight, self.options, &mut self.all);
        self.all
    }
}

fn state(descriptor: &Descriptor) -> Option<TcpState> {
    let socket = descriptor.socket?;
    match (socket.tcp, socket.listen) {
        (Some(tcp), _) => Some(tcp.state),
        (None, Some(_)) => Some(TcpState::Listen),
        (None, None) => None,
    }
}

fn orphan(descriptor: &Descriptor, options: &Options) -> Orphan {
    let socket = descriptor.socket.unwrap_or_default();
    let shown = |address| place::text(address, true);
    let shown = |address: Option<_>| address.filter(|_| options.addresses).map(shown);
    Orphan {
        fd: descriptor.fd,
        kind: descriptor.kind,
        state: state(descriptor),
        local: shown(socket.local),
        remote: shown(socket.peer),
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
