//! The labels of reports: what stands behind each is a reason, a name, or decides nothing.

use super::{split_near, term};

/// What may stand before a colon or an equals sign, in lower case.
const LABELS: &[(&str, Label)] = &[
    ("*** argument", Label::Beside),
    ("ancestors", Label::Beside),
    ("application", Label::Name),
    ("agent", Label::Name),
    ("args", Label::Beside),
    ("arguments", Label::Beside),
    ("called as", Label::Beside),
    ("callback mode", Label::Beside),
    ("callback modules", Label::Beside),
    ("child", Label::Name),
    ("client", Label::Beside),
    ("current_function", Label::Beside),
    ("current stacktrace", Label::Beside),
    ("dictionary", Label::Beside),
    ("error", Label::Reason),
    ("exception error", Label::Reason),
    ("exception exit", Label::Reason),
    ("exception throw", Label::Reason),
    ("function", Label::Beside),
    ("gen_event", Label::Name),
    ("gen_fsm", Label::Name),
    ("gen_server", Label::Name),
    ("gen_statem", Label::Name),
    ("generic server", Label::Name),
    ("genserver", Label::Name),
    ("initial call", Label::Beside),
    ("initial_call", Label::Beside),
    ("last event", Label::Beside),
    ("last event was", Label::Beside),
    ("last message", Label::Beside),
    ("last message in was", Label::Beside),
    ("links", Label::Beside),
    ("messages", Label::Beside),
    ("msg", Label::Reason),
    ("neighbours", Label::Beside),
    ("neighbors", Label::Beside),
    ("offender", Label::Beside),
    ("postponed", Label::Beside),
    ("process", Label::Name),
    ("process label", Label::Beside),
    ("ranch listener", Label::Name),
    ("reason", Label::Reason),
    ("reason for termination", Label::Reason),
    ("registered name", Label::Beside),
    ("registered_name", Label::Beside),
    ("request", Label::Beside),
    ("start call", Label::Beside),
    ("started", Label::Beside),
    ("state", Label::Beside),
    ("state machine", Label::Name),
    ("supervisor", Label::Name),
    ("task", Label::Name),
    ("user state", Label::Beside),
    ("when handler state", Label::Beside),
    ("when server state", Label::Beside),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// What stands behind it decides nothing, up to the end of the line or to the next label.
    Beside,
    /// A reason stands behind it.
    Reason,
    /// A name stands behind it.
    Name,
}

/// The longest label that a text begins with, and what follows it.
pub(super) fn label_of(rest: &str) -> Option<(&'static str, Label, &str)> {
    let first = rest.as_bytes()[0].to_ascii_lowercase();
    let whole = |text: &str| {
        let head = rest.get(..text.len())?;
        let behind = &rest[text.len()..];
        let is_whole = head.eq_ignore_ascii_case(text) && !behind.starts_with(term::is_name);
        is_whole.then_some(behind)
    };
    LABELS
        .iter()
        .filter(|(text, _)| text.as_bytes()[0] == first)
        .filter_map(|&(text, label)| Some((text, label, separated(text, label, whole(text)?)?)))
        .max_by_key(|(text, ..)| text.len())
}

/// What follows a label: a reason and what decides nothing need their separator, a name none.
fn separated<'a>(text: &str, label: Label, rest: &'a str) -> Option<&'a str> {
    let rest = rest.trim_start_matches([' ', '\t']);
    if label == Label::Name
        || matches!(
            text,
            "called as" | "*** argument" | "last message in was" | "last event was" | "client"
        )
    {
        return Some(rest);
    }
    // `Last message (from #PID<0.96.0>): `
    let rest = match rest.strip_prefix('(') {
        Some(inner) => split_near(inner, ')')?.1.trim_start(),
        None => rest,
    };
    let behind = rest.trim_start_matches(['=', ':']);
    (behind.len() < rest.len()).then_some(behind)
}
