//! What lint found, as lines that an editor understands, as JSON, and the pages of the rules.

use super::page::{fix_lines, wrapped};
use crate::lint::{Example, Found, Rule};

/// Where the note of a line to paste begins.
const MARGIN: usize = 45;

/// `file:line: level id`, the sentence, and what to write instead.
pub fn text(found: &[Found]) -> String {
    if found.is_empty() {
        return "no findings\n".into();
    }
    let mut lines = Vec::new();
    for found in found {
        let line = match found.at.line {
            0 => String::new(),
            line => format!(":{line}"),
        };
        lines.push(format!(
            "{}{line}: {} {}",
            found.at.file,
            found.level.as_str(),
            found.id.as_str()
        ));
        lines.extend(wrapped(&found.message, "  ", "  "));
        lines.extend(
            found
                .fix
                .iter()
                .flat_map(|fix| fix_lines(fix, "  ", MARGIN)),
        );
    }
    lines.join("\n") + "\n"
}

/// An object a line.
pub fn json(found: &[Found]) -> String {
    let lines = found
        .iter()
        .filter_map(|found| serde_json::to_string(found).ok());
    lines.map(|line| line + "\n").collect()
}

/// docs/lint.md.
pub fn pages(rules: &[Rule]) -> String {
    let mut text = String::from(HEAD);
    for rule in rules {
        text += &format!("\n## `{}`\n\n", rule.id.as_str());
        text += &(textwrap::fill(rule.why, 120) + "\n\n");
        text += &(textwrap::fill(&format!("Source: {}.", rule.source), 120) + "\n");
        text += &example("Found in", rule.bad);
        text += &example("Not found in", rule.good);
    }
    text
}

const HEAD: &str = "# What `headroom lint` finds

`headroom lint [--root DIR] [--otp N] [--json]` reads the files that decide the next start of a node and says what of them will
not work. It changes nothing. `--root` is the folder of an image, a machine or a project; no link is followed out of it. What it
cannot read or understand is a finding as well. Exit status: 0 nothing found, 1 something found, 2 wrong folder or command line.

Each name below is that of a finding; where the report of a running node or `boot_advice()` speak of the same, they use the
same name. The examples are tests. This page is written from the rules.
";

fn example(title: &str, files: Example) -> String {
    let mut text = String::new();
    for (file, content) in files {
        text += &format!("\n{title} `{file}`:\n\n```\n{}\n```\n", content.trim_end());
    }
    text
}
