//! The numbers of a node as metrics: names, units and help in one place, and the text that Prometheus reads.
//!
//! What is not known is left out, never 0.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{prometheus_text, DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use serde::Serialize;

use crate::snapshot::Snapshot;
use crate::trend::{Verdict, Watch};
use headroom_facts::vocabulary::{Level, Limit, Name};

atoms! {
    /// How a metric behaves.
    pub enum Kind {
        /// It goes up and down.
        Gauge = "gauge",
        /// It only goes up, from 0 at the start of the node.
        Counter = "counter",
    }
}

/// One metric with its samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it is.
    pub help: &'static str,
    /// Its values.
    pub samples: Vec<Sample>,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Names and values of labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

/// The metrics of a moment; without a watcher those of its memory are missing.
pub fn metrics(snapshot: &Snapshot, watch: Option<&Watch>) -> Vec<Metric> {
    let mut metrics = of_process(snapshot);
    metrics.extend(of_resources(snapshot));
    metrics.extend(watch.into_iter().flat_map(of_watch));
    metrics.retain(|metric| !metric.samples.is_empty());
    metrics
}

fn of_process(snapshot: &Snapshot) -> Vec<Metric> {
    let fds = snapshot.judgement.resources.of(Name::Fds);
    vec![
        gauge(
            "process_open_fds",
            "Number of open file descriptors.",
            one(fds.used.get()),
        ),
        gauge(
            "process_max_fds",
            "Maximum number of open file descriptors.",
            one(finite(snapshot.facts.nofile.soft)),
        ),
    ]
}

fn of_resources(snapshot: &Snapshot) -> Vec<Metric> {
    let judgement = &snapshot.judgement;
    let resources = || judgement.resources.iter();
    let reserved = snapshot.facts.reserved;
    let level = match judgement.level {
        Level::Ok | Level::Notice => 0,
        Level::Warning => 1,
        Level::Critical => 2,
    };
    vec![
        gauge(
            "headroom_level",
            "How bad the node is: 0 ok, 1 warning, 2 critical.",
            one(Some(level)),
        ),
        gauge(
            "headroom_used",
            "How many of a resource are in use.",
            each(resources().map(|resource| (resource.name, resource.used.get()))),
        ),
        gauge(
            "headroom_limit",
            "How many of a resource there can be; without a bound it is left out.",
            each(resources().map(|resource| (resource.name, finite(resource.limit)))),
        ),
        gauge(
            "headroom_free",
            "How many of a resource are left; without a bound it is left out.",
            each(resources().map(|resource| (resource.name, finite(resource.free)))),
        ),
        gauge(
            "headroom_reserved",
            "How many of a resource are held back for the operator.",
            each(
                [
                    (Name::Fds, Some(reserved.fds)),
                    (Name::Ports, Some(reserved.ports)),
                ]
                .into_iter(),
            ),
        ),
    ]
}

fn of_watch(watch: &Watch) -> Vec<Metric> {
    let names = || Name::ALL.iter().copied();
    let samples = watch.samples();
    let growing = |name| {
        watch
            .outlook(name)
            .filter(|outlook| outlook.verdict == Verdict::Growing)
    };
    let seconds = |name| Some(growing(name)?.full?.in_ms as f64 / 1000.0);
    let is_growing = |name| {
        watch
            .outlook(name)
            .map(|_| u64::from(growing(name).is_some()))
    };
    vec![
        gauge(
            "headroom_growing",
            "1 while the samples say that a resource grows, else 0.",
            each(names().map(|name| (name, is_growing(name)))),
        ),
        Metric {
            name: "headroom_exhaustion_seconds",
            kind: Kind::Gauge,
            help: "Seconds until nothing of a resource is left; only while it grows.",
            samples: names()
                .filter_map(|name| Some((name, seconds(name)?)))
                .map(|(name, value)| Sample { labels: label(name), value })
                .collect(),
        },
        gauge(
            "headroom_exhaustion_alarm",
            "1 while a resource that grows is full within the time that it was seen growing, else 0.",
            each(names().map(|name| (name, Some(u64::from(watch.is_alarmed(name)))))),
        ),
        gauge(
            "headroom_highest_hour",
            "The highest use of a resource within the last hour.",
            each(names().map(|name| (name, samples.highest_in_hour(name).map(|peak| peak.used)))),
        ),
        gauge(
            "headroom_highest",
            "The highest use of a resource since the node is watched.",
            each(names().map(|name| (name, samples.highest_ever(name).map(|peak| peak.used)))),
        ),
        counter(
            "headroom_exhausted_total",
            "How often nothing of a resource was left.",
            each(names().map(|name| (name, Some(watch.times_emptied(name))))),
        ),
        counter("headroom_samples_total", "Samples that were taken.", one(Some(samples.taken()))),
        counter(
            "headroom_samples_skipped_total",
            "Samples that were due and not taken.",
            one(Some(samples.skipped())),
        ),
    ]
}

fn gauge(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        help,
        samples,
    }
}

fn counter(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        help,
        samples,
    }
}

fn one(value: Option<u64>) -> Vec<Sample> {
    let sample = |value| Sample {
        labels: Vec::new(),
        value: value as f64,
    };
    value.map(sample).into_iter().collect()
}

fn each(values: impl Iterator<Item = (Name, Option<u64>)>) -> Vec<Sample> {
    let known = values.filter_map(|(name, value)| Some((name, value?)));
    known
        .map(|(name, value)| Sample {
            labels: label(name),
            value: value as f64,
        })
        .collect()
}

fn label(name: Name) -> Vec<(&'static str, String)> {
    vec![("resource", name.as_str().to_string())]
}

fn finite(limit: Limit) -> Option<u64> {
    match limit {
        Limit::Finite(limit) => Some(limit),
        Limit::Infinity | Limit::Unknown => None,
    }
}

/// What the format says of itself over HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The metrics in the text format of Prometheus.
///
/// # Errors
/// The encoder refuses a metric.
pub fn prometheus(metrics: Vec<Metric>) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Answer(metrics)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The encoder puts this at the end of a counter's name itself.
const TOTAL: &str = "_total";

/// Metrics for the encoder.
#[derive(Debug)]
struct Answer(Vec<Metric>);

impl Collector for Answer {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for metric in &self.0 {
            let (name, kind) = match metric.kind {
                Kind::Gauge => (metric.name, MetricType::Gauge),
                Kind::Counter => (metric.name.trim_end_matches(TOTAL), MetricType::Counter),
            };
            // The encoder ends the sentence itself.
            let help = metric.help.trim_end_matches('.');
            let mut of_metric = encoder.encode_descriptor(name, help, None, kind)?;
            for sample in &metric.samples {
                let of_sample = of_metric.encode_family(&sample.labels)?;
                match metric.kind {
                    Kind::Gauge => ConstGauge::new(sample.value).encode(of_sample)?,
                    Kind::Counter => ConstCounter::new(sample.value).encode(of_sample)?,
                }
            }
        }
        Ok(())
    }
}
