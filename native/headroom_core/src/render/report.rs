//! The report: one screen of 80 columns for an operator, readable when it is pasted into a ticket.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use comfy_table::{CellAlignment, Table};

use super::page::{self, fix_lines, unbroken, WIDTH};
use crate::finding::{Finding, Fix};
use crate::hazards::is_everywhere;
use crate::measure::{BoundBy, CapacityOf, Resource, Resources, Use};
use crate::number::{self, plain};
use crate::snapshot::Snapshot;
use headroom_facts::beam::Aside;
use headroom_facts::unreadable::Unreadable;
use headroom_facts::vocabulary::{Known, Level, Limit, Name};
use headroom_facts::Facts;

/// The width of a bar at 100 percent, where the numbers leave room for it.
const BAR: usize = 19;

atoms! {
    /// Which characters the reader's terminal can show.
    pub enum Charset {
        /// Bars of `#`, and no character outside ASCII.
        Ascii = "ascii",
        /// Bars of blocks.
        Unicode = "unicode",
    }
}

/// What a report tells beside the snapshot, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// What would hurt the node at exhaustion.
    pub hazards: Option<&'a [Finding]>,
    /// The holder that is told first, in one sentence.
    pub holder: Option<&'a str>,
    /// What grows, in sentences.
    pub growing: Option<&'a str>,
    /// What only the VM can tell.
    pub aside: Option<Aside>,
}

/// The report of a snapshot, with the hazards where they were looked for.
pub fn report(snapshot: &Snapshot, hazards: Option<&[Finding]>, charset: Charset) -> String {
    let beside = Beside {
        hazards,
        ..Beside::default()
    };
    with(snapshot, &beside, charset)
}

/// The report of a snapshot, and what is known beside it. No line is longer than the page.
pub fn with(snapshot: &Snapshot, beside: &Beside, charset: Charset) -> String {
    let Snapshot { facts, judgement } = snapshot;
    let mut lines = heading(facts, judgement.level);
    lines.extend(when(facts, beside.aside));
    lines.push(String::new());
    let binding = judgement.binding.name();
    let table = table(&judgement.resources, binding, charset);
    lines.extend(table.lines().map(String::from));
    lines.push("* this many names are looked up fast: OTP refuses no ETS table".into());
    if let Some(above) = above(judgement.resources.of(Name::Fds)) {
        lines.extend(page::set(&above, "  ", "  ", true));
    }
    lines.push(String::new());
    if let Some(aside) = beside.aside {
        lines.extend(set(&split(facts, aside), "         "));
    }
    lines.extend(set(&limits(facts), "         "));
    lines.extend(set(&room(snapshot), ""));
    if let Some(hazards) = beside.hazards.and_then(hazards_line) {
        lines.extend(set(&hazards, "         "));
    }
    if let Some(holder) = beside.holder {
        let holder = format!("holders  {holder}: headroom:holders().");
        lines.extend(set(&holder, "         "));
    }
    if let Some(growing) = beside.growing {
        lines.extend(set(&format!("trend    {growing}"), "         "));
    }
    if beside.aside.is_some_and(|aside| aside.signal) && judgement.level > Level::Notice {
        let pid = facts.os_pid;
        let signal =
            format!("no shell? kill -USR2 {pid}: this goes to the log, the reserve is given back");
        lines.extend(set(&signal, "         "));
    }
    lines.extend(unseen(&facts.unreadable).map_or_else(Vec::new, |unseen| set(&unseen, "")));
    for missing in &facts.unreadable {
        if !missing.is_out_of_sight() {
            let (what, reason) = (missing.what.as_str(), missing.reason);
            lines.extend(set(&format!("unknown  {what}: {reason}"), "         "));
        }
    }
    lines.push(String::new());
    if judgement.findings.is_empty() {
        lines.push("no findings".into());
    }
    lines.extend(judgement.findings.iter().flat_map(finding_lines));
    let mut out = String::new();
    for line in lines {
        let line = match charset {
            Charset::Unicode => line,
            Charset::Ascii => page::ascii(&line),
        };
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A text on the page: what a node is called, or what somebody set, may have words of any length.
fn set(text: &str, rest: &str) -> Vec<String> {
    page::set(text, "", rest, true)
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
fn heading(facts: &Facts, level: Level) -> Vec<String> {
    let kernel = facts.kernel.split('-').next().unwrap_or_default();
    let left = format!(
        "headroom  {}  os pid {}  OTP {}  {kernel}",
        facts.node, facts.os_pid, facts.otp_release
    );
    let level = level.as_str().to_uppercase();
    let taken = left.chars().count() + level.len();
    if taken + 2 <= WIDTH {
        return vec![format!("{left}{}{level}", " ".repeat(WIDTH - taken))];
    }
    let mut lines = set(&left, "          ");
    lines.push(format!("{level:>WIDTH$}"));
    lines
}

/// When the report was made, and for how long the node runs: without it two reports in a ticket have no order.
fn when(facts: &Facts, aside: Option<Aside>) -> Option<String> {
    let at = u64::try_from(facts.taken_at).ok().filter(|&at| at > 0)?;
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(at))?;
    // What is no date of this calendar is not written as one.
    let mut line = String::new();
    write!(line, "{}", humantime::format_rfc3339_seconds(at)).ok()?;
    if let Some(Aside { uptime_ms, .. }) = aside {
        let up = Duration::from_secs(uptime_ms / 60_000 * 60);
        let up = match uptime_ms {
            0..60_000 => "less than a minute".into(),
            _ => humantime::format_duration(up).to_string(),
        };
        line.push_str(&format!("  up {up}"));
    }
    Some(line)
}

/// A row's number in the table. One that no node reaches is told by its size: it would take the place of the others.
fn cell(limit: Limit) -> String {
    const LONGEST: u64 = 999_999_999_999;
    match limit {
        Limit::Finite(n) if n > LONGEST => format!("{:.1e}", n as f64),
        limit => number::limit(limit),
    }
}

fn table(resources: &Resources, binding: Option<Name>, charset: Charset) -> String {
    const MARK: &str = "<- closest";
    let rows = resources.iter().map(|resource| {
        let advisory = if resource.name == Name::EtsTables {
            "*"
        } else {
            " "
        };
        let percent = match resource.percent {
            Known::Is(percent) => format!("{percent:.1}%"),
            Known::Unknown => "?".into(),
        };
        let used = resource.used.get().map_or(Limit::Unknown, Limit::Finite);
        let cells = [
            resource.name.as_str().to_string(),
            cell(used),
            cell(resource.limit) + advisory,
            cell(resource.free),
            percent,
        ];
        (resource, cells)
    });
    let rows: Vec<_> = rows.collect();
    let header = ["RESOURCE", "USED", "LIMIT ", "FREE", "USE"];
    let width = |column: usize| {
        let cells = rows.iter().map(|(_, cells)| cells[column].len());
        cells.max().unwrap_or(0).max(header[column].len()) + 2
    };
    let taken: usize = (0..header.len()).map(width).sum();
    let longest = WIDTH.saturating_sub(taken + MARK.len() + 2).min(BAR);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    for (resource, cells) in rows {
        let bar = bar(resource, longest, charset);
        let mark = match Some(resource.name) == binding {
            true if bar.is_empty() => MARK.into(),
            true => format!("{bar}  {MARK}"),
            false => bar,
        };
        table.add_row(cells.into_iter().chain([mark]));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let number = (1..=4).contains(&index);
        column.set_padding((0, if index < header.len() { 2 } else { 0 }));
        column.set_cell_alignment(if number {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    table.to_string()
}

fn bar(resource: &Resource, longest: usize, charset: Charset) -> String {
    let full = match charset {
        Charset::Ascii => "#",
        Charset::Unicode => "\u{2588}",
    };
    let percent = resource.percent.get().unwrap_or(0.0).clamp(0.0, 100.0);
    full.repeat((percent * longest as f64 / 100.0).round() as usize)
}

/// Why used and free do not make up the limit: a descriptor that stands above it takes none of its slots.
fn above(fds: &Resource) -> Option<String> {
    let (Known::Is(used), Limit::Finite(limit), Limit::Finite(free)) =
        (fds.used, fds.limit, fds.free)
    else {
        return None;
    };
    let above = used.checked_sub(limit.saturating_sub(free))?;
    let (stand, take) = match above {
        1 => ("stands", "takes"),
        _ => ("stand", "take"),
    };
    (above > 0 && fds.bound_by != BoundBy::NrOpen).then(|| {
        format!("fds: {above} of the {used} {stand} above the limit and {take} none of it")
    })
}

/// What the descriptors are, as far as the VM knows.
fn split(facts: &Facts, aside: Aside) -> String {
    let (inet, programs) = (aside.inet_ports, aside.port_programs);
    let sockets = facts.beam.sockets;
    let known = inet
        .saturating_add(programs.saturating_mul(2))
        .saturating_add(sockets.get().unwrap_or(0));
    let rest = match facts.fds.open {
        Known::Is(open) => plain(open.saturating_sub(known)),
        Known::Unknown => "unknown".into(),
    };
    let parts = [
        format!("{} inet ports", plain(inet)),
        format!("{} sockets", number::count(sockets)),
        format!("{} port programs (2 each)", plain(programs)),
        format!("{rest} others (files, pipes, the VM's own)"),
    ];
    let open = number::count(facts.fds.open);
    format!("fds      {open}: {}", parts.map(unbroken).join(", "))
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
        format!(
            "max_fds {} (the VM watches no more until its next start)",
            number::limit(nofile.max_fds)
        ),
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

/// How many things would hurt this node at exhaustion, without those that every node has, until they are close; the list
/// is asked for by itself.
fn hazards_line(hazards: &[Finding]) -> Option<String> {
    let close = |hazard: &&Finding| hazard.level > Level::Notice;
    let told = hazards
        .iter()
        .filter(|hazard| close(hazard) || !is_everywhere(hazard.id));
    let (told, close) = (told.count(), hazards.iter().filter(close).count());
    let close = match close {
        0 => String::new(),
        n => format!(", {n} of them close"),
    };
    (told > 0).then(|| {
        format!("hazards  {told} at exhaustion{close}: headroom:show(headroom:hazards()).")
    })
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
    lines.extend(page::set(&finding.message, "  ", "  ", true));
    lines.extend(finding.fix.iter().flat_map(fix));
    lines
}
