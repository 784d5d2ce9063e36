//! Descriptors of one owner group at one place, and which group is told first.

use headroom_facts::inventory::{Descriptor, Kind, TcpState};
use headroom_facts::owners::Owners;
use headroom_facts::vocabulary::Known;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::inventory::Options;
use super::place::{self, Place};
use crate::number::plain;

atoms! {
    /// Why a group is told where it is told, the worst first.
    pub enum Why {
        /// Its owners are gone and left bytes behind that nobody takes.
        OwnerGone = "owner_gone",
        /// The other side closed, the owner did not, and nothing is left to be read.
        CloseWait = "close_wait",
        /// No data went either way for long.
        Idle = "idle",
        /// It has many.
        Count = "count",
    }
}

/// How long the connections of a group have been without data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Idle {
    /// Connections without data for longer than was asked for.
    pub beyond: u64,
    /// What was asked for, in milliseconds.
    pub beyond_ms: u32,
    /// The time of half of them, in milliseconds.
    pub median_ms: u32,
    /// The longest, in milliseconds.
    pub longest_ms: u32,
}

/// One descriptor of a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Its number.
    pub fd: u32,
    /// What it is.
    pub kind: Kind,
    /// The state of a TCP connection.
    pub state: Option<TcpState>,
    /// Milliseconds without data, of a connection.
    pub idle_ms: Option<u32>,
    /// Bytes that were not read.
    pub unread: Option<Known<u32>>,
    /// Bytes that were not sent.
    pub unsent: Option<u64>,
    /// Index of the claim that says whose it is.
    pub claim: Option<usize>,
    /// The address on this side.
    pub local: Option<String>,
    /// The address on the other side.
    pub remote: Option<String>,
}

/// Counts by kind, as a map of those that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByKind([u64; Kind::ALL.len()]);

impl ByKind {
    /// So many more of a kind.
    pub fn add(&mut self, kind: Kind, count: u64) {
        self.0[kind as usize] += count;
    }

    /// So many fewer of a kind, or as many as there are; says how many it were.
    pub fn take(&mut self, kind: Kind, count: u64) -> u64 {
        let taken = self.0[kind as usize].min(count);
        self.0[kind as usize] -= taken;
        taken
    }

    /// How many there are of a kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The kinds that there are, the most frequent first.
    pub fn sorted(&self) -> Vec<(Kind, u64)> {
        let pairs = Kind::ALL.iter().map(|&kind| (kind, self.of(kind)));
        let mut pairs: Vec<_> = pairs.filter(|(_, count)| *count > 0).collect();
        pairs.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        pairs
    }
}

impl Serialize for ByKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = self.sorted();
        let mut map = serializer.serialize_map(Some(pairs.len()))?;
        for (kind, count) in pairs {
            map.serialize_entry(&kind, &count)?;
        }
        map.end()
    }
}

/// The descriptors of one owner group at one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// What its owners have in common.
    pub group: String,
    /// The application that they belong to.
    pub application: Option<String>,
    /// The listener that they came in by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<String>,
    /// The address that they went out to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// How many.
    pub count: u64,
    /// The same by kind.
    pub by_kind: ByKind,
    /// Connections whose other side closed, while this side did not.
    pub close_wait: u64,
    /// Their share of all, in percent.
    pub share_close_wait: f64,
    /// Connections that the other side reset, and that this side has not closed.
    pub reset: u64,
    /// Time without data; not known of sockets that were seen by their links alone.
    pub idle: Known<Idle>,
    /// Bytes that were not read.
    pub unread: u64,
    /// Bytes that were not sent, those that ports still hold included.
    pub unsent: u64,
    /// Why it is told where it is told.
    pub why: Why,
    /// The same in words.
    pub message: String,
    /// Some of its descriptors, the oddest first.
    pub sample: Vec<Sample>,
}

/// The sum of a group, descriptor by descriptor.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) members: Vec<(u32, Option<usize>)>,
    by_kind: ByKind,
    close_wait: u64,
    reset: u64,
    left_open: u64,
    left_open_ms: u32,
    beyond: u64,
    idles: Vec<u32>,
    unread: u64,
    unsent: u64,
    queued_by_the_gone: u64,
    /// Told after everybody else: the emulator's own, and ours.
    pub(super) last: bool,
}

/// A connection that the other side has just closed will be closed in a moment, by most servers.
const SETTLED_MS: u32 = 2_000;
/// From this share on, in percent, even such connections are no coincidence.
const NO_COINCIDENCE: u64 = 10;

impl Sum {
    pub(super) fn add(
        &mut self,
        index: usize,
        descriptor: &Descriptor,
        claim: Option<usize>,
        options: &Options,
    ) {
        self.members.push((index as u32, claim));
        self.by_kind.add(descriptor.kind, 1);
        let Some(tcp) = descriptor.socket.and_then(|socket| socket.tcp) else {
            return;
        };
        self.unread += u64::from(tcp.unread.unwrap_or(0));
        self.unsent += u64::from(tcp.unsent);
        match tcp.state {
            TcpState::CloseWait => self.close_wait += 1,
            TcpState::Close if tcp.was_connected() => self.reset += 1,
            TcpState::Established => {
                self.idles.push(tcp.idle_ms());
                self.beyond += u64::from(tcp.is_idle(options.idle_ms));
            }
            _ => {}
        }
        if tcp.is_left_open() {
            self.left_open += 1;
            self.left_open_ms = self.left_open_ms.max(tcp.acked_ms);
        }
    }

    /// Takes another one up: other owners of the same name.
    pub(super) fn join(&mut self, other: Sum) {
        self.members.extend(other.members);
        for kind in Kind::ALL {
            self.by_kind.add(*kind, other.by_kind.of(*kind));
        }
        self.close_wait += other.close_wait;
        self.reset += other.reset;
        self.left_open += other.left_open;
        self.left_open_ms = self.left_open_ms.max(other.left_open_ms);
        self.beyond += other.beyond;
        self.idles.extend(other.idles);
        self.unread += other.unread;
        self.unsent += other.unsent;
        self.queued_by_the_gone += other.queued_by_the_gone;
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.by_kind.of(kind) > 0
    }

    pub(super) fn add_queued(&mut self, bytes: u64) {
        self.unsent += bytes;
    }

    /// Bytes of a port whose owner is gone.
    pub(super) fn add_gone(&mut self, bytes: u64) {
        self.queued_by_the_gone += bytes;
    }

    /// Files of which only the number is known.
    pub(super) fn add_counted(&mut self, kind: Kind, count: u64) {
        self.by_kind.add(kind, count);
    }

    pub(super) fn count(&self) -> u64 {
        self.by_kind.total()
    }

    fn left_open(&self) -> u64 {
        let settled = self.left_open_ms >= SETTLED_MS;
        if settled || self.left_open * 100 >= self.count() * NO_COINCIDENCE {
            self.left_open
        } else {
            0
        }
    }

    /// The higher, the earlier it is told.
    pub(super) fn blame(&self) -> (bool, u64, u64, u64, u64) {
        (
            !self.last,
            self.queued_by_the_gone,
            self.left_open(),
            self.beyond,
            self.count(),
        )
    }

    fn why(&self) -> Why {
        if self.queued_by_the_gone > 0 {
            Why::OwnerGone
        } else if self.left_open() > 0 {
            Why::CloseWait
        } else if self.beyond > 0 {
            Why::Idle
        } else {
            Why::Count
        }
    }

    fn message(&self, options: &Options, longest_ms: u32) -> String {
        let of = |some: u64| match (some, self.count()) {
            (some, all) if some == all => format!("all {}", plain(all)),
            (some, all) => format!("{} of {}", plain(some), plain(all)),
        };
        match self.why() {
            Why::OwnerGone => format!(
                "the owner is gone, {} wait to be sent and nobody closes it",
                bytes(self.queued_by_the_gone)
            ),
            Why::CloseWait => {
                let since = match self.left_open_ms {
                    SETTLED_MS.. => format!(", up to {} ago", duration(self.left_open_ms)),
                    _ => String::new(),
                };
                let (state, did) = match (self.close_wait, self.reset) {
                    (_, 0) => ("in CLOSE_WAIT", "closed"),
                    (0, _) => ("reset", "closed with data unread"),
                    _ => ("in CLOSE_WAIT or reset", "closed"),
                };
                let some = of(self.left_open);
                format!("{some} {state}: the other side {did}{since}, this side did not")
            }
            Why::Idle => format!(
                "{} without data for {} and more, the longest {}",
                of(self.beyond),
                duration(options.idle_ms),
                duration(longest_ms)
            ),
            Why::Count => String::new(),
        }
    }

    pub(super) fn into_group(
        mut self,
        (group, application, place): (String, Option<String>, Place),
        descriptors: &[Descriptor],
        owners: Option<&Owners>,
        options: &Options,
    ) -> Group {
        self.idles.sort_unstable();
        let median_ms = self.idles.get(self.idles.len() / 2).copied().unwrap_or(0);
        let longest_ms = self.idles.last().copied().unwrap_or(0);
        let (count, why) = (self.count(), self.why());
        let message = self.message(options, longest_ms);
        let oddness = |&(index, _): &(u32, Option<usize>)| {
            let descriptor = &descriptors[index as usize];
            let tcp = descriptor.socket.and_then(|socket| socket.tcp);
            let odd = tcp.map(|tcp| (tcp.is_left_open(), tcp.acked_ms, tcp.idle_ms()));
            std::cmp::Reverse(odd.unwrap_or_default())
        };
        let sampled = self.members.len().min(options.sample);
        if sampled > 0 && sampled < self.members.len() {
            self.members
                .select_nth_unstable_by_key(sampled - 1, oddness);
        }
        self.members.truncate(sampled);
        self.members.sort_by_key(oddness);
        let sample = self.members.iter().map(|&(index, claim)| {
            let queued = claim
                .and_then(|claim| owners?.claims.get(claim))
                .map(|claim| claim.queued);
            sample(
                &descriptors[index as usize],
                claim,
                queued.unwrap_or(0),
                options,
            )
        });
        let shown = |address| place::text(address, options.addresses);
        Group {
            listener: match place {
                Place::Listener(address) => Some(shown(address)),
                _ => None,
            },
            remote: match place {
                Place::Remote(address) => Some(shown(address)),
                _ => None,
            },
            group,
            application,
            count,
            by_kind: self.by_kind,
            close_wait: self.close_wait,
            share_close_wait: percent(self.close_wait, count),
            reset: self.reset,
            idle: Known::Is(Idle {
                beyond: self.beyond,
                beyond_ms: options.idle_ms,
                median_ms,
                longest_ms,
            }),
            unread: self.unread,
            unsent: self.unsent,
            why,
            message,
            sample: sample.collect(),
        }
    }
}

fn sample(descriptor: &Descriptor, claim: Option<usize>, queued: u64, options: &Options) -> Sample {
    let socket = descriptor.socket.unwrap_or_default();
    let shown = |address: Option<_>| {
        let address = address.filter(|_| options.addresses)?;
        Some(place::text(address, true))
    };
    let connected = socket
        .tcp
        .filter(|tcp| matches!(tcp.state, TcpState::Established | TcpState::CloseWait));
    Sample {
        fd: descriptor.fd,
        kind: descriptor.kind,
        state: socket.tcp.map(|tcp| tcp.state),
        idle_ms: connected.map(|tcp| tcp.idle_ms()),
        unread: socket.tcp.map(|tcp| tcp.unread.into()),
        unsent: socket.tcp.map(|tcp| u64::from(tcp.unsent) + queued),
        claim,
        local: shown(socket.local),
        remote: shown(socket.peer),
    }
}

fn percent(part: u64, of: u64) -> f64 {
    let tenths = (part * 1000).checked_div(of).unwrap_or(0);
    tenths as f64 / 10.0
}

/// A time as people say it, rounded down.
pub(crate) fn duration(ms: u32) -> String {
    match ms / 1000 {
        0 => format!("{ms} ms"),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A number of bytes as people say it, rounded down.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
