//! What people paste: log lines, reports and exceptions, as OTP, Elixir and libraries print them and shippers pass them on.
//!
//! A text becomes lines of words, terms and functions. A printed term becomes the same [`Value`] as the term itself, so the same
//! rules judge it. What tells nothing about the cause is left out here: states, last messages, arguments, paths, names.

mod frames;
mod labels;
mod shipped;
mod term;

use self::frames::elixir_frame;
use self::labels::{label_of, Label};
use super::symptom::Word;
use headroom_facts::term::Value;

/// A line of a text, or what stands for one in a text that was made into one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// The words, in lower case, with one space between them; a term or a text in quotes is `_`.
    pub prose: String,
    /// The words that are known, and whether a reason is expected where they stand.
    pub words: Vec<(Word, bool)>,
    /// The exceptions of Elixir that are named, and the terms.
    pub terms: Vec<Value>,
    /// Texts in quotes.
    pub quoted: Vec<String>,
    /// Functions that are named as the place of something.
    pub mentioned: Vec<Call>,
    /// The functions of a stacktrace, the one that raised first. `None` is one that nobody needs to know.
    pub frames: Vec<Option<Call>>,
    /// A report begins: what follows is another event.
    pub begins: bool,
    /// The node that it is said to be from.
    pub node: Option<String>,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub module: String,
    pub function: String,
}

impl Line {
    fn is_empty(&self) -> bool {
        *self == Line::default()
    }
}

/// The lines of a text, as they were before it was shipped.
pub(super) fn read(text: &[u8]) -> Vec<Line> {
    let text = shipped::unshipped(&String::from_utf8_lossy(text));
    let mut text = text.trim();
    // A text in quotes as a whole, as a shell prints it.
    while let Some((content, "")) = term::quoted(text) {
        text = content.trim();
    }
    let mut reader = Reader {
        rest: text,
        line: Line::default(),
        lines: Vec::new(),
        beside: false,
        expected: true,
        before: String::new(),
        raised: false,
    };
    reader.run();
    reader.lines
}

struct Reader<'a> {
    rest: &'a str,
    line: Line,
    lines: Vec<Line>,
    /// What is read at the moment decides nothing.
    beside: bool,
    /// A reason is expected: a colon or an equals sign came before, or nothing at all.
    expected: bool,
    /// The word before.
    before: String,
    /// An exception of Elixir was seen: indented calls are its stacktrace.
    raised: bool,
}

impl<'a> Reader<'a> {
    fn run(&mut self) {
        self.line_start();
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' => {
                    self.skip(1);
                    self.end_line();
                }
                '\\' => self.escape(),
                c if c.is_whitespace() => {
                    self.skip(c.len_utf8());
                    self.say(" ");
                }
                '"' => self.quoted(),
                '(' if self.exception() => (),
                '*' if self.rest.starts_with("***") => self.word(),
                _ if self.term() => (),
                c if term::is_name(c) => self.word(),
                '=' | ':' => {
                    self.skip(1);
                    self.expected = true;
                    self.say(if c == '=' { "=" } else { ":" });
                }
                '<' if self.rest.starts_with("<=") => {
                    self.skip(2);
                    self.before = "<=".into();
                }
                '/' | '.' | '~'
                    if self.rest[1..].starts_with(|c| term::is_name(c) || c == '/' || c == '.') =>
                {
                    self.path()
                }
                c => {
                    self.skip(c.len_utf8());
                    self.say(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        self.end_line();
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn say(&mut self, text: &str) {
        if self.beside || text == " " && self.line.prose.ends_with(' ') {
            return;
        }
        self.line.prose.push_str(text);
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        line.prose.truncate(line.prose.trim_end().len());
        if !line.is_empty() {
            self.lines.push(line);
        }
        self.beside = false;
        self.expected = false;
        self.before.clear();
        self.line_start();
    }

    /// Escapes that a shipper left: the end of a line, white space, a text in quotes.
    fn escape(&mut self) {
        let letter = self.rest.trim_start_matches('\\');
        match letter.chars().next() {
            Some('n') => {
                self.rest = &letter[1..];
                self.end_line();
            }
            Some('t' | 'r') => {
                self.rest = &letter[1..];
                self.say(" ");
            }
            Some('"') => self.quoted(),
            Some('u') if letter.starts_with("u0022") => self.quoted(),
            _ => self.rest = letter,
        }
    }

    /// A text in quotes: a key of JSON, what a field tells, or what may be a path.
    fn quoted(&mut self) {
        let Some((content, rest)) = term::quoted(self.rest) else {
            // Not closed: the words in it stand for themselves.
            self.rest = self.rest.trim_start_matches('\\');
            self.skip(if self.rest.starts_with('"') {
                1
            } else {
                "u0022".len()
            });
            return;
        };
        self.rest = rest;
        if let Some(value) = rest.trim_start().strip_prefix(':') {
            let is_key = content
                .chars()
                .all(|c| term::is_name(c) || matches!(c, '.' | '-'));
            if is_key && value.trim_start().starts_with(['"', '\\', '{', '[']) {
                self.rest = value;
                self.field(content);
                return;
            }
        }
        self.say("_");
        if !self.beside && !is_path(content) {
            self.line.quoted.push(content.to_string());
        }
        self.expected = false;
    }

    /// The value of a field, in JSON that is cut off or in logfmt.
    fn field(&mut self, key: &str) {
        let told = shipped::tells(key);
        self.rest = self.rest.trim_start_matches(' ');
        self.expected = true;
        if let Some((content, rest)) = term::quoted(self.rest) {
            self.rest = rest;
            if told && !self.beside {
                self.lines.extend(read(content.as_bytes()));
            }
        } else if self.rest.starts_with(['"', '\\']) {
            // Cut off: the rest of the text.
            if !told {
                self.rest = "";
            }
        } else if !told && !self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            let end = self
                .rest
                .find([' ', ',', '\n', '}'])
                .unwrap_or(self.rest.len());
            if !self.term() {
                self.skip(end);
            }
        }
    }

    /// `(File.Error) `, as behind two stars.
    fn exception(&mut self) -> bool {
        let Some((name, rest)) = split_near(&self.rest[1..], ')') else {
            return false;
        };
        let class = name.split(' ').next().unwrap_or_default();
        let starts = self.line.prose.is_empty() || self.line.prose.ends_with("** ");
        let alias = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| term::is_name(c) || c == '.')
            && rest.starts_with(' ');
        let known = matches!(class, "stop" | "exit" | "throw" | "EXIT" | "error");
        if !starts || !(alias || known) {
            return false;
        }
        self.raised = true;
        self.beside = false;
        self.expected = true;
        self.rest = rest.trim_start_matches(' ');
        if alias && class != "EXIT" {
            self.line.terms.push(Value::Atom(term::alias(name)));
        }
        true
    }

    /// A term where one stands.
    fn term(&mut self) -> bool {
        let rest = self.rest;
        let mut chars = rest.chars();
        let first = chars.next().unwrap_or(' ');
        let behind = chars.as_str();
        let next = chars.next().unwrap_or(' ');
        let after_name = self.line.prose.ends_with(term::is_name);
        let starts = match first {
            '{' | '[' => true,
            '<' => {
                next == '<'
                    || next.is_ascii_digit()
                        && behind
                            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                            .starts_with('>')
            }
            '#' => {
                next == '{'
                    || next.is_alphabetic()
                        && behind
                            .trim_start_matches(|c| term::is_name(c) || c == '.')
                            .starts_with(['<', '{'])
            }
            '%' => {
                next == '{'
                    || next.is_ascii_uppercase()
                        && behind
                            .trim_start_matches(|c| term::is_name(c) || c == '.')
                            .starts_with('{')
            }
            '~' => next.is_alphabetic() && chars.as_str().starts_with(['"', '[', '(']),
            ':' => !after_name && (next.is_alphabetic() || next == '"'),
            '\'' => !after_name && next.is_alphabetic(),
            _ => false,
        };
        if !starts {
            return false;
        }
        let Some((value, rest)) = term::read(rest) else {
            return false;
        };
        let colon = self.rest.starts_with(':');
        self.rest = rest;
        self.say("_");
        match value {
            _ if self.beside => (),
            Value::Opaque => (),
            // An atom of Elixir in a sentence.
            Value::Atom(text) if colon => self.known(&text, true),
            value => self.line.terms.push(value),
        }
        self.expected = false;
        true
    }

    /// A word, with what belongs to it: a label, a function, a field, a path.
    fn word(&mut self) {
        if self.label() {
            return;
        }
        let end = self
            .rest
            .find(|c| !term::is_name(c))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end.max(1));
        let mut after = rest.chars();
        match (after.next(), after.next()) {
            (Some(':'), Some(next)) if next.is_alphabetic() || next == '\'' => {
                if matches!(name, "error" | "exit" | "throw") {
                    self.rest = &rest[1..];
                    self.expected = true;
                } else if !self.call(name, &rest[1..]) {
                    self.plain(name, rest);
                }
            }
            (Some('='), Some(next)) if !matches!(next, ' ' | '=' | '>') => {
                self.rest = &rest[1..];
                self.field(name);
            }
            (Some('/'), Some(next))
                if next.is_ascii_digit()
                    && matches!(self.before.as_str(), "function" | "operator") =>
            {
                self.rest = rest[1..].trim_start_matches(|c: char| c.is_ascii_digit());
                self.frame("erlang", name);
            }
            (Some('/'), Some(next)) if next.is_ascii_digit() => {
                let rest = rest[1..].trim_start_matches(|c: char| c.is_ascii_digit());
                self.plain(name, rest);
            }
            (Some('-' | '/'), Some(next)) if next.is_ascii_alphabetic() => self.compound(),
            (Some('.' | '-' | '/' | '\\'), Some(next))
                if term::is_name(next) && !rest.starts_with("\\n") && !rest.starts_with("\\t") =>
            {
                self.path()
            }
            (Some('('), _) if Word::parse(&name.to_ascii_lowercase()).is_none() => {
                self.rest = term::skip_arguments(&rest[1..]);
                self.plain_word(name);
            }
            _ => self.plain(name, rest),
        }
    }

    /// `file-max`, `register/listen`: a word that is not its parts. With more of a path it is one.
    fn compound(&mut self) {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphabetic() && !matches!(c, '-' | '/'))
            .unwrap_or(self.rest.len());
        let (compound, rest) = self.rest.split_at(end);
        let path =
            compound.matches('/').count() > 1 || compound.contains('/') && !rest.starts_with(' ');
        if path || rest.starts_with(|c| term::is_name(c) || matches!(c, '.' | '/' | '(')) {
            self.path();
            return;
        }
        self.rest = rest;
        self.say(&compound.to_ascii_lowercase());
        self.expected = false;
        self.before.clear();
    }

    fn plain(&mut self, name: &str, rest: &'a str) {
        self.rest = rest;
        self.plain_word(name);
    }

    fn plain_word(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        self.say(&lower);
        if lower == "node" && !self.beside {
            self.node();
        }
        let expected = self.expected || matches!(self.before.as_str(), "reason" | "value");
        self.known(&lower, expected);
        self.expected = false;
        self.before = lower;
    }

    fn known(&mut self, word: &str, expected: bool) {
        if self.beside {
            return;
        }
        let word = word.to_ascii_lowercase();
        // Tsung counts errors under such names.
        let (word, connecting) = match word.strip_prefix("error_connect_") {
            Some(word) => (word, true),
            None => (word.as_str(), false),
        };
        let Some(word) = Word::parse(word) else {
            return;
        };
        if connecting {
            self.say(" connect");
        }
        self.line.words.push((word, expected));
    }

    /// `on node 'x@host'`
    fn node(&mut self) {
        let name = self.rest.trim_start_matches([' ', '\'', '"', ':']);
        let end = name
            .find(|c: char| !term::is_name(c) && !matches!(c, '.' | '-'))
            .unwrap_or(name.len());
        if name[..end].contains('@') {
            self.line.node = Some(name[..end].to_string());
            self.rest = name[end..].trim_start_matches(['\'', '"']);
        }
    }

    /// A label, with what separates it from what it is the label of.
    fn label(&mut self) -> bool {
        let Some((text, label, behind)) = label_of(self.rest) else {
            return false;
        };
        self.rest = behind;
        match label {
            Label::Beside => self.beside = true,
            Label::Reason => {
                self.beside = false;
                self.expected = true;
                self.say(text);
                self.say(": ");
            }
            Label::Name => {
                self.say(text);
                self.name();
            }
        }
        true
    }

    /// A name: a term, or the characters up to the next space.
    fn name(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', ':', '=']);
        let was = std::mem::replace(&mut self.beside, true);
        let is_term = !self.rest.is_empty() && !self.rest.starts_with('\n') && self.term();
        self.beside = was;
        if !is_term {
            if let Some((_, rest)) = term::quoted(self.rest) {
                self.rest = rest;
            } else {
                let end = self
                    .rest
                    .find([' ', ',', '\n', '.', ':'])
                    .unwrap_or(self.rest.len());
                self.skip(end);
            }
        }
        self.say(" _");
    }

    /// A path, a host, or another name that is none of the words.
    fn path(&mut self) {
        let end = self
            .rest
            .find(|c: char| {
                c.is_whitespace()
                    || matches!(c, '"' | '\'' | ',' | ';' | ')' | ']' | '}' | '(' | '\\')
            })
            .unwrap_or(self.rest.len())
            .max(1);
        let (path, rest) = self.rest.split_at(end);
        self.rest = match rest.strip_prefix('(') {
            Some(arguments) => term::skip_arguments(arguments),
            None => rest,
        };
        // A setting of the kernel says what it is.
        let setting = ["fs.", "kernel.", "net.", "/proc/sys/"]
            .iter()
            .any(|room| path.starts_with(room));
        self.say(if setting { path } else { "_" });
        if path.ends_with(':') {
            self.say(":");
            self.expected = true;
        } else {
            self.expected = false;
        }
        self.before.clear();
    }

    /// `module:function/2`, `module:function(...)`
    fn call(&mut self, module: &str, rest: &'a str) -> bool {
        let (function, behind) = match rest.strip_prefix('\'') {
            Some(quoted) => match quoted.split_once('\'') {
                Some(parts) => parts,
                None => return false,
            },
            None => {
                let end = rest.find(|c| !term::is_name(c)).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        let arity = behind
            .strip_prefix('/')
            .filter(|arity| arity.starts_with(|c: char| c.is_ascii_digit()));
        match (arity, behind.strip_prefix('(')) {
            (Some(arity), _) => {
                let behind = arity.trim_start_matches(|c: char| c.is_ascii_digit());
                self.rest = behind
                    .strip_prefix('(')
                    .map_or(behind, term::skip_arguments);
            }
            (None, Some(arguments)) => self.rest = term::skip_arguments(arguments),
            (None, None) => return false,
        }
        if matches!(
            self.before.as_str(),
            "at" | "<=" | "in" | "function" | "from"
        ) && arity.is_some()
        {
            self.frame(module, function);
        } else if !self.beside {
            self.say("_");
            self.line.mentioned.push(Call {
                module: module.to_string(),
                function: function.to_string(),
            });
            self.before.clear();
        }
        true
    }

    fn frame(&mut self, module: &str, function: &str) {
        self.before.clear();
        self.expected = false;
        if !self.beside {
            self.line.frames.push(Some(Call {
                module: module.to_string(),
                function: function.to_string(),
            }));
        }
    }

    /// What only the beginning of a line shows: a report, or a function of Elixir's stacktraces.
    fn line_start(&mut self) {
        let line = self.rest.trim_start_matches([' ', '\t']);
        if line.starts_with('=') && line[1..].starts_with(|c: char| c.is_ascii_uppercase()) {
            self.line.begins = true;
        }
        if line.starts_with("** (") {
            self.rest = &line[3..];
            return;
        }
        let indented = line.len() + 4 <= self.rest.len();
        if let Some((call, rest)) = elixir_frame(line, self.raised && indented) {
            self.rest = rest;
            self.line.frames.push(call);
        } else if let Some(operator) = line.strip_prefix("in operator ") {
            // Its name may be no word.
            let operator = operator.trim_start();
            let end = operator.find(['/', ' ', '\n']).unwrap_or(operator.len());
            self.frame("erlang", &operator[..end]);
            let rest = &operator[end..];
            self.rest = &rest[rest.find(['\n', '\\', ',']).unwrap_or(rest.len())..];
        }
    }
}

/// Before and behind a character that is not far: what never comes is not looked for again and again.
fn split_near(text: &str, c: char) -> Option<(&str, &str)> {
    const NEAR: usize = 120;
    let (at, _) = text
        .char_indices()
        .take(NEAR)
        .find(|(_, found)| *found == c)?;
    Some((&text[..at], &text[at + c.len_utf8()..]))
}

/// What may be the name of a file: it tells nothing.
fn is_path(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(['/', '~', '.'])
        || text.contains('/') && !text.contains(' ')
        || text.get(1..3) == Some(":\\")
}
