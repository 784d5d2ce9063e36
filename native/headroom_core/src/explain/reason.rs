//! Takes the wrappers off a reason: whatever a library, a supervisor or a shell put around the error, it is found by
//! looking through the term once, in order, within a bound.

use super::operation::Operation;
use super::symptom::{Symptom, Told, Word};
use super::text::{self, Found};
use headroom_facts::term::Value;

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
    search.look(reason, 0, Place::Reason);
    let told = if search.reason.says_nothing() {
        search.elsewhere
    } else {
        search.reason
    };
    let weak = told.weak.map(Symptom::Word);
    let symptom = told.strong.or(weak).unwrap_or(Symptom::Unknown);
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
        operation: framed.or(search.reason.hint).or(told.hint),
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

/// What stands at one part of a term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A reason, unless it is a tag or a name.
    Reason,
    /// A key, a path, an element of a list: a reason may stand deeper.
    Data,
    /// An argument of a call: whatever it says, it is not why the call failed.
    Argument,
}

impl Place {
    /// Below something that is followed by a reason.
    fn opened(self) -> Place {
        match self {
            Place::Argument => Place::Argument,
            Place::Reason | Place::Data => Place::Reason,
        }
    }

    /// Below something that is not.
    fn closed(self) -> Place {
        match self {
            Place::Argument => Place::Argument,
            Place::Reason | Place::Data => Place::Data,
        }
    }
}

/// The first of each kind that was found.
#[derive(Clone, Copy, Default)]
struct Findings {
    strong: Option<Symptom>,
    weak: Option<Word>,
    hint: Option<Operation>,
}

impl Findings {
    fn says_nothing(&self) -> bool {
        self.strong.is_none() && self.weak.is_none()
    }
}

#[derive(Default)]
struct Search {
    parts: usize,
    reason: Findings,
    /// Counts only when no reason says anything.
    elsewhere: Findings,
    frames: Vec<Frame>,
}

impl Search {
    fn look(&mut self, value: &Value, depth: usize, place: Place) {
        if self.parts == 0 || depth > DEPTH {
            return;
        }
        self.parts -= 1;
        match value {
            Value::Atom(atom) => self.atom(atom, place),
            Value::Binary(bytes) => self.text(bytes, place),
            Value::List(items) => match string(items) {
                Some(bytes) => self.text(&bytes, place),
                None => self.all(items, depth, place.closed()),
            },
            Value::Tuple(items) => self.tuple(items, depth, place),
            Value::Map(pairs) => self.map(pairs, depth, place),
            Value::Integer(_) | Value::Float(_) | Value::Opaque => (),
        }
    }

    fn all(&mut self, items: &[Value], depth: usize, place: Place) {
        for item in items {
            self.look(item, depth + 1, place);
        }
    }

    fn at(&mut self, place: Place) -> &mut Findings {
        match place {
            Place::Reason => &mut self.reason,
            Place::Data | Place::Argument => &mut self.elsewhere,
        }
    }

    fn found(&mut self, symptom: Symptom, place: Place) {
        self.at(place).strong.get_or_insert(symptom);
    }

    fn hint(&mut self, operation: Operation, place: Place) {
        self.at(place).hint.get_or_insert(operation);
    }

    fn atom(&mut self, atom: &str, place: Place) {
        match word(atom) {
            Some(word) if word.is_strong() => self.found(Symptom::Word(word), place),
            Some(word) if place == Place::Reason || word.is_errno() => {
                self.at(place).weak.get_or_insert(word);
            }
            _ => match atom {
                // The socket backend of OTP 23, where a later release raises {select_read, N}.
                "exselect" => self.found(Symptom::Deaf, place),
                "Elixir.SystemLimitError" => self.found(Symptom::Word(Word::SystemLimit), place),
                "Elixir.File.Error" | "Elixir.File.CopyError" => self.hint(Operation::File, place),
                "Elixir.Mint.TransportError" | "Elixir.DBConnection.ConnectionError" => {
                    self.hint(Operation::Connect, place)
                }
                _ => (),
            },
        }
    }

    fn text(&mut self, bytes: &[u8], place: Place) {
        if bytes.is_empty() {
            return;
        }
        let Found { symptom, operation } = text::read(bytes);
        match symptom {
            Some(Symptom::Word(word)) if !word.is_strong() => {
                if place != Place::Reason {
                    return;
                }
                self.reason.weak.get_or_insert(word);
            }
            Some(symptom) => self.found(symptom, place),
            None => return,
        }
        if let Some(operation) = operation {
            self.hint(operation, place);
        }
    }

    fn tuple(&mut self, items: &[Value], depth: usize, place: Place) {
        let tag = items.first().and_then(Value::as_atom).unwrap_or_default();
        match (tag, items) {
            ("select_read" | "select_write" | "select_accept", [_, Value::Integer(result)]) => {
                match *result {
                    SELECT_INVALID => self.found(Symptom::Deaf, place.opened()),
                    SELECT_FAILED => self.found(Symptom::Unwatched, place.opened()),
                    _ => (),
                }
            }
            ("errno", [_, Value::Integer(errno)]) => {
                if let Some(word) = Word::of_errno(*errno) {
                    self.atom(word.as_str(), place.opened());
                }
            }
            // A line of a stacktrace: its arguments are data, its location may hold the cause.
            (
                module,
                [_, Value::Atom(function), Value::Integer(_) | Value::List(_), Value::List(location)],
            ) => {
                self.frames.extend(Frame::new(module, function));
                let is_info = |item: &&Value| matches!(item, Value::Tuple(pair) if pair.first().and_then(Value::as_atom) == Some("error_info"));
                for info in location.iter().filter(is_info) {
                    self.look(info, depth + 1, place.closed());
                }
            }
            (module, [_, Value::Atom(function), Value::Integer(_)])
                if Frame::new(module, function).is_some() =>
            {
                self.frames.extend(Frame::new(module, function));
            }
            // What a call that ended exits with: its function, and its arguments.
            (module, [_, Value::Atom(_), Value::List(arguments)])
                if !matches!(module, "" | "error" | "exit" | "throw" | "EXIT")
                    && string(arguments).is_none() =>
            {
                self.all(&items[..2], depth, place.closed());
                self.all(arguments, depth + 1, Place::Argument);
            }
            _ => self.parts_of_tuple(tag, items, depth, place),
        }
    }

    fn parts_of_tuple(&mut self, tag: &str, items: &[Value], depth: usize, place: Place) {
        let hint = match tag {
            "failed_connect" | "connect_error" | "conn_failed" => Some(Operation::Connect),
            "listen_error" | "listen_failed" => Some(Operation::Listen),
            "accept_failed" | "accept_error" => Some(Operation::Accept),
            "file_error" => Some(Operation::File),
            "open_port" => Some(Operation::OpenPort),
            // gen_tcp_socket stops its process, and connect returns what it stopped with.
            "shutdown" => match items {
                [_, Value::Atom(atom)] if word(atom).is_some_and(Word::is_strong) => {
                    Some(Operation::Connect)
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(operation) = hint {
            self.hint(operation, place.opened());
        }
        let place = match tag {
            "error" | "EXIT" | "inet" | "reason" | "cause" => place.opened(),
            _ => place,
        };
        // {enoent, Path}, {Path, enoent}: a text is a reason where it comes last and no error number stands beside it.
        let errno = |item: &Value| item.as_atom().and_then(word).is_some_and(Word::is_errno);
        let has_errno = items.iter().any(errno);
        for (index, item) in items.iter().enumerate() {
            let told = is_text(item) && (has_errno || index + 1 < items.len());
            self.look(item, depth + 1, if told { place.closed() } else { place });
        }
    }

    /// The keys under which exceptions and stacktraces keep a reason come first; what else a map holds is data.
    fn map(&mut self, pairs: &[(Value, Value)], depth: usize, place: Place) {
        const REASONS: [&str; 6] = [
            "__struct__",
            "reason",
            "original",
            "term",
            "cause",
            "message",
        ];
        let is = |key: &Value, name| key.as_atom() == Some(name);
        for name in REASONS {
            for (_, value) in pairs.iter().filter(|(key, _)| is(key, name)) {
                self.look(value, depth + 1, place.opened());
            }
        }
        let rest = pairs
            .iter()
            .filter(|(key, _)| !REASONS.iter().any(|name| is(key, name)));
        rest.for_each(|(_, value)| self.look(value, depth + 1, place.closed()));
    }
}

/// The word that an atom is. Some libraries hand over the name as C has it: `'EMFILE'`.
fn word(atom: &str) -> Option<Word> {
    let lower = || Word::parse(&atom.to_ascii_lowercase()).filter(|word| word.is_errno());
    Word::parse(atom).or_else(|| atom.starts_with('E').then(lower).flatten())
}

fn is_text(value: &Value) -> bool {
    match value {
        Value::Binary(_) => true,
        Value::List(items) => string(items).is_some(),
        _ => false,
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
