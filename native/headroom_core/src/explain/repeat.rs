//! How a reason is repeated: its beginning, in printable ASCII, so that whoever reads the verdict knows what it is about.

use super::reason::DEPTH;
use headroom_facts::term::Value;

/// So much of it is repeated.
const REPEATED: usize = 120;

/// The bytes of a list that is text.
pub(super) fn string(items: &[Value]) -> Option<Vec<u8>> {
    let byte = |item: &Value| match item {
        Value::Integer(code) if (9..=255).contains(code) => u8::try_from(*code).ok(),
        Value::Integer(code) if (256..=0x10_ffff).contains(code) => Some(b'?'),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

/// The beginning of a reason, in printable ASCII.
pub(super) fn repeat(reason: &Value) -> String {
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
