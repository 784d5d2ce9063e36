//! What a group of owners is called: what its processes have in common, never what tells them apart.

use headroom_facts::owners::{Owner, Process};
use headroom_facts::term::Value;

/// What stands for a part of a label that may be another one in the next process.
const ANY: &str = "_";
/// The longest name that is shown whole.
const LONGEST: usize = 120;

/// A label as text, without numbers, handles and binaries: they tell the processes of one kind apart.
pub fn label(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    shortened(text)
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Atom(text) => out.push_str(&module(text)),
        Value::Tuple(items) => sequence('{', items, '}', out),
        Value::List(items) if is_text(items) => out.push_str(ANY),
        Value::List(items) => sequence('[', items, ']', out),
        Value::Map(pairs) => {
            out.push_str("#{");
            for (index, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(key, out);
                out.push_str("=>");
                write(value, out);
            }
            out.push('}');
        }
        Value::Integer(_) | Value::Float(_) | Value::Binary(_) | Value::Opaque => out.push_str(ANY),
    }
}

fn sequence(open: char, items: &[Value], close: char, out: &mut String) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write(item, out);
    }
    out.push(close);
}

fn is_text(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item, Value::Integer(_)))
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text[..end].to_string() + "...",
        None => text,
    }
}

/// What the VM says of an owner: `gone`, `busy`, `not_asked`, or what it has as a tuple of registered name, label, nearest
/// ancestor with a name, first function, parent and application, each `undefined` where there is none.
pub fn owner(value: &Value) -> Option<Owner> {
    match value {
        Value::Atom(word) => match word.as_str() {
            "gone" => Some(Owner::Gone),
            "busy" => Some(Owner::Busy),
            "not_asked" => Some(Owner::NotAsked),
            _ => None,
        },
        Value::Tuple(parts) => {
            let [name, label, ancestor, initial, parent, application] = parts.as_slice() else {
                return None;
            };
            Some(Owner::Process(Process {
                name: text(name),
                label: defined(label)
                    .map(self::label)
                    .filter(|label| says_something(label)),
                ancestor: text(ancestor),
                initial: defined(initial).and_then(function),
                parent: text(parent),
                application: text(application),
            }))
        }
        _ => None,
    }
}

/// A label of numbers and texts alone is that of one process; what it has in common with others is told otherwise.
fn says_something(label: &str) -> bool {
    label.chars().any(char::is_alphabetic)
}

fn defined(value: &Value) -> Option<&Value> {
    (value.as_atom() != Some("undefined")).then_some(value)
}

fn text(value: &Value) -> Option<String> {
    match defined(value)? {
        Value::Atom(text) => Some(module(text)),
        Value::Binary(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// As Elixir writes its modules.
fn module(atom: &str) -> String {
    atom.strip_prefix("Elixir.").unwrap_or(atom).to_string()
}

fn function(value: &Value) -> Option<String> {
    match value {
        Value::Tuple(parts) => match parts.as_slice() {
            [Value::Atom(name), Value::Atom(function), Value::Integer(arity)] => {
                Some(format!("{}:{function}/{arity}", module(name)))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The name of a group: the registered name, or the label, or the ancestor and what it runs, or who spawned it.
pub fn of(owner: &Owner) -> String {
    match owner {
        Owner::Process(process) => shortened(printable(&of_process(process))),
        Owner::Gone => "owner gone".into(),
        Owner::Busy => "busy in native code".into(),
        Owner::NotAsked => "owner not asked".into(),
    }
}

/// Names are atoms, and those can have anything in them.
fn printable(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

fn of_process(process: &Process) -> String {
    if let Some(name) = &process.name {
        return name.clone();
    }
    if let Some(label) = &process.label {
        // What OTP keeps open for others has a label and whoever opened it.
        return match (&process.initial, &process.parent) {
            (None, Some(opener)) => format!("{label} of {opener}"),
            _ => label.clone(),
        };
    }
    match (&process.ancestor, &process.initial, &process.parent) {
        (Some(ancestor), Some(initial), _) => format!("{ancestor} {initial}"),
        (Some(ancestor), None, _) => ancestor.clone(),
        (None, Some(initial), Some(parent)) => format!("{initial} of {parent}"),
        (None, Some(initial), None) => initial.clone(),
        (None, None, Some(parent)) => format!("spawned by {parent}"),
        (None, None, None) => "a process".into(),
    }
}

pub(super) fn application(owner: &Owner) -> Option<String> {
    match owner {
        Owner::Process(process) => process.application.clone(),
        _ => None,
    }
}
