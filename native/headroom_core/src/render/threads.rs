//! What the threads of a node do, below the report of its limits.

use super::page::wrapped;
use crate::threads::{Group, Threads};

/// The lines; empty where no thread could be seen.
pub fn section(threads: &Threads) -> String {
    if threads.groups.is_empty() {
        return String::new();
    }
    let mut lines = vec![String::new()];
    let groups: Vec<String> = threads.groups.iter().map(group).collect();
    lines.extend(wrapped(
        &format!("threads  {}", groups.join(", ")),
        "",
        "         ",
    ));
    for burner in &threads.burners {
        lines.push(format!(
            "         {} uses {:.1}% of a processor",
            burner.name, burner.percent
        ));
    }
    for trouble in &threads.troubles {
        lines.push(format!(
            "{:<9} {}",
            trouble.level.as_str().to_uppercase(),
            trouble.id.as_str()
        ));
        lines.extend(wrapped(&trouble.message, "  ", "  "));
    }
    lines.join("\n") + "\n"
}

/// Such as `10 dirty_io (1 blocked)`; numbers and words stay on one line.
fn group(group: &Group) -> String {
    let states = [
        (group.running, "running"),
        (group.blocked, "blocked"),
        (group.stopped, "stopped"),
    ];
    let states: Vec<String> = states
        .iter()
        .filter(|(threads, _)| *threads > 0)
        .map(|(threads, state)| format!("{threads} {state}"))
        .collect();
    let states = match states.as_slice() {
        [] => String::new(),
        states => format!(" ({})", states.join(", ")),
    };
    format!("{} {}{states}", group.threads, group.kind.as_str()).replace(' ', "\u{a0}")
}
