//! Files that a shell reads for their variables: words as a shell splits them. Other shell code is passed over.

use headroom_facts::configured::Setting;

use super::tree::{File, Tree};

/// The most lines of one quoted value.
const LINES: usize = 20;

/// An assignment, and whether it is exported.
pub struct Assignment {
    pub set: Setting,
    pub exported: bool,
}

/// The assignments of a file.
pub fn assignments(tree: &Tree, file: &File) -> Vec<Assignment> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found: Vec<Assignment> = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let first = index;
        index += 1;
        let start = lines[first].trim_start();
        if start.is_empty() || start.starts_with('#') || start.starts_with("<%") {
            continue;
        }
        let mut text = start.to_string();
        let mut words = shell_words::split(&text);
        while (words.is_err() || text.ends_with('\\'))
            && index < lines.len()
            && index - first < LINES
        {
            text = format!(
                "{}\n{}",
                text.strip_suffix('\\').unwrap_or(&text),
                lines[index]
            );
            index += 1;
            words = shell_words::split(&text);
        }
        let Ok(words) = words else {
            index = first + 1;
            if is_assignment(start.trim_start_matches("export ")).is_some() {
                tree.not_understood(file.at(first + 1), "a quote that is never closed");
            }
            continue;
        };
        let exported = words.first().is_some_and(|word| word == "export");
        for word in words.iter().skip(usize::from(exported)) {
            match is_assignment(word) {
                Some((key, value)) => found.push(Assignment {
                    set: Setting {
                        key: key.into(),
                        value: value.into(),
                        at: file.at(first + 1),
                    },
                    exported,
                }),
                // `export NAME` alone exports what was set before.
                None if exported => {
                    let earlier = found
                        .iter_mut()
                        .filter(|assignment| assignment.set.key == *word);
                    earlier.for_each(|assignment| assignment.exported = true);
                }
                None => break,
            }
        }
    }
    found
}

/// `NAME=VALUE`.
fn is_assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let valid = starts
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    valid.then_some((name, value))
}
