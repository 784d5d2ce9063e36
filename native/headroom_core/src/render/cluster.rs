//! A line for each node of a cluster.

use comfy_table::{CellAlignment, Table};
use serde::{Deserialize, Serialize};

use super::{page, trend};
use crate::snapshot::Snapshot;
use crate::trend::{Verdict, Watch};
use headroom_facts::vocabulary::{Known, Level, Name};

/// What a node tells others of itself: the limit that it is closest to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sketch {
    /// How bad it is.
    pub level: Level,
    /// The resource that is closest to its limit.
    pub binding: Option<Name>,
    /// The share of the limit that is taken.
    pub percent: Option<f64>,
    /// What that resource does.
    pub trend: Verdict,
    /// When nothing of it is left, if it grows.
    pub full_in_ms: Option<u64>,
    /// What held most descriptors when the level rose, while it is raised.
    pub first_holder: Option<String>,
}

impl Sketch {
    /// Of this moment.
    pub fn new(snapshot: &Snapshot, watch: Option<&Watch>) -> Sketch {
        let judgement = &snapshot.judgement;
        let binding = judgement.binding.name();
        let percent = binding.map(|name| judgement.resources.of(name).percent);
        let outlook = binding.and_then(|name| watch?.outlook(name));
        let raised = watch.filter(|_| judgement.level > Level::Notice);
        let holder = raised.and_then(Watch::holder);
        Sketch {
            level: judgement.level,
            binding,
            percent: percent.and_then(Known::get),
            trend: outlook.map_or(Verdict::TooShort, |outlook| outlook.verdict),
            full_in_ms: outlook.and_then(|outlook| Some(outlook.full?.in_ms)),
            first_holder: holder.map(str::to_string),
        }
    }
}

atoms! {
    /// What came of asking a node.
    pub enum State {
        /// It told.
        Watched = "watched",
        /// It is there, and nothing of ours watches it.
        NoHeadroom = "no_headroom",
        /// It is not connected.
        Down = "down",
        /// It did not tell in time.
        TooSlow = "too_slow",
    }
}

/// A node as it is shown.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// Its name.
    pub node: String,
    /// What came of asking it.
    pub state: State,
    /// What it told.
    #[serde(default)]
    pub level: Option<Level>,
    /// The resource that is closest to its limit.
    #[serde(default)]
    pub binding: Option<Name>,
    /// The share of the limit that is taken.
    #[serde(default)]
    pub percent: Option<f64>,
    /// What that resource does.
    #[serde(default)]
    pub trend: Option<Verdict>,
    /// When nothing of it is left.
    #[serde(default)]
    pub full_in_ms: Option<u64>,
    /// What holds most.
    #[serde(default)]
    pub first_holder: Option<String>,
}

/// The table, in ASCII.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "NODE", "LEVEL", "CLOSEST", "USE", "TREND", "FULL IN", "HOLDER",
    ]);
    for row in rows {
        let level = match (row.state, row.level) {
            (State::Watched, Some(level)) => level.as_str().to_uppercase(),
            (state, _) => state.as_str().into(),
        };
        table.add_row([
            page::ascii(&row.node),
            level,
            row.binding.map_or("", Name::as_str).into(),
            row.percent
                .map_or(String::new(), |percent| format!("{percent:.1}%")),
            row.trend.map_or("", Verdict::as_str).into(),
            row.full_in_ms.map_or(String::new(), trend::time),
            row.first_holder
                .as_deref()
                .map_or(String::new(), page::ascii),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index == 3 || index == 5 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .map(|line| line.trim_end().to_string() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A node that does not answer is the one to look at: it must not be missing, nor look well.
    #[test]
    fn a_silent_node_is_shown_as_that() {
        let silent = |node: &str, state| Row {
            node: node.into(),
            state,
            level: None,
            binding: None,
            percent: None,
            trend: None,
            full_in_ms: None,
            first_holder: None,
        };
        let full = Row {
            level: Some(Level::Critical),
            binding: Some(Name::Fds),
            percent: Some(100.0),
            trend: Some(Verdict::Growing),
            full_in_ms: Some(0),
            ..silent("a@host", State::Watched)
        };
        let text = table(&[
            full,
            silent("b@host", State::Down),
            silent("c@host", State::TooSlow),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("a@host  CRITICAL  fds      100.0%  growing     0 ms"),
            "{text}"
        );
        assert_eq!(lines[2], "b@host  down");
        assert_eq!(lines[3], "c@host  too_slow");
    }
}
