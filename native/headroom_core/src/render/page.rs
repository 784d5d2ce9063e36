//! The paper that every text is set on: its width, what is never broken, and how a line to paste stands on it.

use textwrap::Options;

use crate::finding::{Fix, When};

/// The width that everything fits into where the numbers allow it.
pub const WIDTH: usize = 80;

/// Stands for a space where a line must not be broken.
const GLUE: char = '\u{a0}';

/// How far in a note stands that did not fit beside its line.
const NOTE: &str = "               ";

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

/// The text in lines; with `break_words` none of them is longer than the page.
pub fn set(text: &str, first: &str, rest: &str, break_words: bool) -> Vec<String> {
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

/// The line to paste is never wrapped: its note stands beside it, from `column` on, or below. One that does not fit beside
/// its mark stands below that.
pub fn fix_lines(fix: &Fix, mark: &str, column: usize) -> Vec<String> {
    let when = match fix.when {
        When::Now | When::Look => "now",
        When::Permanent => "permanent",
    };
    let mark = format!("{mark}{when:<10} ");
    if fix.line.is_empty() {
        return set(&fix.note, &mark, NOTE, true);
    }
    let line = format!("{mark}{}", fix.line);
    let beside = format!("{line:<column$}  {}", fix.note);
    if beside.chars().count() <= WIDTH {
        return vec![beside.trim_end().to_string()];
    }
    let mut lines = if line.chars().count() <= WIDTH {
        vec![line]
    } else {
        vec![mark.trim_end().to_string(), format!("  {}", fix.line)]
    };
    lines.extend(set(&fix.note, NOTE, NOTE, true));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    // Half a line to paste is none.
    #[test]
    fn lines_to_paste_stay_whole() {
        let long = Fix::now("y".repeat(90), "a note");
        let lines = fix_lines(&long, "  ", 45);
        assert_eq!(lines[0], "  now");
        assert_eq!(lines[1], format!("  {}", "y".repeat(90)));
        assert_eq!(lines[2], "               a note");
        assert_eq!(ascii("\u{e9}a\u{1b}"), "?a?");
    }
}
