//! Whatever a function of headroom answered, whole and in sentences: a prompt cuts maps off before the line to paste.

use super::dialect::{dialect, Dialect};
use super::page::cut;
use crate::number::plain;
use headroom_facts::term::Value;

/// The text of an answer, or nothing where it is none that is known here.
pub fn show(answer: &Value, tongue: Dialect) -> Option<String> {
    let lines = lines(answer)?;
    let text: String = lines.iter().map(|line| line.clone() + "\n").collect();
    Some(dialect(&text, tongue))
}

fn lines(answer: &Value) -> Option<Vec<String>> {
    match answer {
        Value::Atom(word) if word == "ok" => {
            Some(vec!["OK: nothing is at warning or critical.".into()])
        }
        Value::Tuple(parts) => match parts.as_slice() {
            [Value::Atom(word), what] => match word.as_str() {
                "ok" => done(what),
                "error" => refused(what),
                "warning" | "critical" => {
                    let mut lines = vec![word.to_uppercase()];
                    lines.extend(each(what, finding)?);
                    Some(lines)
                }
                _ => None,
            },
            _ => None,
        },
        Value::List(items) if items.is_empty() => Some(vec!["None.".into()]),
        Value::List(_) => each(answer, finding)
            .or_else(|| each(answer, boot_line))
            .or_else(|| each(answer, offer)),
        Value::Map(_) => map(answer),
        Value::Binary(text) => {
            let text = std::str::from_utf8(text).ok()?;
            Some(text.lines().map(String::from).collect())
        }
        _ => None,
    }
}

/// `{ok, What}`: what was changed.
fn done(what: &Value) -> Option<Vec<String>> {
    if let Some(lines) = each(what, hardened) {
        return Some(lines);
    }
    let number = |key| what.get(key).and_then(text);
    if let (Some(before), Some(now), Some(max_fds)) =
        (number("before"), number("now"), number("max_fds"))
    {
        let change = if before == now {
            format!("The soft limit stays {now}")
        } else {
            format!("The soft limit was {before} and is {now}")
        };
        let mut lines = sentence(&format!(
            "{change}; the VM watches {max_fds} (fixed at boot)."
        ));
        if what.get("children").is_some() {
            lines.extend(sentence(
                "Programs that the VM starts keep the limit that it booted with.",
            ));
        }
        return Some(lines);
    }
    let (fds, ports) = (what.get("fds")?.as_u64()?, what.get("ports")?.as_u64()?);
    Some(sentence(&match (number("soft"), fds, ports) {
        (Some(soft), ..) => format!(
            "Held back now: {} descriptors and {} ports; the soft limit is {soft}. headroom:release(). gives them back.",
            plain(fds),
            plain(ports)
        ),
        (None, 0, 0) => "Nothing was held back, so nothing was given back.".into(),
        (None, ..) => format!(
            "Given back: {} descriptors and {} ports. They go to whoever asks next, clients included.",
            plain(fds),
            plain(ports)
        ),
    }))
}

/// `{error, Why}`.
fn refused(why: &Value) -> Option<Vec<String>> {
    if let Some(lines) = each(why, finding) {
        return Some(lines);
    }
    let Value::Tuple(parts) = why else {
        return Some(sentence(&format!("Refused: {}.", text(why)?)));
    };
    let [Value::Atom(word), rest @ ..] = parts.as_slice() else {
        return None;
    };
    let first = rest.first()?;
    let shown = text(first).unwrap_or_default();
    let mut lines = sentence(&match word.as_str() {
        "above_nr_open" => format!("The kernel accepts no limit above fs.nr_open, which is {shown}."),
        "above_hard" => format!("The hard limit is {shown}, and this process may not raise it."),
        "refused" => format!("The kernel refused: {shown}."),
        "unknown" => format!("Nothing was changed, since {shown} is not known."),
        "no_holder" => "The application headroom does not run, so nobody can hold a reserve.".into(),
        "bad_requirement" => format!("The requirement {shown} is none: {}.", text(rest.get(1)?)?),
        "nif_not_loaded" => "The native library is not loaded, so nothing is known.".into(),
        "too_many" => format!(
            "There is not so much to hold back: wanted {} {}, there are {}.",
            text(first.get("wanted")?)?,
            first.get("resource").and_then(text).unwrap_or_default(),
            text(first.get("room")?)?
        ),
        "restart_required" => format!(
            "Only the next start can have {}: the VM watches {} descriptors until then, the hard limit is {}.",
            text(first.get("wanted")?)?,
            text(first.get("max_fds")?)?,
            text(first.get("hard")?)?
        ),
        _ => return None,
    });
    lines.extend(fixes(first));
    Some(lines)
}

fn map(map: &Value) -> Option<Vec<String>> {
    if map.get("schema").is_some() {
        // All of it: what is cut off is what the reader of a ticket asks for.
        let json = serde_json::to_string_pretty(&json(map)).ok()?;
        return Some(json.lines().map(String::from).collect());
    }
    if let (Some(message), Some(verdict)) = (map.get("message"), map.get("verdict")) {
        let basis = map.get("basis").and_then(text).unwrap_or_default();
        let mut lines = vec![format!("{} ({basis})", text(verdict)?)];
        lines.extend(sentence(&text(message)?));
        let sees = map.get("client_sees").and_then(text).unwrap_or_default();
        if !sees.is_empty() {
            lines.extend(sentence(&format!("The client: {sees}")));
        }
        for rejected in map
            .get("rejected")
            .and_then(Value::as_list)
            .unwrap_or_default()
        {
            let why = rejected.get("why").and_then(text).unwrap_or_default();
            let name = rejected.get("verdict").and_then(text)?;
            lines.extend(cut(&format!("not {name}: {why}"), 2));
        }
        lines.extend(fixes(map));
        return Some(lines);
    }
    if let (Some(free), Some(by)) = (map.get("free"), map.get("bound_by")) {
        return Some(sentence(&room("this", free, by)?));
    }
    let Value::Map(pairs) = map else { return None };
    if map.get("gen_tcp").is_some() {
        let kinds = pairs.iter().map(|(kind, of)| {
            let (free, by) = (of.get("free")?, of.get("bound_by")?);
            room(kind.as_atom()?, free, by)
        });
        return kinds.collect();
    }
    if map.get("nif_api").is_some() {
        let parts = pairs
            .iter()
            .map(|(key, value)| Some(format!("{} {}", key.as_atom()?, text(value)?)));
        return parts.collect();
    }
    finding(map)
}

fn room(kind: &str, free: &Value, by: &Value) -> Option<String> {
    let (free, by) = (text(free)?, text(by)?);
    Some(match by.as_str() {
        "none" => format!("{kind}: {free} more"),
        by => format!("{kind}: {free} more, then {by} stop the next one"),
    })
}

/// Every item of a list by one function; nothing if one does not fit.
fn each(list: &Value, of: fn(&Value) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let items = list.as_list().filter(|items| !items.is_empty())?;
    let lines: Option<Vec<Vec<String>>> = items.iter().map(of).collect();
    Some(lines?.concat())
}

fn finding(map: &Value) -> Option<Vec<String>> {
    let id = text(map.get("id")?)?;
    let level = text(map.get("level")?)?;
    let mut lines = vec![format!("{level:<9} {id}")];
    lines.extend(cut(&text(map.get("message")?)?, 2));
    lines.extend(fixes(map));
    Some(lines)
}

fn hardened(map: &Value) -> Option<Vec<String>> {
    let done = match text(map.get("done")?)?.as_str() {
        "true" => "done",
        _ => "not done",
    };
    let mut lines = vec![format!("{done:<9} {}", text(map.get("hazard")?)?)];
    lines.extend(cut(&text(map.get("note")?)?, 2));
    Some(lines)
}

fn boot_line(map: &Value) -> Option<Vec<String>> {
    let (line, place) = (text(map.get("line")?)?, text(map.get("where")?)?);
    Some(vec![
        line,
        format!("    {place}, for {}", text(map.get("sets")?)?),
    ])
}

/// What could be closed.
fn offer(map: &Value) -> Option<Vec<String>> {
    let (group, line) = (text(map.get("group")?)?, text(map.get("line")?)?);
    let why = text(map.get("why")?)?;
    let gives = map
        .get("gives")
        .or_else(|| map.get("count"))
        .and_then(text)?;
    Some(vec![
        format!("{group}: {why}, gives {gives}"),
        format!("    {line}"),
    ])
}

/// The lines to paste, each whole on a line of its own.
fn fixes(map: &Value) -> Vec<String> {
    let lines = map.get("fix").and_then(Value::as_list).unwrap_or_default();
    let mut shown: Vec<String> = lines
        .iter()
        .filter_map(|line| Some(format!("    {}", text(line)?)))
        .collect();
    if map.get("restart").and_then(Value::as_atom) == Some("true") && !shown.is_empty() {
        shown.push("  then restart".into());
    }
    shown
}

fn sentence(text: &str) -> Vec<String> {
    cut(text, 0)
}

fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Atom(word) => word.clone(),
        Value::Integer(n) => u64::try_from(*n).map_or_else(|_| n.to_string(), plain),
        Value::Float(x) => format!("{x:.1}"),
        Value::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Tuple(parts) => match parts.as_slice() {
            [Value::Atom(tag), number] if tag == "errno" => format!("errno {}", text(number)?),
            _ => return None,
        },
        _ => return None,
    })
}

/// A term as JSON: atoms and texts are strings, what has no such form is its absence.
fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Atom(word) => match word.as_str() {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "unknown" | "undefined" => Json::Null,
            word => Json::String(word.into()),
        },
        Value::Integer(n) => Json::from(*n),
        Value::Float(x) => Json::from(*x),
        Value::Binary(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::List(items) | Value::Tuple(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(pairs) => {
            let key = |key: &Value| text(key).unwrap_or_default();
            Json::Object(pairs.iter().map(|(k, v)| (key(k), json(v))).collect())
        }
        Value::Opaque => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(word: &str) -> Value {
        Value::Atom(word.into())
    }

    fn of(pairs: &[(&str, Value)]) -> Value {
        Value::Map(
            pairs
                .iter()
                .map(|(key, value)| (atom(key), value.clone()))
                .collect(),
        )
    }

    fn shown(value: &Value) -> String {
        show(value, Dialect::Erlang).unwrap()
    }

    // The line to paste is what a prompt cuts off: it must stand whole, alone, and in the syntax of that prompt.
    #[test]
    fn lines_to_paste_are_whole() {
        let long = format!(
            "prlimit --pid 4711 --nofile={}:{}",
            "1".repeat(60),
            "2".repeat(60)
        );
        let finding = of(&[
            ("id", atom("fds_exhausted")),
            ("level", atom("critical")),
            (
                "message",
                Value::Binary(b"All 128 descriptors are taken.".to_vec()),
            ),
            ("restart", atom("false")),
            (
                "fix",
                Value::List(vec![
                    Value::Binary(b"headroom:release().".to_vec()),
                    Value::Binary(long.clone().into_bytes()),
                ]),
            ),
        ]);
        let health = Value::Tuple(vec![atom("critical"), Value::List(vec![finding])]);
        let text = shown(&health);
        assert!(text.contains(&format!("\n    {long}\n")), "{text}");
        assert!(text.contains("\n    headroom:release().\n"), "{text}");
        let elixir = show(&health, Dialect::Elixir).unwrap();
        assert!(elixir.contains("\n    Headroom.release()\n"), "{elixir}");
    }

    // "Zeros" is no answer at night.
    #[test]
    fn a_release_says_what_it_gave() {
        let release = |fds, ports| {
            let both = of(&[
                ("fds", Value::Integer(fds)),
                ("ports", Value::Integer(ports)),
            ]);
            shown(&Value::Tuple(vec![atom("ok"), both]))
        };
        assert!(release(0, 0).starts_with("Nothing was held back"));
        assert!(release(64, 16).starts_with("Given back: 64 descriptors and 16 ports."));
    }

    // What is none of ours is left to the caller, who prints it as any term.
    #[test]
    fn what_is_not_known_is_left_alone() {
        for odd in [
            atom("x"),
            Value::Opaque,
            Value::Integer(7),
            of(&[("a", atom("b"))]),
        ] {
            assert_eq!(show(&odd, Dialect::Erlang), None);
        }
        let odd = Value::Tuple(vec![
            atom("error"),
            Value::Tuple(vec![atom("x"), atom("y")]),
        ]);
        assert_eq!(show(&odd, Dialect::Erlang), None);
    }
}
