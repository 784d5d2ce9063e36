//! One line for monitoring systems, after the convention of their plugins: text, then performance data.

use crate::measure::Resource;
use crate::snapshot::Snapshot;
use headroom_facts::thresholds::Threshold;
use headroom_facts::vocabulary::{Known, Limit};

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
