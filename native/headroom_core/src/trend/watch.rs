//! The memory of a watched node: samples, the level as it was told, alarms, and the times at which a limit was reached.
//!
//! It is plain data, so that it can outlive the process that feeds it.

use std::collections::VecDeque;

use serde::Serialize;

use super::groups::{Groups, Grower, Held};
use super::samples::index;
use super::{outlook, Alarm, Full, Highest, Outlook, Samples, Used, Verdict};
use crate::measure::Resources;
use crate::snapshot::Snapshot;
use headroom_facts::probe::Peak;
use headroom_facts::vocabulary::{Count, Level, Limit, Name};

/// Times at a limit that are remembered of each resource.
const EPISODES: usize = 8;
/// Ticks in a row that a level must be lower before that is told: a limit that is touched again and again is one event.
const CALM: u32 = 10;
/// What held a resource is kept up to this length.
const LONGEST_HOLDER: usize = 160;
/// A limit that was reached in this time is a suspect still.
const LATELY_MS: u64 = 3_600_000;

/// A time at which nothing was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    /// From when.
    pub from_ms: u64,
    /// Until when, as far as it was seen.
    pub to_ms: u64,
    /// How many were used at most.
    pub used: u64,
    /// How many there could be.
    pub limit: u64,
    /// What held most of them, if somebody said.
    pub held_by: Option<String>,
    over: bool,
}

/// A level that was told anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// What it was.
    pub from: Level,
    /// What it is.
    pub to: Level,
}

/// What a tick brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// The level changed.
    pub turn: Option<Turn>,
    /// Of these nothing is left since now.
    pub emptied: Vec<Name>,
    /// It was a sample: not the second one of an interval.
    pub counts: bool,
}

/// What is remembered.
#[derive(Clone, Debug)]
pub struct Watch {
    samples: Samples,
    told: Level,
    calm: u32,
    alarms: [Alarm; 6],
    outlooks: [Option<Outlook>; 6],
    episodes: [VecDeque<Episode>; 6],
    /// Times at which nothing was left, since the first sample.
    emptied: [u64; 6],
    last: Option<Resources>,
    holder: Option<String>,
    groups: Groups,
}

impl Watch {
    /// Nothing is remembered yet.
    pub fn new(interval_ms: u64) -> Watch {
        Watch {
            samples: Samples::new(interval_ms),
            told: Level::Ok,
            calm: 0,
            alarms: Default::default(),
            outlooks: [None; 6],
            episodes: Default::default(),
            emptied: [0; 6],
            last: None,
            holder: None,
            groups: Groups::default(),
        }
    }

    /// The samples.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The level as it was told last.
    pub fn told(&self) -> Level {
        self.told
    }

    /// Takes a snapshot in.
    pub fn tick(&mut self, now_ms: u64, snapshot: &Snapshot) -> Tick {
        let resources = &snapshot.judgement.resources;
        let used: Used = std::array::from_fn(|at| resources.of(Name::ALL[at]).used.get());
        if !self.samples.push(now_ms, &used) {
            return Tick::default();
        }
        let emptied = Name::ALL
            .iter()
            .copied()
            .filter(|&name| self.is_emptied(now_ms, resources, name));
        let tick = Tick {
            emptied: emptied.collect(),
            turn: self.turn(snapshot.judgement.level),
            counts: true,
        };
        self.last = Some(resources.clone());
        tick
    }

    /// Up at once, down after a calm time. A notice is none of it.
    fn turn(&mut self, level: Level) -> Option<Turn> {
        let level = if level == Level::Notice {
            Level::Ok
        } else {
            level
        };
        self.calm = if level < self.told { self.calm + 1 } else { 0 };
        if level > self.told || self.calm >= CALM {
            let turn = Turn {
                from: self.told,
                to: level,
            };
            self.told = level;
            self.calm = 0;
            return Some(turn);
        }
        None
    }

    /// Notes whether nothing is left; whether that is new.
    fn is_emptied(&mut self, now_ms: u64, resources: &Resources, name: Name) -> bool {
        let resource = resources.of(name);
        let episodes = &mut self.episodes[index(name)];
        let numbers = (resource.used, resource.limit, resource.free);
        let (Count::Is(used), Limit::Finite(limit), Limit::Finite(0)) = numbers else {
            episodes
                .back_mut()
                .into_iter()
                .for_each(|last| last.over = true);
            return false;
        };
        if !resource.enforced {
            return false;
        }
        if let Some(last) = episodes.back_mut().filter(|last| !last.over) {
            last.to_ms = now_ms;
            last.used = last.used.max(used);
            return false;
        }
        if episodes.len() == EPISODES {
            episodes.pop_front();
        }
        episodes.push_back(Episode {
            from_ms: now_ms,
            to_ms: now_ms,
            used,
            limit,
            held_by: None,
            over: false,
        });
        self.emptied[index(name)] += 1;
        true
    }

    /// Notes what holds most descriptors, and with them ports: of a limit that is reached now, that is who held it.
    pub fn note_holder(&mut self, holder: &str) {
        let holder: String = holder.chars().take(LONGEST_HOLDER).collect();
        for name in [Name::Fds, Name::Ports] {
            let last = self.episodes[index(name)].back_mut();
            if let Some(last) = last.filter(|last| !last.over) {
                last.held_by = Some(holder.clone());
            }
        }
        self.holder = Some(holder);
    }

    /// What held most descriptors when it was last noted.
    pub fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// Notes who holds how many descriptors now.
    pub fn note_groups(&mut self, now_ms: u64, groups: Vec<Held>) {
        self.groups.push(now_ms, groups);
    }

    /// Whether descriptors, or the ports that most of them belong to, become more.
    pub fn holders_grow(&self) -> bool {
        self.rise().is_some()
    }

    /// How long descriptors or ports have been growing, if they are.
    fn rise(&self) -> Option<u64> {
        let growing = [Name::Fds, Name::Ports].map(|name| {
            let outlook = self.outlook(name)?;
            (outlook.verdict == Verdict::Growing).then_some(outlook.since_ms)
        });
        growing.into_iter().flatten().max()
    }

    /// The trends as they are now; they take up to some milliseconds, so look at a copy.
    pub fn outlooks(&self, week_ms: Option<u64>) -> [Option<Outlook>; 6] {
        std::array::from_fn(|at| {
            let resource = self.last.as_ref()?.of(Name::ALL[at]);
            let free = match resource.free {
                Limit::Finite(free) if resource.enforced => Some(free),
                _ => None,
            };
            Some(outlook(&self.samples, resource.name, week_ms, free))
        })
    }

    /// Keeps trends that were looked at; the alarms that were raised or cleared by them.
    pub fn keep(&mut self, outlooks: [Option<Outlook>; 6]) -> Vec<(Name, bool)> {
        self.outlooks = outlooks;
        let now_ms = self.samples.last_ms().unwrap_or(0);
        let mut turned = Vec::new();
        for (at, outlook) in outlooks.iter().enumerate() {
            let alarm = &mut self.alarms[at];
            if outlook.is_some_and(|outlook| alarm.look(&outlook, now_ms)) {
                turned.push((Name::ALL[at], alarm.is_raised()));
            }
        }
        turned
    }

    /// Shows trends that were looked at, and leaves the alarms as they are.
    pub fn show(&mut self, outlooks: [Option<Outlook>; 6]) {
        self.outlooks = outlooks;
    }

    /// The trend of a resource as it was last looked at.
    pub fn outlook(&self, name: Name) -> Option<&Outlook> {
        self.outlooks[index(name)].as_ref()
    }

    /// Whether the alarm of a resource is raised.
    pub fn is_alarmed(&self, name: Name) -> bool {
        self.alarms[index(name)].is_raised()
    }

    /// The last times at which nothing was left, the oldest first.
    pub fn episodes(&self, name: Name) -> impl DoubleEndedIterator<Item = &Episode> {
        self.episodes[index(name)].iter()
    }

    /// How often nothing was left since the first sample.
    pub fn times_emptied(&self, name: Name) -> u64 {
        self.emptied[index(name)]
    }

    /// The limits that were reached lately, for whoever asks why a call failed.
    pub fn recorded(&self, clock: Clock) -> Vec<Peak> {
        let of = |&name: &Name| {
            let last = self.episodes(name).next_back()?;
            let lately = clock.uptime_ms.saturating_sub(last.to_ms) <= LATELY_MS;
            lately.then(|| Peak {
                name,
                used: last.used.max(last.limit),
                limit: last.limit,
                at: clock.at(last.to_ms),
            })
        };
        Name::ALL.iter().filter_map(of).collect()
    }

    /// What is said of it as data.
    pub fn data(&self, clock: Clock) -> Data {
        let resources = Name::ALL
            .iter()
            .map(|&name| self.trend(name, clock))
            .collect();
        Data {
            taken_at: clock.system_ms,
            interval_ms: self.samples.interval_ms(),
            observed_ms: self.samples.observed_ms(),
            samples: self.samples.taken(),
            skipped: self.samples.skipped(),
            level: self.told,
            grower: self
                .rise()
                .and_then(|since_ms| self.groups.grower(since_ms)),
            resources,
        }
    }

    fn trend(&self, name: Name, clock: Clock) -> Trend {
        let last = self.last.as_ref().map(|resources| resources.of(name));
        let outlook = self.outlook(name);
        let seen = |peak: Option<Highest>| {
            peak.map(|peak| SeenAt {
                used: peak.used,
                at: clock.at(peak.at_ms),
            })
        };
        let at_zero = self.episodes(name).map(|episode| AtZero {
            at: clock.at(episode.from_ms),
            for_ms: episode.to_ms - episode.from_ms,
            used: episode.used,
            limit: episode.limit,
            held_by: episode.held_by.clone(),
        });
        Trend {
            name,
            verdict: outlook.map_or(Verdict::TooShort, |outlook| outlook.verdict),
            window_ms: outlook.map_or(0, |outlook| outlook.window_ms),
            since_ms: outlook.map_or(0, |outlook| outlook.since_ms),
            per_hour: outlook.map_or(0.0, |outlook| outlook.per_hour),
            used: last.map_or(Count::Unknown, |resource| resource.used),
            limit: last.map_or(Limit::Unknown, |resource| resource.limit),
            free: last.map_or(Limit::Unknown, |resource| resource.free),
            full: outlook.and_then(|outlook| outlook.full),
            alarm: self.is_alarmed(name),
            highest: seen(self.samples.highest_ever(name)),
            highest_in_hour: seen(self.samples.highest_in_hour(name)),
            at_zero: at_zero.collect(),
        }
    }
}

/// This moment on both clocks: the one that is right, and the one that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Time since the machine was started, in milliseconds.
    pub uptime_ms: u64,
    /// System time in milliseconds.
    pub system_ms: i64,
}

impl Clock {
    /// What the other clock showed then, if nobody has set it since.
    fn at(&self, uptime_ms: u64) -> i64 {
        self.system_ms - self.uptime_ms.saturating_sub(uptime_ms) as i64
    }

    /// Time since Monday's first in UTC, in milliseconds. The first day of the epoch was a Thursday.
    pub fn week_ms(&self) -> Option<u64> {
        const DAY_MS: u64 = 86_400_000;
        let system_ms = u64::try_from(self.system_ms).ok()?;
        Some((system_ms + 3 * DAY_MS) % (7 * DAY_MS))
    }
}

/// What the samples say of all resources.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Data {
    /// System time in milliseconds.
    pub taken_at: i64,
    /// Milliseconds between two samples.
    pub interval_ms: u64,
    /// How long the node has been watched.
    pub observed_ms: u64,
    /// Samples that were taken.
    pub samples: u64,
    /// Samples that were due and not taken.
    pub skipped: u64,
    /// The level as it was told last.
    pub level: Level,
    /// The group of holders that grew most, while descriptors or ports grow.
    pub grower: Option<Grower>,
    /// Each resource, in listed order.
    pub resources: Vec<Trend>,
}

/// What the samples say of one resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Which one.
    pub name: Name,
    /// What it does.
    pub verdict: Verdict,
    /// The window that says so.
    pub window_ms: u64,
    /// How far back the change began, at least.
    pub since_ms: u64,
    /// Change in an hour; 0 unless it grows or drains.
    pub per_hour: f64,
    /// How many were used at the last sample.
    pub used: Count,
    /// How many there can be.
    pub limit: Limit,
    /// How many were left.
    pub free: Limit,
    /// When nothing is left, if it grows.
    pub full: Option<Full>,
    /// Whether that is so near that it is an alarm.
    pub alarm: bool,
    /// The highest use since the first sample.
    pub highest: Option<SeenAt>,
    /// The highest use within the last hour.
    pub highest_in_hour: Option<SeenAt>,
    /// The last times at which nothing was left, the oldest first.
    pub at_zero: Vec<AtZero>,
}

/// A number with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeenAt {
    /// How many.
    pub used: u64,
    /// System time in milliseconds.
    pub at: i64,
}

/// A time at which nothing was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtZero {
    /// From when, in system time.
    pub at: i64,
    /// For how long, as far as it was seen.
    pub for_ms: u64,
    /// How many were used at most.
    pub used: u64,
    /// How many there could be.
    pub limit: u64,
    /// What held most of them, if somebody said.
    pub held_by: Option<String>,
}
