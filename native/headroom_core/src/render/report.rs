//! The report: one screen of 80 columns for an operator, readable when it is pasted into a ticket.

use comfy_table::{CellAlignment, Table};

use super::page::{self, fix_lines, unbroken, wrapped, WIDTH};
use crate::finding::{Finding, Fix};
use crate::measure::{CapacityOf, Resource, Resources, Use};
use crate::number::{self, plain};
use crate::snapshot::Snapshot;
use headroom_facts::unreadable::Unreadable;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// The width of a bar at 100 percent.
const BAR: u64 = 19;

atoms! {
    /// Which characters the reader's terminal can show.
    pub enum Charset {
        /// Bars of `#`, and no character outside ASCII.
        Ascii = "ascii",
        /// Bars of blocks.
        Unicode = "unicode",
    }
}

/// The report of a snapshot, with the hazards where they were looked for.
pub fn report(snapshot: &Snapshot, hazards: Option<&[Finding]>, charset: Charset) -> String {
    with_holder(snapshot, hazards, None, charset)
}

/// The same with the holder that is told first, in one sentence.
pub fn with_holder(
    snapshot: &Snapshot,
    hazards: Option<&[Finding]>,
    holder: Option<&str>,
    charset: Charset,
) -> String {
    let Snapshot { facts, judgement } = snapshot;
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&heading(facts, judgement.level));
    line("");
    let binding = judgement.binding.name();
    table(&judgement.resources, binding, charset)
        .lines()
        .for_each(&mut line);
    line("* advisory: OTP refuses no table");
    line("");
    wrapped(&limits(facts), "", "         ")
        .iter()
        .for_each(|text| line(text));
    wrapped(&room(snapshot), "", "")
        .iter()
        .for_each(|text| line(text));
    if let Some(hazards) = hazards {
        line(&hazards_line(hazards));
    }
    if let Some(holder) = holder {
        let holder = format!("holders  {holder}: headroom:holders().");
        wrapped(&holder, "", "         ")
            .iter()
            .for_each(|text| line(text));
    }
    if let Some(unseen) = unseen(&facts.unreadable) {
        line(&unseen);
    }
    for unreadable in facts
        .unreadable
        .iter()
        .filter(|missing| !missing.is_out_of_sight())
    {
        line(&format!(
            "unknown  {}: {}",
            unreadable.what.as_str(),
            unreadable.reason
        ));
    }
    line("");
    if judgement.findings.is_empty() {
        line("no findings");
    }
    for finding in &judgement.findings {
        finding_lines(finding).iter().for_each(|text| line(text));
    }
    match charset {
        Charset::Unicode => out,
        Charset::Ascii => out.lines().map(|line| page::ascii(line) + "\n").collect(),
    }
}

/// What does not show from where the node was looked at, in one line.
fn unseen(unreadable: &[Unreadable]) -> Option<String> {
    let unseen = unreadable
        .iter()
        .filter(|missing| missing.is_out_of_sight());
    let names: Vec<&str> = unseen.map(|missing| missing.what.as_str()).collect();
    (!names.is_empty()).then(|| format!("not seen from outside: {}", names.join(", ")))
}

/// The node, what it runs on, and the level at the right margin.
fn heading(facts: &Facts, level: Level) -> String {
    let kernel = facts.kernel.split('-').next().unwrap_or_default();
    let left = format!(
        "headroom  {}  os pid {}  OTP {}  {kernel}",
        facts.node, facts.os_pid, facts.otp_release
    );
    let level = level.as_str().to_uppercase();
    let room = WIDTH
        .saturating_sub(left.chars().count() + level.len())
        .max(2);
    format!("{left}{}{level}", " ".repeat(room))
}

fn table(resources: &Resources, binding: Option<Name>, charset: Charset) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["RESOURCE", "USED", "LIMIT", "FREE", "USE"]);
    for resource in resources {
        let advisory = if resource.name == Name::EtsTables {
            "*"
        } else {
            " "
        };
        let percent = match resource.percent {
            Known::Is(percent) => format!("{percent:.1}%"),
            Known::Unknown => "?".into(),
        };
        let mut bar = bar(resource, charset);
        if Some(resource.name) == binding {
            bar.push_str("   <- closest to its limit");
        }
        table.add_row([
            resource.name.as_str().to_string(),
            number::count(resource.used),
            number::limit(resource.limit) + advisory,
            number::limit(resource.free),
            percent,
            bar,
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let number = (1..=4).contains(&index);
        column.set_padding((0, 2));
        column.set_cell_alignment(if number {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    table.to_string()
}

fn bar(resource: &Resource, charset: Charset) -> String {
    let full = match charset {
        Charset::Ascii => "#",
        Charset::Unicode => "\u{2588}",
    };
    let percent = resource.percent.get().unwrap_or(0.0).clamp(0.0, 100.0);
    full.repeat((percent * BAR as f64 / 100.0).round() as usize)
}

fn limits(facts: &Facts) -> String {
    let nofile = &facts.nofile;
    let reserved = match facts.reserved.fds {
        0 => String::new(),
        n => format!(" ({} reserved)", plain(n)),
    };
    let mut limits = vec![
        format!("soft {}{reserved}", number::limit(nofile.soft)),
        format!("hard {}", number::limit(nofile.hard)),
        format!("nr_open {}", number::limit(nofile.nr_open)),
        format!("max_fds {} (fixed at boot)", number::limit(nofile.max_fds)),
    ];
    if facts.reserved.ports > 0 {
        limits.push(format!("{} ports reserved", plain(facts.reserved.ports)));
    }
    let limits: Vec<String> = limits.into_iter().map(unbroken).collect();
    format!("nofile   {}", limits.join("   "))
}

fn room(snapshot: &Snapshot) -> String {
    let capacity = &snapshot.judgement.capacity;
    let kinds = Use::ALL.iter().map(|&kind| {
        let CapacityOf { free, bound_by } = capacity.of(kind);
        let by = bound_by
            .name()
            .map_or(String::new(), |name| format!(" ({})", name.as_str()));
        unbroken(format!("{} {}{by}", kind.as_str(), number::limit(free)))
    });
    let kinds: Vec<String> = kinds.collect();
    let how_many = match capacity.of(Use::GenTcp).free {
        Limit::Unknown => String::new(),
        free => number::limit(free) + " ",
    };
    unbroken(format!("room for {how_many}more: ")) + &kinds.join(", ")
}

/// How many things would hurt this node at exhaustion; the list is asked for by itself.
fn hazards_line(hazards: &[Finding]) -> String {
    let urgent = hazards
        .iter()
        .filter(|hazard| hazard.level > Level::Notice)
        .count();
    let urgent = match urgent {
        0 => String::new(),
        n => format!(", {n} of them close"),
    };
    match hazards.len() {
        0 => "hazards  none".into(),
        n => format!("hazards  {n} at exhaustion{urgent}: headroom:hazards()."),
    }
}

/// A line to paste, as it stands in a report.
pub(super) fn fix(fix: &Fix) -> Vec<String> {
    const COLUMN: usize = 45;
    fix_lines(fix, "  ", COLUMN)
}

fn finding_lines(finding: &Finding) -> Vec<String> {
    let level = match finding.level {
        Level::Ok | Level::Notice => finding.level.as_str().to_string(),
        Level::Warning | Level::Critical => finding.level.as_str().to_uppercase(),
    };
    let mut lines = vec![format!("{level:<9} {}", finding.id.as_str())];
    lines.extend(wrapped(&finding.message, "  ", "  "));
    lines.extend(finding.fix.iter().flat_map(fix));
    lines
}
