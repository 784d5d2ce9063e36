//! How far long work is: on standard error, where a person sits before it, and nowhere else.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `length` steps, or nothing at all: where standard error is no terminal, and where the work is `short`.
pub fn bar(length: u64, short: bool, template: &str) -> ProgressBar {
    if short || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("##-")),
        Err(_) => bar,
    }
}
