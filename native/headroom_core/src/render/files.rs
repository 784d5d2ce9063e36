//! Files that are open more than once: a file that is never closed shows by its name.

/// How many are shown.
const SHOWN: usize = 5;

/// The lines, of files and how often each is open, the most often first.
pub fn section(files: &[(String, u64)]) -> String {
    let lines = files
        .iter()
        .take(SHOWN)
        .enumerate()
        .map(|(index, (path, count))| {
            let name = if index == 0 { "files" } else { "" };
            format!("{name:<11}{count} x {path}\n")
        });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_section_stands_once() {
        let files = [
            ("/etc/hostname".to_string(), 57),
            ("/dev/null".to_string(), 2),
        ];
        assert_eq!(
            section(&files),
            "files      57 x /etc/hostname\n           2 x /dev/null\n"
        );
        assert_eq!(section(&[]), "");
    }
}
