//! What so many sessions need, as lines of 80 columns, ASCII only.

use super::page::wrapped;
use crate::number::{self, plain};
use crate::plan::Plan;

/// The text of a plan.
pub fn plan(plan: &Plan) -> String {
    let asked = &plan.asked;
    let mut lines = wrapped(
        &format!(
            "{} sessions, each with {} descriptors, {} ports and {} processes; {} upstream{}",
            plain(asked.sessions),
            asked.fds_per_session,
            asked.ports_per_session,
            asked.processes_per_session,
            asked.upstreams,
            if asked.upstreams == 1 { "" } else { "s" }
        ),
        "",
        "  ",
    );
    lines.push(String::new());
    lines.push(format!(
        "{:<24} {:>14} {:>14}",
        "", "IN USE", "SET AT LEAST"
    ));
    for need in &plan.needs {
        lines.push(format!(
            "{:<24} {:>14} {:>14}",
            need.name.as_str(),
            plain(need.used),
            plain(need.limit)
        ));
    }
    let available = number::count(plan.local_ports.available);
    lines.push(format!(
        "{:<24} {:>14} {:>14}",
        "local ports, an upstream",
        plain(plan.local_ports.used),
        format!("({available} here)")
    ));
    lines.push(format!(
        "{:<24} {:>14}",
        "memory of the tables",
        format!("{} MB", plain(plan.table_bytes / 1_000_000))
    ));
    lines.push(String::new());
    for line in &plan.lines {
        lines.push(format!("{:<46} {}", line.line, line.place));
    }
    if !plan.lacks.is_empty() {
        lines.push(String::new());
        lines.push("this host lacks".into());
        lines.extend(
            plan.lacks
                .iter()
                .flat_map(|lack| wrapped(lack, "  - ", "    ")),
        );
    }
    lines.join("\n") + "\n"
}
