//! Takes the wrappers off a reason: whatever a library, a supervisor or a shell put around the error, it is found by
//! looking through the term once, in order, within a bound.

use super::operation::Operation;
use super::symptom::{Symptom, Told, Word};
use super::text::{self, Found};
use crate::value::Value;

/// So many parts of a term are looked at.
const PARTS: usize = 4096;
/// So deep.
const DEPTH: usize = 64;
/// So much of a text is repeated.
const REPEATED: usize = 120;

/// The result of `enif_select` for a descriptor that is too large: `INT_MIN | ERL_NIF_SELECT_INVALID_EVENT` (erl_nif_api_funcs.h,
/// `enif_select` in erl_check_io.c).
const SELECT_INVALID: i64 = -2_147_483_644;
/// And for one that the kernel refuses to watch: `INT_MIN | ERL_NIF_SELECT_FAILED`.
const SELECT_FAILED: i64 = -2_147_483_640;

/// A reason without its wrappers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it says.
    pub symptom: Symptom,
    /// The operation that its shape shows.
    pub operation: Option<Operation>,
    /// A stacktrace shows that starting a process failed, whatever the operation was.
    pub spawning: bool,
    /// What to repeat of it.
    pub told: Told,
}

/// Reads a reason.
pub fn read(reason: &Value) -> Seen {
    let mut search = Search {
        parts: PARTS,
        ..Search::default()
    };
    search.look(reason, 0, true);
    let weak = search.weak.map(Symptom::Word);
    let symptom = search.strong.or(weak).unwrap_or(Symptom::Unknown);
    let raised = search.frames.first().copied();
    let symptom = match (symptom, raised) {
        (Symptom::Word(Word::SystemLimit), Some(Frame::TooLarge)) => Symptom::TooLarge,
        _ => symptom,
    };
    let frames = search.frames.iter().filter_map(|frame| match frame {
        Frame::Of(operation) => Some(*operation),
        Frame::TooLarge => None,
    });
    let framed = frames.clone().next();
    Seen {
        symptom,
        operation: framed.or(search.hint),
        spawning: framed == Some(Operation::Spawn),
        told: match symptom {
            Symptom::Word(word) => Told::Word(word),
            _ => Told::Text(repeat(reason)),
        },
    }
}

/// What a function of a stacktrace means.
#[derive(Clone, Copy)]
enum Frame {
    Of(Operation),
    /// It raises `system_limit` for one thing that is too large.
    TooLarge,
}

impl Frame {
    fn new(module: &str, function: &str) -> Option<Frame> {
        let too_large = matches!(
            (module, function),
            (
                "erlang",
                "list_to_atom"
                    | "binary_to_atom"
                    | "bsl"
                    | "*"
                    | "+"
                    | "-"
                    | "list_to_integer"
                    | "binary_to_integer"
                    | "list_to_binary"
                    | "iolist_to_binary"
                    | "list_to_bitstring"
                    | "list_to_tuple"
                    | "make_tuple"
                    | "apply"
            ) | ("binary", "copy")
        );
        if too_large {
            return Some(Frame::TooLarge);
        }
        Operation::of_function(module, function).map(Frame::Of)
    }
}

#[derive(Default)]
struct Search {
    parts: usize,
    strong: Option<Symptom>,
    weak: Option<Word>,
    hint: Option<Operation>,
    frames: Vec<Frame>,
}

impl Search {
    /// `reason` is whether a word here is a reason, and not a key, a name or an argument.
    fn look(&mut self, value: &Value, depth: usize, reason: bool) {
        if self.parts == 0 || depth > DEPTH {
            return;
        }
        self.parts -= 1;
        match value {
            Value::Atom(atom) => self.atom(atom, reason),
            Value::Binary(bytes) => self.text(bytes, reason),
            Value::List(items) => match string(items) {
                Some(bytes) => self.text(&bytes, reason),
                None => items
                    .iter()
                    .for_each(|item| self.look(item, depth + 1, false)),
            },
            Value::Tuple(items) => self.tuple(items, depth, reason),
            Value::Map(pairs) => self.map(pairs, depth),
            Value::Integer(_) | Value::Float(_) | Value::Opaque => (),
        }
    }

    fn found(&mut self, symptom: Symptom) {
        self.strong.get_or_insert(symptom);
    }

    fn atom(&mut self, atom: &str, reason: bool) {
        match Word::parse(atom) {
            Some(word) if word.is_strong() => self.found(Symptom::Word(word)),
            Some(word) if reason || word.is_errno() => {
                self.weak.get_or_insert(word);
            }
            _ => match atom {
                // The socket backend of OTP 23, where a later release raises {select_read, N}.
                "exselect" => self.found(Symptom::Deaf),
                "Elixir.SystemLimitError" => self.found(Symptom::Word(Word::SystemLimit)),
                "Elixir.File.Error" | "Elixir.File.CopyError" => self.hint(Operation::File),
                "Elixir.Mint.TransportError" | "Elixir.DBConnection.ConnectionError" => {
                    self.hint(Operation::Connect)
                }
                _ => (),
            },
        }
    }

    fn hint(&mut self, operation: Operation) {
        self.hint.get_or_insert(operation);
    }

    fn text(&mut self, bytes: &[u8], reason: bool) {
        if bytes.is_empty() {
            return;
        }
        let Found { symptom, operation } = text::read(bytes);
        let symptom = match symptom {
            Some(Symptom::Word(word)) if !word.is_strong() => {
                if reason {
                    self.weak.get_or_insert(word);
                }
                Some(Symptom::Word(word)).filter(|_| reason)
            }
            Some(symptom) => {
                self.found(symptom);
                Some(symptom)
            }
            None => None,
        };
        if let (Some(_), Some(operation)) = (symptom, operation) {
            self.hint(operation);
        }
    }

    fn tuple(&mut self, items: &[Value], depth: usize, reason: bool) {
        let tag = items.first().and_then(Value::as_atom).unwrap_or_default();
        match (tag, items) {
            ("select_read" | "select_write" | "select_accept", [_, Value::Integer(result)]) => {
                match *result {
                    SELECT_INVALID => self.found(Symptom::Deaf),
                    SELECT_FAILED => self.found(Symptom::Unwatched),
                    _ => (),
                }
            }
            ("errno", [_, Value::Integer(errno)]) => {
                if let Some(word) = Word::of_errno(*errno) {
                    self.atom(word.as_str(), true);
                }
            }
            // A line of a stacktrace: its arguments are data, its location may hold the cause.
            (
                module,
                [_, Value::Atom(function), Value::Integer(_) | Value::List(_), location @ Value::List(_)],
            ) => {
                self.frames.extend(Frame::new(module, function));
                self.look(location, depth + 1, false);
            }
            (module, [_, Value::Atom(function), Value::Integer(_)])
                if Frame::new(module, function).is_some() =>
            {
                self.frames.extend(Frame::new(module, function));
            }
            _ => {
                match tag {
                    "failed_connect" | "connect_error" | "conn_failed" => {
                        self.hint(Operation::Connect)
                    }
                    "listen_error" | "listen_failed" => self.hint(Operation::Listen),
                    "accept_failed" | "accept_error" => self.hint(Operation::Accept),
                    "file_error" => self.hint(Operation::File),
                    "open_port" => self.hint(Operation::OpenPort),
                    // gen_tcp_socket stops its process, and connect returns what it stopped with.
                    "shutdown" if matches!(items, [_, Value::Atom(word)] if Word::parse(word).is_some_and(Word::is_strong)) => {
                        self.hint(Operation::Connect)
                    }
                    _ => (),
                }
                for item in items {
                    self.look(
                        item,
                        depth + 1,
                        reason || matches!(tag, "error" | "EXIT" | "inet"),
                    );
                }
            }
        }
    }

    /// The keys under which Elixir's exceptions keep a reason come first; other maps are only searched for plain words.
    fn map(&mut self, pairs: &[(Value, Value)], depth: usize) {
        const REASONS: [&str; 5] = ["__struct__", "reason", "original", "term", "message"];
        let is = |key: &Value, name| key.as_atom() == Some(name);
        for name in REASONS {
            for (_, value) in pairs.iter().filter(|(key, _)| is(key, name)) {
                self.look(value, depth + 1, true);
            }
        }
        let rest = pairs
            .iter()
            .filter(|(key, _)| !REASONS.iter().any(|name| is(key, name)));
        rest.for_each(|(_, value)| self.look(value, depth + 1, false));
    }
}

/// The bytes of a list that is text.
fn string(items: &[Value]) -> Option<Vec<u8>> {
    let byte = |item: &Value| match item {
        Value::Integer(code) if (9..=255).contains(code) => u8::try_from(*code).ok(),
        Value::Integer(code) if (256..=0x10_ffff).contains(code) => Some(b'?'),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

/// The beginning of a reason, in printable ASCII.
fn repeat(reason: &Value) -> String {
    let mut out = String::new();
    write(reason, 0, &mut out);
    if out.len() > REPEATED {
        out.truncate(REPEATED - 3);
        out.push_str("...");
    }
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    if out.len() > REPEATED || depth > DEPTH {
        return;
    }
    let list = |open: &str, items: &[Value], close: &str, out: &mut String| {
        out.push_str(open);
        for (index, item) in items.iter().enumerate() {
            if out.len() > REPEATED {
                return;
            }
            if index > 0 {
                out.push(',');
            }
            write(item, depth + 1, out);
        }
        out.push_str(close);
    };
    match value {
        Value::Atom(atom) => printable(atom.bytes(), out),
        Value::Integer(n) => out.push_str(&n.to_string()),
        Value::Float(n) => out.push_str(&n.to_string()),
        Value::Binary(bytes) => printable(bytes.iter().copied(), out),
        Value::List(items) => match string(items) {
            Some(bytes) => printable(bytes.into_iter(), out),
            None => list("[", items, "]", out),
        },
        Value::Tuple(items) => list("{", items, "}", out),
        Value::Map(pairs) => {
            out.push_str("#{");
            for (key, value) in pairs {
                if out.len() > REPEATED {
                    return;
                }
                write(key, depth + 1, out);
                out.push_str("=>");
                write(value, depth + 1, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Opaque => out.push_str("..."),
    }
}

fn printable(bytes: impl Iterator<Item = u8>, out: &mut String) {
    for byte in bytes.take(REPEATED + 1) {
        out.push(match byte {
            b' '..=b'~' => char::from(byte),
            b'\n' | b'\r' | b'\t' => ' ',
            _ => '?',
        });
    }
}
