//! Takes off what the way of a line to its reader has put around it: colours, the escapes of syslog, JSON, the heading of a line.
//!
//! What stays are the words of the event, on the lines that it had. Escapes inside of texts in quotes are left to their reader.

use std::borrow::Cow;

use serde_json::Value as Json;
use winnow::ascii::{dec_uint, digit1, multispace1, space0};
use winnow::combinator::{alt, delimited, opt, terminated};
use winnow::prelude::*;
use winnow::token::{one_of, take_till, take_while};

/// Deeper objects of JSON are left out.
const DEPTH: usize = 4;

/// The fields of a structured line that tell what happened. Whatever else it has, names, hosts and callers, is beside it.
pub(super) fn tells(key: &str) -> bool {
    const KEYS: [&str; 18] = [
        "body",
        "cause",
        "crash_reason",
        "details",
        "err",
        "error",
        "error_message",
        "event",
        "exception",
        "full_message",
        "log",
        "message",
        "msg",
        "reason",
        "short_message",
        "stack",
        "stacktrace",
        "text",
    ];
    let key = key
        .trim_matches('"')
        .trim_start_matches(['@', '_'])
        .to_ascii_lowercase();
    let last = key.rsplit('.').next().unwrap_or_default();
    KEYS.contains(&last) || last == "textpayload" || last == "stack_trace"
}

/// A text as it was before it was shipped.
pub(super) fn unshipped(text: &str) -> String {
    let text = without_colours(&with_lines(text)).into_owned();
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match from_json(line) {
            Some(told) => {
                out.push_str(&told);
                out.push('\n');
            }
            None => out.push_str(without_heading(line)),
        }
    }
    out
}

/// rsyslog writes control characters as `#012`; a shell, or a person, as `^[`.
fn with_lines(text: &str) -> Cow<'_, str> {
    if !text.contains("#0") && !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let replaced = text
        .replace("#033", "\u{1b}")
        .replace("#012", "\n")
        .replace("#011", "\t")
        .replace("#015", "")
        .replace('\r', "");
    Cow::Owned(replaced)
}

/// Colours, as bytes and in the ways in which JSON, Elixir and terminals print that byte.
fn without_colours(text: &str) -> Cow<'_, str> {
    const STARTS: [char; 4] = ['\u{1b}', '\\', '^', 'E'];
    if !text.contains('[') || !text.contains(STARTS) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(STARTS) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if colour(&mut rest).is_err() {
            let run = rest.len() - rest.trim_start_matches('\\').len();
            let (kept, after) = rest.split_at(run.max(1));
            out.push_str(kept);
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn colour(i: &mut &str) -> winnow::Result<(), ()> {
    let start = *i;
    let parsed = colour_code(i);
    if parsed.is_err() {
        *i = start;
    }
    parsed
}

fn colour_code(i: &mut &str) -> winnow::Result<(), ()> {
    let escape = alt((
        "\u{1b}".void(),
        (take_while(1.., '\\'), alt(("u001b", "u001B", "x1b", "e"))).void(),
        "^[".void(),
        "ESC".void(),
    ));
    let parameters = take_while(0.., ('0'..='9', ';', '?'));
    (escape, '[', parameters, one_of('A'..='z'))
        .void()
        .parse_next(i)
}

/// What an object of JSON on a line tells, whatever stands before and behind it.
fn from_json(line: &str) -> Option<String> {
    let start = line.find("{\"")?;
    let mut objects = serde_json::Deserializer::from_str(&line[start..]).into_iter::<Json>();
    let object = objects.next()?.ok().filter(Json::is_object)?;
    let rest = &line[start + objects.byte_offset()..];
    let mut told = String::new();
    tell(&object, false, 0, &mut told);
    if told.is_empty() {
        // None of its fields is known to tell anything.
        tell(&object, true, 0, &mut told);
    }
    let mut out = without_heading(&line[..start]).to_string();
    for part in [told.as_str(), rest.trim()] {
        if !out.is_empty() && !part.is_empty() {
            out.push('\n');
        }
        out.push_str(part);
    }
    Some(out)
}

/// Fields that name where it happened: they may be called anything.
fn names(key: &str) -> bool {
    const KEYS: [&str; 14] = [
        "app",
        "caller",
        "container",
        "file",
        "function",
        "host",
        "hostname",
        "logger",
        "module",
        "name",
        "node",
        "pod",
        "service",
        "source",
    ];
    KEYS.contains(&key.to_ascii_lowercase().as_str())
}

fn tell(value: &Json, all: bool, depth: usize, out: &mut String) {
    match value {
        Json::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Json::Array(items) if depth < DEPTH => items
            .iter()
            .for_each(|item| tell(item, all, depth + 1, out)),
        Json::Object(fields) if depth < DEPTH => {
            for (key, value) in fields {
                // A field of a field that tells is told as a whole.
                if all && !names(key)
                    || tells(key)
                    || matches!(value, Json::Object(_))
                        && matches!(key.as_str(), "fields" | "data" | "metadata")
                {
                    tell(value, all, depth + 1, out);
                }
            }
        }
        _ => (),
    }
}

/// A line without the time, host and program that syslog and journald put before it: they may have any name.
fn without_heading(line: &str) -> &str {
    let mut rest = line;
    match heading(&mut rest) {
        Ok(()) => rest,
        Err(()) => line,
    }
}

fn heading(i: &mut &str) -> winnow::Result<(), ()> {
    let priority = opt(delimited('<', digit1, alt((">1 ", ">"))));
    let host = terminated(take_while(1.., |c: char| c.is_ascii_graphic()), ' ');
    // `prog:` or `prog[4711]:`; version 5424 has no colon and a few fields more, which are left as they are.
    let program = (
        take_till(1.., |c: char| matches!(c, ':' | '[' | ' ')),
        opt(delimited('[', take_till(1.., ']'), ']')),
        ": ",
    );
    (space0, priority, time, ' ', host, program)
        .void()
        .parse_next(i)
}

/// `Nov 25 02:05:16`, `2026-11-25T02:05:16.123+00:00`
fn time(i: &mut &str) -> winnow::Result<(), ()> {
    let clock = (two, ':', two, ':', two);
    let syslog = (
        take_while(3, 'A'..='z'),
        multispace1,
        dec_uint::<_, u8, ()>.void(),
        ' ',
        clock,
    )
        .void();
    let clock = (two, ':', two, ':', two);
    let zone = take_while(0.., ('0'..='9', '.', ',', '+', '-', ':', 'Z'));
    let iso = (digit1, '-', two, '-', two, one_of(['T', ' ']), clock, zone).void();
    alt((iso, syslog)).parse_next(i)
}

fn two(i: &mut &str) -> winnow::Result<(), ()> {
    take_while(2, '0'..='9').void().parse_next(i)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The same event, shipped: whoever pastes it gets the same answer.
    #[test]
    fn shippers_add_and_escape() {
        let rows = [
            ("accept failed: emfile", "accept failed: emfile"),
            ("\u{1b}[31merror:\u{1b}[0m emfile", "error: emfile"),
            ("\\u001b[1memfile\\u001b[0m", "emfile"),
            ("ESC[1memfile", "emfile"),
            ("ESCAPE \\e and #Port<0.7>", "ESCAPE \\e and #Port<0.7>"),
            ("a#012b#011c", "a\nb\tc"),
            (
                "Nov 25 02:05:16 emfile enfile[12]: reason: eacces",
                "reason: eacces",
            ),
            ("<13>Nov  5 02:05:16 emfile enfile: reason", "reason"),
            (
                "2026-11-25T02:05:16.123456+00:00 emfile enfile[12]: reason",
                "reason",
            ),
            (
                r#"{"level":"error","msg":"Reason:\nemfile","service":"accept"}"#,
                "Reason:\nemfile\n\n",
            ),
            (
                r#"web-1 {"error":{"message":"x","code":1}} end"#,
                "web-1 \nx\n\nend\n",
            ),
            (r#"{"host":"enfile","what":"emfile"}"#, "emfile\n\n"),
            (r#"{"cut":"off"#, r#"{"cut":"off"#),
            (r#"{"erlang",is,no,json}"#, r#"{"erlang",is,no,json}"#),
        ];
        for (shipped, told) in rows {
            assert_eq!(unshipped(shipped), told, "{shipped}");
        }
    }
}
