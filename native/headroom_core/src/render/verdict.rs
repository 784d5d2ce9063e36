//! A verdict as prose: at most 25 lines of 80 columns, the first line is the verdict in one sentence.
//!
//! ASCII only: it must be readable on every terminal, and in every ticket.

use super::page::{ascii, cut, fix_lines};
use crate::explain::{self, Basis, Operation, Verdict};
use headroom_facts::Facts;

/// The most lines that it takes.
pub const LINES: usize = 25;
/// Where the text of a section begins.
const INDENT: usize = 11;
/// Where the note of a short line to paste begins.
const FIX: usize = 28;

/// The prose of a verdict.
pub fn prose(verdict: &Verdict, facts: &Facts) -> String {
    let (headline, detail) = verdict.message.split_at(verdict.headline);
    let mut head = cut(&ascii(headline), 0);
    head.extend(cut(&ascii(detail.trim_start()), 0));
    let mut body = section("error", &error(verdict, facts));
    body.extend(section("evidence", basis(verdict.basis)));
    body.extend(section("client", &verdict.client_sees));
    let state = match verdict.elsewhere {
        None => section("state", &explain::state(facts)),
        Some(_) => section("state here", &explain::state(facts)),
    };
    let fixes: Vec<String> = verdict
        .fix
        .iter()
        .flat_map(|fix| fix_lines(fix, "fix ", FIX))
        .collect();
    let taken = head.len() + 1 + body.len() + state.len() + fixes.len();
    let mut room = LINES.saturating_sub(taken);
    for (index, rejected) in verdict.rejected.iter().enumerate() {
        let name = if index == 0 { "not" } else { "" };
        let text = format!("{}: {}", rejected.verdict.as_str(), rejected.why);
        let lines = section(name, &text);
        if lines.len() > room {
            break;
        }
        room -= lines.len();
        body.extend(lines);
    }
    head.push(String::new());
    let lines = [head, body, state, fixes].concat();
    let mut out = String::new();
    for line in lines.iter().take(LINES) {
        out.push_str(ascii(line).trim_end());
        out.push('\n');
    }
    out
}

fn error(verdict: &Verdict, facts: &Facts) -> String {
    let from = match verdict.operation {
        Operation::Undefined => "(operation not known)".into(),
        operation => format!("from {}", operation.noun()),
    };
    let (told, node, release) = (verdict.reason.as_str(), &facts.node, &facts.otp_release);
    match &verdict.elsewhere {
        None => format!("{told} {from}, {node} on OTP {release}"),
        Some(other) => format!("{told} {from}, on {other}; asked on {node}"),
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Observed => "observed: it is exhausted at this moment",
        Basis::Recorded => "recorded: the watcher saw it exhausted lately",
        Basis::Probed => "probed: the kernel was asked just now, and refused",
        Basis::ByElimination => "by elimination: nothing else yields this error here",
        Basis::None => "",
    }
}

fn section(name: &str, text: &str) -> Vec<String> {
    let mut lines = cut(&ascii(text), INDENT);
    if let Some(first) = lines.first_mut() {
        *first = format!("{name:<INDENT$}{}", first.trim_start());
    }
    lines
}
