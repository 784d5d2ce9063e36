//! Takes the wrappers off a reason: whatever a library, a supervisor, a shell or a printer put around the error, it is found by
//! looking through it once, in order, within a bound.

use super::log_line;
use super::operation::Operation;
use super::printed::{self, Call, Line};
use super::repeat::{repeat, string};
use super::symptom::{Symptom, Told, Word};
use headroom_facts::term::Value;

/// So many parts of a reason are looked at.
const PARTS: usize = 1 << 16;
/// So deep.
pub(super) const DEPTH: usize = 64;
/// A text in a term in a text: so deep.
const TEXTS: usize = 4;

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
    /// It happened on another node.
    pub elsewhere: Option<Elsewhere>,
    /// The descriptor that was too large.
    pub descriptor: Option<u64>,
    /// How many bytes of a text were left out.
    pub unread: u64,
    /// What to repeat of it.
    pub told: Told,
}

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// One that is not named.
    Somewhere,
    /// This one.
    Node(String),
}

/// Reads a reason.
pub fn read(reason: &Value) -> Seen {
    let mut search = Search {
        parts: PARTS,
        ..Search::default()
    };
    search.look(reason, 0, Place::Reason);
    search.seen(reason)
}

/// What a function of a stacktrace means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Of(Operation),
    /// It raises `system_limit` for one thing that is too large.
    TooLarge,
    /// Nothing.
    Other,
}

impl Frame {
    fn new(module: &str, function: &str) -> Frame {
        let too_large = match module {
            "erlang" => matches!(
                function,
                "list_to_atom"
                    | "binary_to_atom"
                    | "bsl"
                    | "bsr"
                    | "*"
                    | "+"
                    | "-"
                    | "++"
                    | "list_to_integer"
                    | "binary_to_integer"
                    | "list_to_binary"
                    | "iolist_to_binary"
                    | "iolist_to_iovec"
                    | "list_to_bitstring"
                    | "binary_to_list"
                    | "list_to_tuple"
                    | "make_tuple"
                    | "append_element"
                    | "insert_element"
                    | "term_to_binary"
                    | "term_to_iovec"
                    | "binary_to_term"
                    | "make_fun"
                    | "apply"
            ),
            "binary" => matches!(function, "copy" | "list_to_bin" | "replace"),
            "Elixir.String" => matches!(function, "to_atom" | "duplicate"),
            "Elixir.Bitwise" | "unicode" | "atomics" | "counters" | "math" => true,
            _ => false,
        };
        if too_large {
            return Frame::TooLarge;
        }
        Operation::of_function(module, function).map_or(Frame::Other, Frame::Of)
    }

    fn operation(self) -> Option<Operation> {
        match self {
            Frame::Of(operation) => Some(operation),
            Frame::TooLarge | Frame::Other => None,
        }
    }
}

/// What stands at one part of a term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A reason, unless it is a tag or a name.
    Reason,
    /// A key, an element of a list: a reason may stand deeper. It counts only when no reason says anything.
    Data,
}

/// How much a word says, the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// It means one thing wherever it stands.
    Strong,
    /// A word that only the operating system uses.
    Errno,
    /// A word of everyday.
    Weak,
}

/// One thing that was said.
struct Said {
    symptom: Symptom,
    strength: Strength,
    place: Place,
    /// How many functions of stacktraces came before, and how many reports had begun.
    frames: usize,
    report: usize,
    /// The function whose `error_info` it stands in.
    within: Option<usize>,
    /// What the words of its line say was being done.
    prose: Option<Operation>,
}

#[derive(Default)]
struct Search {
    parts: usize,
    texts: usize,
    said: Vec<Said>,
    /// What tags and exceptions say was being done: as reasons, and elsewhere.
    hints: [Option<Operation>; 2],
    /// Functions of stacktraces, and the report that each belongs to.
    frames: Vec<(Frame, usize)>,
    report: usize,
    within: Option<usize>,
    prose: Option<Operation>,
    elsewhere: Option<Elsewhere>,
    descriptor: Option<u64>,
    /// Inside of a text in quotes: whatever it says, it counts only when no reason says anything.
    sealed: bool,
}

impl Search {
    fn seen(self, reason: &Value) -> Seen {
        let told = self
            .said
            .iter()
            .min_by_key(|said| (said.place != Place::Reason, said.strength));
        let raised = told.and_then(|told| {
            let behind = || {
                self.frames
                    .get(told.frames)
                    .filter(|(_, report)| *report == told.report)
            };
            let frame = told
                .within
                .and_then(|at| self.frames.get(at))
                .or_else(behind)?;
            Some(frame.0)
        });
        let symptom = match (told.map(|told| told.symptom), raised) {
            (Some(Symptom::Word(Word::SystemLimit)), Some(Frame::TooLarge)) => Symptom::TooLarge,
            (Some(symptom), _) => symptom,
            (None, _) => Symptom::Unknown,
        };
        let hinted = match told.map(|told| told.place) {
            Some(Place::Data) => self.hints[0].or(self.hints[1]),
            _ => self.hints[0],
        };
        let prose = told
            .filter(|_| raised.is_none())
            .and_then(|told| told.prose);
        Seen {
            symptom,
            operation: raised.and_then(Frame::operation).or(hinted).or(prose),
            spawning: raised == Some(Frame::Of(Operation::Spawn)),
            elsewhere: self.elsewhere,
            descriptor: self.descriptor,
            unread: 0,
            told: match symptom {
                Symptom::Word(word) => Told::Word(word),
                _ => Told::Text(repeat(reason)),
            },
        }
    }

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
                None => self.list(items, depth),
            },
            Value::Tuple(items) => self.tuple(items, depth, place),
            Value::Map(pairs) => self.map(pairs, depth),
            Value::Integer(_) | Value::Float(_) | Value::Opaque => (),
        }
    }

    fn say(&mut self, symptom: Symptom, place: Place) {
        let strength = match symptom {
            Symptom::Word(word) if word.is_strong() => Strength::Strong,
            Symptom::Word(word) if word.is_errno() => Strength::Errno,
            Symptom::Word(_) => Strength::Weak,
            _ => Strength::Strong,
        };
        let place = if self.sealed { Place::Data } else { place };
        self.said.push(Said {
            symptom,
            strength,
            place,
            frames: self.frames.len(),
            report: self.report,
            within: self.within,
            prose: self.prose,
        });
    }

    fn hint(&mut self, operation: Operation, place: Place) {
        self.hints[usize::from(self.sealed || place == Place::Data)].get_or_insert(operation);
    }

    fn frame(&mut self, frame: Frame) {
        self.frames.push((frame, self.report));
    }

    fn atom(&mut self, atom: &str, place: Place) {
        if let Some(word) = word(atom) {
            if word.is_strong() || word.is_errno() || place == Place::Reason {
                self.say(Symptom::Word(word), place);
            }
            return;
        }
        match atom {
            // The socket backend of OTP 23, where a later release raises {select_read, N}.
            "exselect" => self.say(Symptom::Deaf, place),
            "Elixir.SystemLimitError" => self.say(Symptom::Word(Word::SystemLimit), place),
            "Elixir.UndefinedFunctionError" => self.say(Symptom::Word(Word::Undef), place),
            "Elixir.File.Error" | "Elixir.File.CopyError" => self.hint(Operation::File, place),
            _ if atom.ends_with(".TransportError") || atom.ends_with(".ConnectionError") => {
                self.hint(Operation::Connect, place)
            }
            _ if atom.contains(' ') => self.text(atom.as_bytes(), place),
            _ => (),
        }
    }

    fn text(&mut self, bytes: &[u8], place: Place) {
        if bytes.is_empty() || self.texts == TEXTS {
            return;
        }
        self.texts += 1;
        let before = self.prose;
        for line in printed::read(bytes) {
            self.line(&line, place);
        }
        self.prose = before;
        self.texts -= 1;
    }

    fn line(&mut self, line: &Line, place: Place) {
        if line.begins {
            self.report += 1;
        }
        if let Some(node) = &line.node {
            self.elsewhere.get_or_insert(Elsewhere::Node(node.clone()));
        }
        if let Some(descriptor) = log_line::descriptor(line) {
            self.descriptor.get_or_insert(descriptor);
        }
        self.prose = log_line::operation(line);
        if let Some(symptom) = log_line::symptom(line) {
            let weak = matches!(symptom, Symptom::Word(word) if !word.is_strong());
            if place == Place::Reason || !weak {
                self.say(symptom, place);
            }
        }
        for term in &line.terms {
            self.look(term, 0, place);
        }
        for frame in &line.frames {
            let frame = frame
                .as_ref()
                .map_or(Frame::Other, |Call { module, function }| {
                    Frame::new(module, function)
                });
            self.frame(frame);
        }
        if !line.quoted.is_empty() {
            let outer = std::mem::replace(&mut self.sealed, true);
            self.text(line.quoted.join(": ").as_bytes(), Place::Reason);
            self.sealed = outer;
        }
    }

    fn list(&mut self, items: &[Value], depth: usize) {
        for item in items {
            // `{Module, nofile}` of code:ensure_modules_loaded/1
            let unloaded = matches!(item, Value::Tuple(pair) if matches!(pair.as_slice(), [Value::Atom(_), Value::Atom(why)] if why == "nofile"));
            let place = if unloaded { Place::Reason } else { Place::Data };
            self.look(item, depth + 1, place);
        }
    }

    fn tuple(&mut self, items: &[Value], depth: usize, place: Place) {
        let tag = items.first().and_then(Value::as_atom).unwrap_or_default();
        match (tag, items) {
            ("select_read" | "select_write" | "select_accept", [_, Value::Integer(result)]) => {
                match *result {
                    SELECT_INVALID => self.say(Symptom::Deaf, Place::Reason),
                    SELECT_FAILED => self.say(Symptom::Unwatched, Place::Reason),
                    _ => (),
                }
            }
            ("errno", [_, Value::Integer(errno)]) => {
                if let Some(word) = Word::of_errno(*errno) {
                    self.say(Symptom::Word(word), Place::Reason);
                }
            }
            // A line of a stacktrace: its arguments are beside it, its location may hold the cause.
            (
                module,
                [_, Value::Atom(function), Value::Integer(_) | Value::List(_) | Value::Binary(_), Value::List(location)],
            ) if !module.is_empty() => self.traced(module, function, location, depth),
            // As exceptions had it up to R14, and as functions are named.
            (module, [_, Value::Atom(function), Value::Integer(_)]) => {
                let frame = Frame::new(module, function);
                if frame != Frame::Other {
                    self.frame(frame);
                }
            }
            // What a call that ended exits with: its function, and its arguments.
            (module, [_, Value::Atom(_), Value::List(arguments)])
                if !matches!(
                    module,
                    "" | "error" | "exit" | "throw" | "EXIT" | "exception"
                ) && string(arguments).is_none() =>
            {
                self.called(arguments);
            }
            _ => self.parts_of_tuple(tag, items, depth, place),
        }
    }

    fn traced(&mut self, module: &str, function: &str, location: &[Value], depth: usize) {
        self.frame(Frame::new(module, function));
        let is_info = |item: &&Value| matches!(item, Value::Tuple(pair) if pair.first().and_then(Value::as_atom) == Some("error_info"));
        let outer = self.within.replace(self.frames.len() - 1);
        for info in location.iter().filter(is_info) {
            self.look(info, depth + 1, Place::Data);
        }
        self.within = outer;
    }

    /// The process that was called may be one of another node.
    fn called(&mut self, arguments: &[Value]) {
        if let Some(Value::Tuple(name)) = arguments.first() {
            if let [Value::Atom(_), Value::Atom(node)] = name.as_slice() {
                if node.contains('@') {
                    self.elsewhere.get_or_insert(Elsewhere::Node(node.clone()));
                }
            }
        }
    }

    fn parts_of_tuple(&mut self, tag: &str, items: &[Value], depth: usize, place: Place) {
        match (tag, items) {
            // What a server was doing, what it had, and how it was started: none of it is why.
            (
                "state" | "last_message" | "last_event" | "dictionary" | "messages"
                | "initial_call" | "ancestors" | "offender" | "client_info" | "registered_name"
                | "mfargs" | "mfa" | "start" | "started" | "name" | "args" | "arguments" | "queue"
                | "postponed" | "links" | "current_function" | "current_stacktrace",
                [_, _],
            ) => return,
            // rpc and erpc: the reason is that of another node.
            ("badrpc" | "erpc", [_, _]) | ("exception", [_, _, Value::List(_)]) => {
                self.elsewhere.get_or_insert(Elsewhere::Somewhere);
            }
            ("nodedown", [_, Value::Atom(node)]) => {
                self.elsewhere = Some(Elsewhere::Node(node.clone()))
            }
            _ => (),
        }
        let hint = match tag {
            "failed_connect" | "connect_error" | "conn_failed" => Some(Operation::Connect),
            "listen_error" | "listen_failed" => Some(Operation::Listen),
            "accept_failed" | "accept_error" => Some(Operation::Accept),
            "file_error" => Some(Operation::File),
            "open_port" if items.len() == 2 => Some(Operation::OpenPort),
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
            self.hint(operation, Place::Reason);
        }
        let place = match tag {
            "error" | "EXIT" | "inet" | "reason" | "cause" | "error_info" => Place::Reason,
            _ => place,
        };
        // {enoent, Path}, {Path, enoent}: a text is a reason where it comes last and no error number stands beside it.
        let errno = |item: &Value| item.as_atom().and_then(word).is_some_and(Word::is_errno);
        let has_errno = items.iter().any(errno);
        for (index, item) in items.iter().enumerate() {
            let told = is_text(item) && (has_errno || index + 1 < items.len());
            self.look(item, depth + 1, if told { Place::Data } else { place });
        }
    }

    /// The keys under which exceptions and reports keep a reason come first; what else a map holds is data.
    fn map(&mut self, pairs: &[(Value, Value)], depth: usize) {
        const REASONS: [&str; 7] = [
            "__struct__",
            "reason",
            "original",
            "term",
            "cause",
            "message",
            "msg",
        ];
        const BESIDE: [&str; 17] = [
            "state",
            "last_message",
            "last_event",
            "dictionary",
            "args",
            "arguments",
            "name",
            "path",
            "client_info",
            "log",
            "queue",
            "postponed",
            "modules",
            "mfa",
            "file",
            "initial_call",
            "registered_name",
        ];
        let is = |key: &Value, name: &&str| key.as_atom() == Some(*name);
        for name in REASONS {
            for (_, value) in pairs.iter().filter(|(key, _)| is(key, &name)) {
                self.look(value, depth + 1, Place::Reason);
            }
        }
        let rest = pairs
            .iter()
            .filter(|(key, _)| !REASONS.iter().chain(&BESIDE).any(|name| is(key, name)));
        rest.for_each(|(_, value)| self.look(value, depth + 1, Place::Data));
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
