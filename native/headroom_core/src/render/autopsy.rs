//! What a crash dump told, as prose: the answer first, ASCII only, so that it fits a ticket.

use super::page::{fix_lines, wrapped};
use crate::autopsy::Autopsy;
use crate::measure::Resource;
use crate::number::{self, plain};
use headroom_facts::dump::{Census, Dump, Owner, Process};
use headroom_facts::vocabulary::{Known, Name};

/// How many groups of a kind are shown.
const SHOWN: usize = 3;
/// Where the note of a line to paste begins.
const MARGIN: usize = 45;

/// The text of an autopsy.
pub fn autopsy(autopsy: &Autopsy, dump: &Dump) -> String {
    let mut lines = vec![format!("cause: {}", autopsy.cause.as_str())];
    lines.extend(wrapped(&autopsy.message, "  ", "  "));
    lines.extend(head(dump));
    lines.extend(
        autopsy
            .evidence
            .iter()
            .flat_map(|line| wrapped(line, "  - ", "    ")),
    );
    if dump.is_dump {
        lines.push(String::new());
        lines.extend(autopsy.tables.iter().map(table));
        lines.extend(groups("processes", &dump.processes));
        lines.extend(groups("ports", &dump.ports));
        lines.extend(owners("ports", &dump.port_owners));
        lines.extend(groups("ETS tables", &dump.ets_tables));
        lines.extend(owners("ETS tables", &dump.ets_owners));
        lines.extend(processes(dump));
    }
    if !autopsy.fix.is_empty() {
        lines.push(String::new());
        lines.extend(
            autopsy
                .fix
                .iter()
                .flat_map(|fix| fix_lines(fix, "  ", MARGIN)),
        );
    }
    lines.join("\n") + "\n"
}

fn head(dump: &Dump) -> Vec<String> {
    let version = dump.system_version.as_deref().unwrap_or_default();
    let release = version.split(" [source").next().unwrap_or_default();
    let facts = [dump.written_at.as_deref().unwrap_or_default(), release];
    let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    if facts.is_empty() {
        Vec::new()
    } else {
        wrapped(&format!("written: {}", facts.join(", ")), "  - ", "    ")
    }
}

fn table(table: &Resource) -> String {
    let percent = match table.percent {
        Known::Is(percent) => format!("{percent:.1}%"),
        Known::Unknown => String::new(),
    };
    let limit = match (table.name, table.limit.finite()) {
        (Name::EtsTables, _) => "no limit".into(),
        (_, Some(limit)) => format!("of {}", plain(limit)),
        (_, None) => "limit not in the dump".into(),
    };
    let used = number::count(table.used);
    let line = format!(
        "{:<12} {used:>12}  {limit:<14} {percent:>6}",
        table.name.as_str()
    );
    line.trim_end().into()
}

fn groups(what: &str, census: &Census) -> Vec<String> {
    let groups = census.groups.iter().filter(|group| group.count > 1);
    let shown: Vec<_> = groups
        .take(SHOWN)
        .map(|group| format!("{} x {}", plain(group.count), group.what))
        .collect();
    list(&format!("most {what}"), &shown)
}

fn owners(what: &str, owners: &[Owner]) -> Vec<String> {
    let shown: Vec<_> = owners
        .iter()
        .take(SHOWN)
        .filter(|owner| owner.count > 1)
        .map(|owner| {
            let name = owner.what.as_deref().unwrap_or("not in the dump");
            format!("{} ({name}) {}", owner.pid, plain(owner.count))
        })
        .collect();
    list(&format!("{what} owned by"), &shown)
}

fn processes(dump: &Dump) -> Vec<String> {
    let memory = |process: &Process| {
        format!(
            "{} ({}) {} KB",
            process.pid,
            process.what,
            plain(process.memory / 1000)
        )
    };
    let largest: Vec<_> = dump.largest.iter().take(SHOWN).map(memory).collect();
    let queue = |process: &Process| {
        format!(
            "{} ({}) {}",
            process.pid,
            process.what,
            plain(process.messages)
        )
    };
    let queues = dump
        .longest_queues
        .iter()
        .filter(|process| process.messages > 0);
    let queues: Vec<_> = queues.take(SHOWN).map(queue).collect();
    [
        list("largest processes", &largest),
        list("longest message queues", &queues),
    ]
    .concat()
}

fn list(title: &str, items: &[String]) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    wrapped(&format!("{title}: {}", items.join(", ")), "", "  ")
}
