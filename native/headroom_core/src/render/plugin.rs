//! One line for monitoring systems, after the convention of their plugins: text, then performance data; and an exit status.

use std::time::Duration;

use crate::measure::Resource;
use crate::snapshot::Snapshot;
use crate::status::{Said, Status};
use headroom_facts::moment::Moment;
use headroom_facts::thresholds::Threshold;
use headroom_facts::vocabulary::{Known, Level, Limit};

/// What a snapshot says for the status file.
pub fn status(snapshot: &Snapshot, sequence: u64, written: Moment) -> Status {
    let said = Said {
        node: &snapshot.facts.node,
        os_pid: snapshot.facts.os_pid,
        level: snapshot.judgement.level,
        text: text(snapshot),
        performance: performance(snapshot),
    };
    Status::new(said, sequence, written)
}

/// What is wrong, or which resource is closest to its limit.
pub fn text(snapshot: &Snapshot) -> String {
    let judgement = &snapshot.judgement;
    let alarms: Vec<&str> = judgement
        .alarms()
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    if !alarms.is_empty() {
        return clean(&alarms.join(" "));
    }
    let binding = judgement.binding.name();
    let closest = binding.map(|name| judgement.resources.of(name));
    match closest.map(|resource| (resource.name.as_str(), resource.percent)) {
        Some((name, Known::Is(percent))) => format!("closest to its limit: {name}, {percent:.1} %"),
        _ => "no limit is known".into(),
    }
}

/// Each resource as `name=used;warning;critical;0;limit`, the thresholds as counts.
pub fn performance(snapshot: &Snapshot) -> String {
    let resources = snapshot.judgement.resources.iter();
    let data =
        resources.map(|resource| datum(resource, snapshot.facts.thresholds.of(resource.name)));
    data.collect::<Vec<_>>().join(" ")
}

fn datum(resource: &Resource, threshold: Threshold) -> String {
    let name = resource.name.as_str();
    let used = resource
        .used
        .get()
        .map_or("U".into(), |used| used.to_string());
    match resource.limit {
        Limit::Finite(limit) if resource.enforced => {
            let share = |percent: u64| u128::from(limit) * u128::from(percent) / 100;
            let (warning, critical) = (share(threshold.warning), share(threshold.critical));
            format!("{name}={used};{warning};{critical};0;{limit}")
        }
        _ => format!("{name}={used};;;0"),
    }
}

/// What has a meaning of its own in the convention does not stand in the text.
fn clean(text: &str) -> String {
    text.replace(['|', '\n'], " ")
}

/// The answer of a monitoring plugin: an exit status and one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 0 ok, 1 warning, 2 critical, 3 unknown.
    pub exit: u8,
    /// One line.
    pub line: String,
}

/// What a monitoring plugin says about the record of a file, read at a moment.
pub fn answer(read: Result<Status, String>, now: &Moment, max_age: Duration) -> Answer {
    let status = match read {
        Ok(status) => status,
        Err(why) => return unknown(&why),
    };
    let said = format!("{} - {}", word(status.level), status.text);
    let who = format!("{} (os pid {})", status.node, status.os_pid);
    let limit = max_age.as_secs();
    match status.age(now) {
        None => unknown(&format!(
            "the status is of an earlier start of this machine; {who} last said {said}"
        )),
        Some(age) if age > max_age => unknown(&format!(
            "the status is {} s old, more than {limit} s: {who} has stopped or hangs; it last said {said}",
            age.as_secs()
        )),
        Some(_) => Answer {
            exit: exit(status.level),
            line: format!("HEADROOM {said} [{who}] | {}", status.performance),
        },
    }
}

fn unknown(why: &str) -> Answer {
    Answer {
        exit: 3,
        line: format!("HEADROOM UNKNOWN - {why}"),
    }
}

fn exit(level: Level) -> u8 {
    match level {
        Level::Ok | Level::Notice => 0,
        Level::Warning => 1,
        Level::Critical => 2,
    }
}

fn word(level: Level) -> String {
    level.as_str().to_uppercase()
}
