//! The paper that every text is set on: its width, what is never broken, and how a line to paste stands on it.

use textwrap::Options;

use crate::finding::{Fix, When};

/// The width that everything fits into where the numbers allow it.
pub const WIDTH: usize = 80;

/// Stands for a space where a line must not be broken.
const GLUE: char = '\u{a0}';

/// How far in a note stands that did not fit beside its line.
const NOTE: &str = "               ";

atoms! {
    /// The language of the prompt that lines are pasted at.
    pub enum Dialect {
        /// `headroom:release().`
        Erlang = "erlang",
        /// `Headroom.release()`
        Elixir = "elixir",
    }
}

/// A text with its calls as they are typed at such a prompt.
pub fn dialect(text: &str, dialect: Dialect) -> String {
    const CALL: &str = "headroom:";
    if dialect == Dialect::Erlang {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(CALL) {
        let (before, call) = rest.split_at(at);
        out.push_str(before);
        rest = &call[CALL.len()..];
        let name = rest
            .chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_');
        if name.count() == 0 {
            out.push_str(CALL);
            continue;
        }
        out.push_str("Headroom.");
        let end = rest.find(").").filter(|end| !rest[..*end].contains('\n'));
        if let Some(end) = end {
            out.push_str(&rest[..=end]);
            rest = &rest[end + 2..];
        }
    }
    out.push_str(rest);
    out
}

/// The text in lines, the first and the others with what they begin with. A word that is longer than a line stays whole: it
/// may be one to paste.
pub fn wrapped(text: &str, first: &str, rest: &str) -> Vec<String> {
    set(text, first, rest, false)
}

/// The same, indented, where no line may be longer than the page: what somebody else wrote has words of any length.
pub fn cut(text: &str, indent: usize) -> Vec<String> {
    let indent = " ".repeat(indent);
    set(text, &indent, &indent, true)
}

fn set(text: &str, first: &str, rest: &str, break_words: bool) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let options = Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(break_words);
    let lines = textwrap::wrap(text, options);
    let unglued = |line: std::borrow::Cow<str>| line.replace(GLUE, " ");
    lines.into_iter().map(unglued).collect()
}

/// Words that stay on one line.
pub fn unbroken(text: String) -> String {
    text.replace(' ', "\u{a0}")
}

/// For every terminal and every ticket. Before it is measured: what is replaced may have another width.
pub fn ascii(text: &str) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    text.chars().map(shown).collect()
}

/// The line to paste is never wrapped: its note stands beside it, from `column` on, or below.
pub fn fix_lines(fix: &Fix, mark: &str, column: usize) -> Vec<String> {
    let when = match fix.when {
        When::Now => "now",
        When::Permanent => "permanent",
    };
    let line = format!("{mark}{when:<10} {}", fix.line);
    let beside = format!("{line:<column$}  {}", fix.note);
    if beside.chars().count() <= WIDTH {
        return vec![beside.trim_end().to_string()];
    }
    let mut lines = vec![line];
    lines.extend(wrapped(&fix.note, NOTE, NOTE));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    // A line that the prompt does not take is none to paste.
    #[test]
    fn calls_as_each_prompt_takes_them() {
        let text =
            "  now  headroom:raise_nofile(max).  raises\nheadroom: not a call, headroom:hazards().";
        let elixir =
            "  now  Headroom.raise_nofile(max)  raises\nheadroom: not a call, Headroom.hazards()";
        assert_eq!(dialect(text, Dialect::Erlang), text);
        assert_eq!(dialect(text, Dialect::Elixir), elixir);
    }

    // Half a line to paste is none.
    #[test]
    fn lines_to_paste_stay_whole() {
        let long = Fix::now("y".repeat(90), "a note");
        let lines = fix_lines(&long, "  ", 45);
        assert_eq!(lines[0], format!("  now        {}", "y".repeat(90)));
        assert_eq!(lines[1], "               a note");
        assert_eq!(ascii("\u{e9}a\u{1b}"), "?a?");
    }
}
