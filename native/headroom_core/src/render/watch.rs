//! What a watched node says of itself in one line: for a log, an alarm, another node.

use crate::assess::Judgement;
use crate::finding::When;
use crate::measure::Resource;
use crate::snapshot::Snapshot;
use crate::trend::{Data, Turn};
use headroom_facts::vocabulary::{Known, Level, Limit, Name};

use super::trend;

/// A change of level: what it was and is, which limit is closest, and what helps.
pub fn turned(snapshot: &Snapshot, turn: Turn) -> String {
    let judgement = &snapshot.judgement;
    let change = format!("headroom: {} -> {}", turn.from.as_str(), turn.to.as_str());
    let worst = judgement
        .alarms()
        .first()
        .filter(|_| turn.to > Level::Notice);
    let Some(worst) = worst else {
        return format!("{change}: {}", closest(judgement));
    };
    let fix = worst
        .fix
        .iter()
        .filter(|fix| !fix.line.is_empty())
        .min_by_key(|fix| fix.when == When::Permanent);
    let fix = fix.map_or(String::new(), |fix| {
        let when = if fix.needs_restart() {
            "permanent"
        } else {
            "now"
        };
        format!(" {when}: {}", fix.line)
    });
    format!("{change}: {}{fix}", worst.message)
}

/// The resource that is closest to its limit.
fn closest(judgement: &Judgement) -> String {
    let binding = judgement
        .binding
        .name()
        .map(|name| judgement.resources.of(name));
    match binding.map(|resource| (resource.name.as_str(), resource.percent)) {
        Some((name, Known::Is(percent))) => format!("closest to its limit: {name}, {percent:.1} %"),
        _ => "no limit is known".into(),
    }
}

/// Each resource that is known, as its use and its limit.
pub fn used(snapshot: &Snapshot) -> Vec<(Name, u64, Option<u64>)> {
    let of = |resource: &Resource| {
        let limit = match resource.limit {
            Limit::Finite(limit) => Some(limit),
            _ => None,
        };
        Some((resource.name, resource.used.get()?, limit))
    };
    snapshot.judgement.resources.iter().filter_map(of).collect()
}

/// That a resource will be full soon, or that it will not any more.
pub fn alarm(data: &Data, name: Name, raised: bool) -> String {
    let of_name = data.resources.iter().find(|trend| trend.name == name);
    let sentence = of_name.filter(|_| raised).and_then(trend::outlook);
    match sentence {
        Some(sentence) => {
            let grower = data.grower.as_ref().filter(|_| is_held(name));
            let grew = grower.map_or(String::new(), |grower| format!(" {}", trend::grew(grower)));
            format!("headroom: {sentence}{grew}")
        }
        None => format!("headroom: {} is no longer about to be full.", name.as_str()),
    }
}

/// What grows now, when it is full, and which holders grew with it; for the report. Nothing if nothing grows.
pub fn growing(data: &Data) -> Option<String> {
    let growing = data.resources.iter().filter_map(|trend| {
        let mut sentence = trend::outlook(trend)?;
        if let Some(grower) = data.grower.as_ref().filter(|_| is_held(trend.name)) {
            sentence = format!("{sentence} {}", trend::grew(grower));
        }
        Some(sentence)
    });
    let sentences: Vec<String> = growing.collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Whether groups of holders are counted in it.
fn is_held(name: Name) -> bool {
    matches!(name, Name::Fds | Name::Ports)
}
