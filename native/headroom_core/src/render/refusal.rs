//! What stands on standard error when a node does not meet its requirements.

use super::page::wrapped;
use super::report::fix;
use crate::finding::Finding;
use headroom_facts::Facts;

/// All that is not met, numbered, each with the line to change.
pub fn unmet(findings: &[Finding], of: usize, facts: &Facts) -> String {
    let mut lines = vec![format!(
        "headroom: {} of {of} requirements are not met by {}, os pid {}",
        findings.len(),
        facts.node,
        facts.os_pid
    )];
    for (index, finding) in findings.iter().enumerate() {
        let number = format!("{}. ", index + 1);
        let indent = " ".repeat(number.len());
        lines.extend(wrapped(&finding.message, &number, &indent));
        lines.extend(finding.fix.iter().flat_map(fix));
    }
    lines.join("\n") + "\n"
}
