//! Stacktraces as Elixir prints them.

use super::{split_near, term, Call};

/// A line of a stacktrace as Elixir prints it: `(app 1.0) lib/x.ex:4: X.y/2`, `:erlang.open_port({:spawn, "cat"}, [])`.
pub(super) fn elixir_frame(line: &str, bare: bool) -> Option<(Option<Call>, &str)> {
    let mut call = line;
    let mut placed = false;
    if let Some(app) = line.strip_prefix('(') {
        let (app, rest) = split_near(app, ')')?;
        let rest = rest.strip_prefix(' ')?;
        if !app
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-+ ".contains(c))
        {
            return None;
        }
        call = rest;
        placed = app.contains(' ');
    }
    let end = call.find([' ', '\n', '\\', '(']).unwrap_or(call.len());
    if let Some(place) = call[..end].strip_suffix(':') {
        let (file, number) = place.rsplit_once(':')?;
        if number.is_empty()
            || !number.chars().all(|c| c.is_ascii_digit())
            || !(file.contains('.') || matches!(file, "nofile" | "iex"))
        {
            return None;
        }
        call = call[end..].trim_start();
        placed = true;
    }
    if !placed && !bare {
        return None;
    }
    let end = call.find(['(', '\n', '\\', ' ']).unwrap_or(call.len());
    let (name, rest) = call.split_at(end);
    let named = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let named = named.strip_suffix('/').filter(|_| named.len() < name.len());
    let call = match (named, rest.strip_prefix('(')) {
        (Some(named), _) => function(named),
        (None, Some(_)) if !name.is_empty() => function(name),
        _ if placed => None,
        _ => return None,
    };
    if call.is_none() && !placed {
        return None;
    }
    let rest = rest.strip_prefix('(').map_or(rest, term::skip_arguments);
    let end = rest.find(['\n', '\\']).unwrap_or(rest.len());
    Some((call, &rest[end..]))
}

/// `:erlang.open_port`, `File.open!`, `:erlang."bsl"`
fn function(name: &str) -> Option<Call> {
    let (module, function) = name.rsplit_once('.')?;
    let module = match module.strip_prefix(':') {
        Some(erlang) => erlang.to_string(),
        None if module.starts_with(char::is_uppercase) => term::alias(module),
        None => return None,
    };
    Some(Call {
        module: module.trim_matches('"').to_string(),
        function: function.trim_matches('"').to_string(),
    })
}
