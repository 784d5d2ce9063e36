//! A printed term as a [`Value`]: Erlang's `~p`, `~0p` and `~w` with their line breaks, Elixir's `inspect`, and the cuts of both.
//!
//! Nothing is refused. What is no term is opaque, a bracket that is missing is closed where the text ends, and a term that was cut
//! in the middle ends where the next heading of a report begins. Every byte is looked at once or twice, whatever stands there.

use winnow::combinator::{alt, opt, preceded, repeat, terminated};
use winnow::prelude::*;
use winnow::stream::Stateful;
use winnow::token::{any, literal, take_till, take_while};

use headroom_facts::term::Value;

/// Deeper parts are skipped.
const DEPTH: usize = 64;
/// Of a term, so many parts are kept; what follows is read and forgotten.
const PARTS: usize = 1 << 16;

type Input<'a> = Stateful<&'a str, State>;
type Read<O> = ModalResult<O, ()>;

#[derive(Clone, Copy, Debug, Default)]
struct State {
    depth: usize,
    parts: usize,
    /// A heading of a report was met: every open bracket ends here.
    ended: bool,
}

fn input(text: &str) -> Input<'_> {
    Stateful {
        input: text,
        state: State::default(),
    }
}

/// The term at the beginning of a text, and what follows it. `None` where none begins.
pub(super) fn read(text: &str) -> Option<(Value, &str)> {
    let mut input = input(text);
    let value = term(&mut input).ok()?;
    (input.input.len() < text.len()).then_some((value, input.input))
}

/// A text in quotes at the beginning of a text, without them, and what follows. `None` without its end.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut input = input(text);
    let (content, closed) = string(&mut input).ok()?;
    closed.then_some((content, input.input))
}

/// Whether a line begins that belongs to a report, and to no term.
pub(super) fn is_heading(line: &str) -> bool {
    const HEADINGS: [&str; 8] = [
        "** ",
        "=ERROR REPORT",
        "=CRASH REPORT",
        "=SUPERVISOR REPORT",
        "Last message",
        "State: ",
        "Client ",
        "exception error: ",
    ];
    HEADINGS.iter().any(|heading| line.starts_with(heading))
}

pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

/// Whether a heading stands on the line that begins here.
fn heads(line: &str) -> bool {
    is_heading(line.trim_start_matches([' ', '\t']))
}

fn first(i: &Input) -> Option<char> {
    i.input.chars().next()
}

fn term(i: &mut Input) -> Read<Value> {
    i.state.parts += 1;
    let rest = i.input;
    match first(i) {
        None => Err(winnow::error::ErrMode::Backtrack(())),
        Some('{') => container(i, "{", '}').map(|(items, pairs)| tuple(items, pairs)),
        Some('[') => container(i, "[", ']').map(|(items, pairs)| list(items, pairs)),
        Some('<') if rest.starts_with("<<") => binary(i),
        Some('<') => alt((angle, junk)).parse_next(i),
        Some('#') if rest.starts_with("#{") => container(i, "#{", '}').map(|held| map(None, held)),
        Some('#') => alt((hash, junk)).parse_next(i),
        Some('%') => alt((percent, junk)).parse_next(i),
        Some('"') => text(i),
        Some('\\') => alt((text, junk)).parse_next(i),
        Some('\'') => single_quoted.map(atom).parse_next(i),
        Some(':') => alt((colon_atom, junk)).parse_next(i),
        Some('~') => alt((sigil, junk)).parse_next(i),
        Some('&') => take_till(1.., ends_item).value(Value::Opaque).parse_next(i),
        Some('$') => character(i),
        Some('.') => alt(("...".value(Value::Opaque), junk)).parse_next(i),
        Some('-' | '0'..='9') => number(i),
        Some(c) if c.is_alphabetic() || c == '_' => word(i),
        Some(_) => junk(i),
    }
}

/// What cannot be read, up to the end of the item that it stands in.
fn junk(i: &mut Input) -> Read<Value> {
    (any, take_till(0.., ends_item))
        .value(Value::Opaque)
        .parse_next(i)
}

fn ends_item(c: char) -> bool {
    matches!(c, ',' | '}' | ']' | ')' | '>' | '|' | '\n' | '"')
}

/// White space, also as a shipper wrote it: backslashes and a letter.
fn gap(i: &mut Input) {
    loop {
        let rest = i.input.trim_start();
        let mut newline = i.input[..i.input.len() - rest.len()].contains('\n');
        let letter = rest.trim_start_matches('\\');
        let escaped = letter.len() < rest.len() && letter.starts_with(['n', 't', 'r']);
        let rest = if escaped {
            newline |= letter.starts_with('n');
            &letter[1..]
        } else {
            rest
        };
        if newline && is_heading(rest.trim_start()) {
            i.state.ended = true;
            return;
        }
        let moved = rest.len() < i.input.len();
        i.input = rest;
        if !moved {
            return;
        }
    }
}

/// What a container holds: its items, and its pairs.
type Held = (Vec<Value>, Vec<(Value, Value)>);

fn container(i: &mut Input, open: &'static str, close: char) -> Read<Held> {
    literal(open).parse_next(i)?;
    if i.state.depth >= DEPTH {
        skip_nested(i);
        return Ok((vec![Value::Opaque], Vec::new()));
    }
    i.state.depth += 1;
    let held = items(i, close);
    i.state.depth -= 1;
    held
}

fn items(i: &mut Input, close: char) -> Read<Held> {
    let (mut items, mut pairs) = (Vec::new(), Vec::new());
    let mut key = None;
    let mut tail = false;
    loop {
        gap(i);
        let Some(c) = first(i).filter(|_| !i.state.ended) else {
            break;
        };
        match c {
            ',' | ')' | ';' => {
                tail = false;
                i.input = &i.input[1..];
            }
            // The tail of an improper list, or `|...`.
            '|' => {
                tail = true;
                i.input = &i.input[1..];
            }
            // `=>`, or the `=` of a record: what stood before is a key.
            '=' => {
                i.input = i.input[1..].trim_start_matches('>');
                key = items.pop();
            }
            '}' | ']' if c == close => {
                i.input = &i.input[1..];
                break;
            }
            '>' if close == '>' => {
                i.input = i.input.trim_start_matches('>');
                break;
            }
            // The end of an outer one: this one lost its own.
            '}' | ']' if i.state.depth > 1 => break,
            '}' | ']' | '>' => i.input = &i.input[1..],
            _ => {
                let value = term(i)?;
                let kept = i.state.parts <= PARTS && !tail;
                // `key: value`
                if i.input.starts_with(':') && i.input[1..].starts_with([' ', '\n']) {
                    i.input = &i.input[1..];
                    key = Some(value);
                } else if let Some(key) = key.take() {
                    pairs.extend(kept.then_some((key, value)));
                } else {
                    items.extend(kept.then_some(value));
                }
            }
        }
    }
    Ok((items, pairs))
}

/// Up to the end of the container that is open, without going down into what it holds.
fn skip_nested(i: &mut Input) {
    let mut open = 1usize;
    while open > 0 {
        let next = i.input.find(['{', '[', '}', ']', '"', '\n']);
        let Some(at) = next else {
            i.input = "";
            return;
        };
        let c = i.input.as_bytes()[at];
        match c {
            b'"' => {
                i.input = &i.input[at..];
                let _ = string(i);
                continue;
            }
            b'\n' if heads(&i.input[at + 1..]) => {
                i.input = &i.input[at..];
                i.state.ended = true;
                return;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => open -= 1,
            _ => (),
        }
        i.input = &i.input[at + 1..];
    }
}

fn pair((key, value): (Value, Value)) -> Value {
    Value::Tuple(vec![key, value])
}

fn list(mut items: Vec<Value>, pairs: Vec<(Value, Value)>) -> Value {
    items.extend(pairs.into_iter().map(pair));
    Value::List(items)
}

/// Elixir leaves out the brackets of a keyword list that comes last.
fn tuple(mut items: Vec<Value>, pairs: Vec<(Value, Value)>) -> Value {
    if !pairs.is_empty() {
        items.push(list(Vec::new(), pairs));
    }
    Value::Tuple(items)
}

fn map(name: Option<&str>, (_, pairs): Held) -> Value {
    let tag = name.map(|name| (Value::Atom("__struct__".into()), atom(&alias(name))));
    Value::Map(tag.into_iter().chain(pairs).collect())
}

fn atom(text: &str) -> Value {
    Value::Atom(text.into())
}

/// An Elixir module is an atom with a prefix that is not printed.
pub(super) fn alias(name: &str) -> String {
    if name.starts_with(char::is_uppercase) && !name.starts_with("Elixir.") {
        format!("Elixir.{name}")
    } else {
        name.to_string()
    }
}

/// `<<"text">>`, `<<1,2,3>>`, `<<"a",10,"b"/utf8>>`
fn binary(i: &mut Input) -> Read<Value> {
    let (items, _) = container(i, "<<", '>')?;
    let mut bytes = Vec::new();
    for item in items {
        match item {
            Value::Binary(part) => bytes.extend(part),
            Value::Integer(n) => bytes.extend(u8::try_from(n)),
            _ => (),
        }
    }
    Ok(Value::Binary(bytes))
}

/// A pid: `<0.85.0>`
fn angle(i: &mut Input) -> Read<Value> {
    ('<', take_while(1.., ('0'..='9', '.')), '>')
        .value(Value::Opaque)
        .parse_next(i)
}

/// `#Port<0.7>`, `#Fun<x.0.1>`, `#PID<0.1.0>`, `#MapSet<[1]>`, or a record as a shell prints it.
fn hash(i: &mut Input) -> Read<Value> {
    let name = preceded('#', take_while(1.., |c| is_name(c) || c == '.')).parse_next(i)?;
    if i.input.starts_with('{') {
        return container(i, "{", '}').map(|held| map(Some(name), held));
    }
    '<'.parse_next(i)?;
    let mut open = 1usize;
    while open > 0 {
        match any::<_, ()>.parse_next(i) {
            Ok('<') => open += 1,
            Ok('>') => open -= 1,
            Ok(_) => (),
            Err(_) => break,
        }
    }
    Ok(Value::Opaque)
}

/// `%{...}`, `%Name{...}`
fn percent(i: &mut Input) -> Read<Value> {
    let name = preceded('%', take_while(0.., |c| is_name(c) || c == '.')).parse_next(i)?;
    let held = container(i, "{", '}')?;
    Ok(map((!name.is_empty()).then_some(name), held))
}

/// A text in double quotes, and those beside it that belong to it: `~p` breaks a long one into several.
fn text(i: &mut Input) -> Read<Value> {
    let (content, _) = string(i)?;
    let mut bytes = content.as_bytes().to_vec();
    loop {
        let before = *i;
        gap(i);
        if i.state.ended || !i.input.starts_with('"') {
            *i = before;
            break;
        }
        bytes.extend(string(i)?.0.as_bytes());
    }
    // The cuts `"text"...` and `"text" <> ...`, and what says how a segment is stored.
    let type_of = preceded('/', take_while(1.., char::is_alphanumeric)).void();
    let cut = (opt(" <> "), "...").void();
    opt(alt((type_of, cut))).parse_next(i)?;
    Ok(Value::Binary(bytes))
}

/// A text in double quotes without them, and whether its end was there. A shipper may have escaped them once or twice: then
/// its end is escaped as its beginning is.
fn string<'a>(i: &mut Input<'a>) -> Read<(&'a str, bool)> {
    let (run, quote) = (take_while(0.., '\\'), alt(("\"", "u0022"))).parse_next(i)?;
    let level = (run.len() + 1).next_power_of_two().trailing_zeros();
    let rest = i.input;
    if quote != "\"" {
        let (content, rest) = rest.split_once("\\u0022").unwrap_or((rest, ""));
        i.input = rest;
        return Ok((content.trim_end_matches('\\'), true));
    }
    let mut from = 0;
    while let Some(found) = rest[from..].find(['"', '\n']) {
        let at = from + found;
        let run = rest[..at].len() - rest[..at].trim_end_matches('\\').len();
        from = at + 1;
        if rest[at..].starts_with('\n') {
            if heads(&rest[from..]) {
                i.input = &rest[at..];
                return Ok((&rest[..at], false));
            }
        } else if closes(run, level) {
            i.input = &rest[from..];
            return Ok((&rest[..at - run], true));
        }
    }
    i.input = "";
    Ok((rest, false))
}

/// Whether a quote behind so many backslashes ends a text that was escaped so many times.
fn closes(mut run: usize, level: u32) -> bool {
    for _ in 0..level {
        if run.is_multiple_of(2) {
            return true;
        }
        run = (run - 1) / 2;
    }
    run.is_multiple_of(2)
}

fn single_quoted<'a>(i: &mut Input<'a>) -> Read<&'a str> {
    '\''.parse_next(i)?;
    let rest = i.input;
    let mut from = 0;
    while let Some(found) = rest[from..].find(['\'', '\n']) {
        let at = from + found;
        let escaped = (rest[..at].len() - rest[..at].trim_end_matches('\\').len()) % 2 == 1;
        if rest[at..].starts_with('\n') {
            break;
        }
        if !escaped {
            i.input = &rest[at + 1..];
            return Ok(&rest[..at]);
        }
        from = at + 1;
    }
    // An apostrophe.
    take_till(0.., ends_item).parse_next(i)
}

/// `:emfile`, `:"odd atom"`
fn colon_atom(i: &mut Input) -> Read<Value> {
    ':'.parse_next(i)?;
    if i.input.starts_with('"') {
        return string(i).map(|(content, _)| atom(content));
    }
    let name = |c| is_name(c) || matches!(c, '?' | '!' | '.');
    let operator = |c| "+-*/<>=|&^~!.@".contains(c);
    alt((take_while(1.., name), take_while(1.., operator)))
        .map(atom)
        .parse_next(i)
}

/// `~c"charlist"`, `~D[2020-01-01]`
fn sigil(i: &mut Input) -> Read<Value> {
    let name = preceded('~', take_while(1.., char::is_alphabetic)).parse_next(i)?;
    if i.input.starts_with(['"', '\\']) {
        let text = text(i)?;
        return Ok(if matches!(name, "c" | "s") {
            text
        } else {
            Value::Opaque
        });
    }
    let close = match any.parse_next(i)? {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        '<' => '>',
        same => same,
    };
    terminated(take_till(0.., close), opt(any))
        .value(Value::Opaque)
        .parse_next(i)
}

/// `$a`, `$\n`
fn character(i: &mut Input) -> Read<Value> {
    let code = preceded('$', opt(preceded(opt('\\'), any))).parse_next(i)?;
    Ok(code.map_or(Value::Opaque, |c| Value::Integer(i64::from(u32::from(c)))))
}

fn number(i: &mut Input) -> Read<Value> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '#' | '_' | '-' | '+');
    let digits = (opt('-'), take_while(0.., part)).take().parse_next(i)?;
    let plain = digits.trim_end_matches('.');
    Ok(plain.parse().map_or(Value::Opaque, Value::Integer))
}

/// An atom of Erlang, a module or a key of Elixir, or a call that stands for a value (`MapSet.new([1])`).
fn word(i: &mut Input) -> Read<Value> {
    let segment = take_while(1.., is_name);
    let name: &str = (
        segment,
        repeat::<_, _, (), _, _>(0.., ('.', take_while(1.., is_name))),
    )
        .take()
        .parse_next(i)?;
    opt(alt(('?', '!'))).parse_next(i)?;
    if i.input.starts_with('(') {
        '('.parse_next(i)?;
        let state = i.state;
        skip_call(i);
        i.state.parts = state.parts;
        return Ok(Value::Opaque);
    }
    if name == "fun" && i.input.starts_with(' ') {
        return take_till(1.., ends_item).value(Value::Opaque).parse_next(i);
    }
    Ok(atom(&alias(name)))
}

/// The arguments of a call.
pub(super) fn skip_arguments(text: &str) -> &str {
    let mut input = input(text);
    skip_call(&mut input);
    input.input
}

fn skip_call(i: &mut Input) {
    let mut open = 1usize;
    while open > 0 {
        let Some(at) = i.input.find(['(', ')', '"', '\n']) else {
            i.input = "";
            return;
        };
        let c = i.input.as_bytes()[at];
        if c == b'"' {
            i.input = &i.input[at..];
            let _ = string(i);
            continue;
        }
        if c == b'\n' && heads(&i.input[at + 1..]) {
            i.input = &i.input[at..];
            return;
        }
        match c {
            b'(' => open += 1,
            b')' => open -= 1,
            _ => (),
        }
        i.input = &i.input[at + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Value {
        let (value, rest) = read(text).unwrap();
        assert_eq!(rest, "", "{text}");
        value
    }

    fn tuple<const N: usize>(items: [Value; N]) -> Value {
        Value::Tuple(items.into())
    }

    fn text(text: &str) -> Value {
        Value::Binary(text.into())
    }

    // What `~p` and `inspect` print must become the term that was printed, or its rules do not apply to it.
    #[test]
    fn terms_as_they_are_printed() {
        let emfile = || tuple([atom("error"), atom("emfile")]);
        let rows = [
            ("{error,emfile}", emfile()),
            ("{:error, :emfile}", emfile()),
            ("{error,\n    emfile}", emfile()),
            ("{error,\\n   emfile}", emfile()),
            (
                r#"{"x",1,-2,1.5}"#,
                tuple([
                    text("x"),
                    Value::Integer(1),
                    Value::Integer(-2),
                    Value::Opaque,
                ]),
            ),
            (r#"<<"bin">>"#, text("bin")),
            ("<<101,109>>", text("em")),
            (r#"<<"a",10,"b"/utf8>>"#, text("a\nb")),
            ("\"ab\"\n \"cd\"", text("abcd")),
            (r#""ab"..."#, text("ab")),
            (r#""ab" <> ..."#, text("ab")),
            (r#""say \"x\" now""#, text(r#"say \"x\" now"#)),
            ("[a,b|c]", Value::List(vec![atom("a"), atom("b")])),
            ("[a,b|...]", Value::List(vec![atom("a"), atom("b")])),
            (
                "[a: 1]",
                Value::List(vec![tuple([atom("a"), Value::Integer(1)])]),
            ),
            ("#{a => b}", Value::Map(vec![(atom("a"), atom("b"))])),
            ("%{a: :b}", Value::Map(vec![(atom("a"), atom("b"))])),
            (r#"%{"a" => :b}"#, Value::Map(vec![(text("a"), atom("b"))])),
            (
                "%File.Error{reason: :emfile}",
                Value::Map(vec![
                    (atom("__struct__"), atom("Elixir.File.Error")),
                    (atom("reason"), atom("emfile")),
                ]),
            ),
            ("'odd atom'", atom("odd atom")),
            (":\"odd atom\"", atom("odd atom")),
            (
                "{<0.85.0>,#Port<0.7>,#Fun<x.0.1>,#Ref<0.1.2>}",
                tuple([Value::Opaque, Value::Opaque, Value::Opaque, Value::Opaque]),
            ),
            ("{&Enum.map/2, a}", tuple([Value::Opaque, atom("a")])),
            ("{fun lists:map/2,a}", tuple([Value::Opaque, atom("a")])),
            (
                "{~c\"abc\", ~D[2020-01-01]}",
                tuple([text("abc"), Value::Opaque]),
            ),
            (
                "{MapSet.new([1, {2}]), a}",
                tuple([Value::Opaque, atom("a")]),
            ),
            ("{a,...}", tuple([atom("a"), Value::Opaque])),
            (
                r#"{erlang,'bsl',[1],[]}"#,
                tuple([
                    atom("erlang"),
                    atom("bsl"),
                    Value::List(vec![Value::Integer(1)]),
                    Value::List(vec![]),
                ]),
            ),
            (r#"{\"emfile\",a}"#, tuple([text("emfile"), atom("a")])),
            ("{$a,b}", tuple([Value::Integer(97), atom("b")])),
        ];
        for (printed, term) in rows {
            assert_eq!(whole(printed), term, "{printed}");
        }
    }

    // A log line is cut anywhere. What was there counts.
    #[test]
    fn what_is_cut_off_keeps_its_beginning() {
        assert_eq!(
            whole("{error,{badmatch,{error,emf"),
            whole("{error,{badmatch,{error,emf}}}")
        );
        assert_eq!(
            whole("{error,\"/var/lib"),
            tuple([atom("error"), text("/var/lib")])
        );
        assert_eq!(
            whole("{error,[emfile}"),
            tuple([atom("error"), Value::List(vec![atom("emfile")])])
        );
        let (state, rest) = read("#{a => [1,2\n** Reason for termination ==\n** emfile").unwrap();
        assert!(matches!(state, Value::Map(_)));
        assert!(rest.trim_start().starts_with("** Reason"), "{rest}");
    }

    // Thousands of open brackets must neither end the stack nor take a second.
    #[test]
    fn nothing_is_too_deep() {
        for open in [
            "{", "[", "#{a => ", "%{a: ", "<<", "((", "f(", "\"", "'", "\\\"", "#A<", "~c\"", "[a|",
        ] {
            let text = open.repeat(50_000);
            let _ = read(&text);
        }
    }
}
