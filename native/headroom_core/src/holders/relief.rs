//! What could be closed now, how many descriptors that gives, and the line that does it.

use std::collections::{BTreeMap, HashMap};

use headroom_facts::inventory::Descriptor;
use headroom_facts::owners::{Owner, Owners};
use serde::Serialize;

use super::doubt::Second;
use super::group::Why;
use super::inventory::{Options, Sight};
use super::join::{Holder, Join};
use super::name;
use super::place::{self, Place, Places};

atoms! {
    /// How something is closed.
    pub enum How {
        /// Its owner is asked to end.
        ExitOwner = "exit_owner",
        /// The port is closed, since its owner is gone.
        ClosePort = "close_port",
        /// It cannot be closed from here.
        Nothing = "nothing",
    }
}

/// Something that could be closed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offer {
    /// The group, by which it is closed.
    pub group: String,
    /// The application that it belongs to.
    pub application: Option<String>,
    /// Why it could be closed; none for what has no owner.
    pub why: Option<Why>,
    /// How it is closed.
    pub how: How,
    /// How many descriptors that gives.
    pub gives: u64,
    /// How many owners end for it.
    pub owners: u64,
    /// The line that does it; none where nothing can be done from here.
    pub line: Option<String>,
    /// The same in words.
    pub message: String,
    /// What is closed, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
}

/// One descriptor that could be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its number.
    pub fd: u32,
    /// The kernel's number of the socket that stands there.
    pub cookie: u64,
    /// Index of the claim that says whose it is.
    pub claim: usize,
}

/// Applications without which there is no node.
const NEVER: [&str; 3] = ["kernel", "stdlib", "headroom"];

/// What a process has of all that was seen.
#[derive(Default)]
struct Held {
    total: u64,
    odd: BTreeMap<Why, Vec<Target>>,
    owner: u32,
    place: Option<Place>,
}

/// What could be closed, that which gives most first. With `targets`, each descriptor of it is named.
pub fn relief(sight: &Sight, options: &Options, targets: bool) -> Vec<Offer> {
    let Some(owners) = sight.owners else {
        return Vec::new();
    };
    let (held, orphans) = by_process(sight, owners, options);
    let mut offers: Vec<Offer> = found(&held, owners, options)
        .into_iter()
        .map(|(key, found)| offer(key, found, options))
        .collect();
    if orphans > 0 {
        offers.push(without_owner(orphans));
    }
    offers.sort_by_key(|offer| {
        (
            offer.line.is_none(),
            offer.why,
            std::cmp::Reverse(offer.gives),
        )
    });
    if !targets {
        offers.iter_mut().for_each(|offer| offer.targets.clear());
    }
    offers
}

/// What each process has, and how many sockets have no owner.
fn by_process(sight: &Sight, owners: &Owners, options: &Options) -> (HashMap<u32, Held>, u64) {
    let join = Join::new(sight.descriptors, owners);
    let second = Second::new(sight.again);
    let places = Places::new(sight.descriptors);
    let mut processes: HashMap<u32, Held> = HashMap::new();
    let mut orphans = 0;
    for descriptor in sight.descriptors {
        let claim = match join.holder(descriptor) {
            Holder::Claimed(claim) => claim,
            Holder::Nobody => {
                orphans += u64::from(second.is_orphan(descriptor));
                continue;
            }
            _ => continue,
        };
        let claimed = &owners.claims[claim];
        let held = processes.entry(claimed.process).or_default();
        held.total += 1;
        held.owner = claimed.owner;
        let gone = owners.owners.get(claimed.owner as usize) == Some(&Owner::Gone);
        let queued = gone.then_some(claimed.queued);
        let why = why(descriptor, queued, second.stands(claim), options);
        let cookie = descriptor.socket.and_then(|socket| socket.cookie);
        if let (Some(why), Some(cookie), true) = (why, cookie, second.is_same(descriptor)) {
            held.place.get_or_insert(places.of(descriptor));
            let fd = descriptor.fd;
            let target = Target { fd, cookie, claim };
            held.odd.entry(why).or_default().push(target);
        }
    }
    // Files and programs would go with their process, too.
    let programs = owners.programs.iter().map(|program| (program.process, 1));
    let files = owners
        .files
        .iter()
        .map(|files| (files.process, files.count));
    for (process, count) in programs.chain(files) {
        if let Some(held) = processes.get_mut(&process) {
            held.total = held.total.saturating_add(count);
        }
    }
    (processes, orphans)
}

/// By group, what of it can go with its owner, which has nothing else.
fn found(
    processes: &HashMap<u32, Held>,
    owners: &Owners,
    options: &Options,
) -> BTreeMap<(String, Option<String>, Why), Found> {
    let mut offers: BTreeMap<_, Found> = BTreeMap::new();
    for (&process, held) in processes {
        let Some(owner) = owners.owners.get(held.owner as usize) else {
            continue;
        };
        let application = name::application(owner);
        let needed = owners.asker == Some(process)
            || application
                .as_deref()
                .is_some_and(|name| NEVER.contains(&name));
        let can_go = matches!(owner, Owner::Process(_)) && !needed;
        for (&why, targets) in &held.odd {
            let place = held.place.unwrap_or(Place::Nowhere);
            let key = (key(owner, place, options), application.clone(), why);
            let offer = offers.entry(key).or_default();
            let alone = held.total == targets.len() as u64;
            if why == Why::OwnerGone || alone && can_go {
                offer.targets.extend(targets);
                offer.owners += 1;
            } else {
                offer.left += targets.len() as u64;
            }
        }
    }
    offers
}

/// What is found for one line.
#[derive(Default)]
struct Found {
    targets: Vec<Target>,
    owners: u64,
    /// Descriptors that are odd, too, but whose owner has something else besides or is needed.
    left: u64,
}

fn why(descriptor: &Descriptor, gone: Option<u64>, stands: bool, options: &Options) -> Option<Why> {
    let tcp = descriptor.socket?.tcp?;
    match gone {
        Some(queued) => (stands && queued + u64::from(tcp.unsent) > 0).then_some(Why::OwnerGone),
        None if tcp.is_left_open() => Some(Why::CloseWait),
        None if tcp.is_idle(options.idle_ms) => Some(Why::Idle),
        None => None,
    }
}

fn key(owner: &Owner, place: Place, options: &Options) -> String {
    let name = name::of(owner);
    match place {
        Place::Listener(address) => {
            format!("{name} at {}", place::text(address, options.addresses))
        }
        Place::Remote(address) => format!("{name} to {}", place::text(address, options.addresses)),
        Place::Nowhere => name,
    }
}

fn offer(
    (group, application, why): (String, Option<String>, Why),
    found: Found,
    options: &Options,
) -> Offer {
    let gives = found.targets.len() as u64;
    let how = match why {
        _ if gives == 0 => How::Nothing,
        Why::OwnerGone => How::ClosePort,
        _ => How::ExitOwner,
    };
    let what = match why {
        Why::OwnerGone => "ports whose owner is gone".to_string(),
        Why::CloseWait => "connections that the other side closed, nothing unread".to_string(),
        Why::Idle | Why::Count => format!(
            "connections without data for {} and more",
            super::duration(options.idle_ms)
        ),
    };
    let left = match found.left {
        0 => String::new(),
        left => format!("; {left} more are not offered: their owners have something else besides, or are needed"),
    };
    let ends = match how {
        How::ExitOwner => format!(" {} processes end for it.", found.owners),
        How::ClosePort | How::Nothing => String::new(),
    };
    let line = (how != How::Nothing)
        .then(|| format!("headroom:close({{{}, {}}}).", why.as_str(), binary(&group)));
    Offer {
        message: format!("{gives} {what}{left}.{ends}"),
        group,
        application,
        why: Some(why),
        how,
        gives,
        owners: found.owners,
        line,
        targets: found.targets,
    }
}

/// A text as Erlang reads it, whatever is in it, for every terminal.
fn binary(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        other => format!("\\x{{{:X}}}", u32::from(other)),
    };
    let escaped: String = text.chars().map(escaped).collect();
    let encoding = if text.is_ascii() { "" } else { "/utf8" };
    format!("<<\"{escaped}\"{encoding}>>")
}

/// Nobody can be asked to close these, and a number alone may be somebody else's in the next moment.
fn without_owner(count: u64) -> Offer {
    Offer {
        group: "no owner".into(),
        application: None,
        why: None,
        how: How::Nothing,
        gives: count,
        owners: 0,
        line: None,
        message: format!("{count} sockets that no port and no socket of the VM has: native code of a library opened them."),
        targets: Vec::new(),
    }
}
