//! A verdict as prose: at most 25 lines of 80 columns, the first line is the verdict in one sentence.
//!
//! ASCII only: it must be readable on every terminal, and in every ticket.

use textwrap::Options;

use super::text::WIDTH;
use crate::explain::{self, Basis, Operation, Verdict};
use crate::finding::{Fix, When};
use headroom_facts::Facts;

/// The most lines that it takes.
pub const LINES: usize = 25;
/// Where the text of a section begins.
const INDENT: usize = 11;

/// The prose of a verdict.
pub fn explain(verdict: &Verdict, facts: &Facts) -> String {
    let (headline, detail) = verdict.message.split_at(verdict.headline);
    let mut head = wrapped(headline, 0);
    head.extend(wrapped(detail.trim_start(), 0));
    let mut body = section("error", &error(verdict, facts));
    body.extend(section("evidence", basis(verdict.basis)));
    body.extend(section("the client", &verdict.client_sees));
    let state = section("now", &explain::state(facts));
    let fixes: Vec<String> = verdict.fix.iter().flat_map(fix).collect();
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
        out.push_str(line.trim_end());
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
    format!("{told} {from}, {node} on OTP {release}")
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
    let mut lines = wrapped(text, INDENT);
    if let Some(first) = lines.first_mut() {
        *first = format!("{name:<INDENT$}{}", first.trim_start());
    }
    lines
}

/// The line to paste stands whole on its own line; its note goes beside it or below.
fn fix(fix: &Fix) -> Vec<String> {
    let when = match fix.when {
        When::Now => "now",
        When::Permanent => "permanent",
    };
    let line = ascii(&format!("fix {when:<10} {}", fix.line));
    let beside = ascii(&format!("{line:<28}  {}", fix.note));
    if beside.chars().count() <= WIDTH {
        return vec![beside];
    }
    let mut lines = vec![line];
    lines.extend(wrapped(&fix.note, 15));
    lines
}

fn wrapped(text: &str, indent: usize) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let indent = " ".repeat(indent);
    let options = Options::new(WIDTH)
        .initial_indent(&indent)
        .subsequent_indent(&indent);
    let text = unbroken(&ascii(text));
    let lines = textwrap::wrap(&text, options);
    lines
        .into_iter()
        .map(|line| line.replace(GLUE, " "))
        .collect()
}

/// Stands for a space where a line must not be broken: inside a number.
const GLUE: char = '\u{a0}';

/// Before it is measured: what is replaced may have another width.
fn ascii(text: &str) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    text.chars().map(shown).collect()
}

fn unbroken(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digit = |index: usize| chars.get(index).is_some_and(char::is_ascii_digit);
    let glued = |(index, &c): (usize, &char)| match c {
        ' ' if index > 0 && digit(index - 1) && digit(index + 1) => GLUE,
        c => c,
    };
    chars.iter().enumerate().map(glued).collect()
}
