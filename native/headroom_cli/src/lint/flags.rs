//! Flags of the emulator, in a file of their own (vm.args) or in the value of a variable.

use headroom_facts::configured::{Configured, Flag, Reaches, Setting, Spot, Variable};

use super::tree::{File, Tree};

/// Flags with a value that limits something; `+e`, `+K` and `+t` have relatives of several letters, which have not.
const FLAGS: [&str; 5] = ["+Q", "+P", "+t", "+e", "+K"];

/// Reads a file of flags: words in lines, `#` begins a comment (erts/etc/common/erlexec.c, `read_args_file`).
pub fn file(tree: &Tree, file: &File, scope: &str, into: &mut Configured) {
    let mut words = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let at = file.at(index + 1);
        match shell_words::split(line) {
            Ok(found) => words.extend(found.into_iter().map(|word| (word, at.clone()))),
            Err(_) if line.contains("<%") => {}
            Err(_) => tree.not_understood(at, "a quote that is never closed"),
        }
    }
    take(&words, scope, into);
}

/// Reads the value of a variable that holds flags.
pub fn value(tree: &Tree, set: &Setting, scope: &str, into: &mut Configured) {
    match shell_words::split(&set.value) {
        Ok(words) => {
            let words: Vec<_> = words
                .into_iter()
                .map(|word| (word, set.at.clone()))
                .collect();
            take(&words, scope, into);
        }
        Err(_) => tree.not_understood(set.at.clone(), format!("the quotes in {}", set.key)),
    }
}

fn take(words: &[(String, Spot)], scope: &str, into: &mut Configured) {
    let mut words = words.iter().peekable();
    while let Some((word, at)) = words.next() {
        if word == "-env" {
            if let (Some((key, _)), Some((value, _))) = (words.next(), words.next()) {
                variable(key, value, at, scope, Reaches::Emulator, into);
            }
            continue;
        }
        if let Some((key, value)) = word
            .split_once('=')
            .filter(|(key, _)| key.starts_with("ERL_") || key.starts_with("ERTS_"))
        {
            variable(
                key,
                value,
                at,
                scope,
                Reaches::Nobody(
                    "a file of flags knows flags alone; -env NAME VALUE sets a variable",
                ),
                into,
            );
            continue;
        }
        let Some(kind) = FLAGS.iter().find(|kind| word.starts_with(**kind)) else {
            continue;
        };
        let glued = &word[kind.len()..];
        let value = if glued.is_empty() {
            words
                .next_if(|(next, _)| !next.starts_with(['+', '-']))
                .map_or("", |(value, _)| value)
        } else if glued.starts_with(|c: char| c.is_ascii_digit()) {
            glued
        } else {
            continue;
        };
        into.flags.push(Flag {
            scope: scope.into(),
            set: Setting {
                key: (*kind).into(),
                value: value.into(),
                at: at.clone(),
            },
        });
    }
}

fn variable(
    key: &str,
    value: &str,
    at: &Spot,
    scope: &str,
    reaches: Reaches,
    into: &mut Configured,
) {
    into.variables.push(Variable {
        scope: scope.into(),
        set: Setting {
            key: key.into(),
            value: value.into(),
            at: at.clone(),
        },
        reaches,
    });
}
