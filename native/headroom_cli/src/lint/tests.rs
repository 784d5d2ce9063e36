//! Each rule finds its bad example and not its good one, in files as they would be; and the page of each rule is what the
//! rule says of itself.

use std::fs;
use std::path::{Path, PathBuf};

use headroom_core::lint::{lint, Example, Id, Rule, RULES};
use headroom_core::render;

use super::{collect, tree};

/// A folder of its own with these files; a text `-> path` is a link.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: Example) -> Folder {
        let path =
            std::env::temp_dir().join(format!("headroom-lint-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, file).unwrap(),
                None => fs::write(file, text).unwrap(),
            }
        }
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn found(&self) -> Vec<headroom_core::lint::Found> {
        lint(&collect::collect(tree::Tree::new(&self.0).unwrap()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check(rule: &Rule) {
    let name = rule.id.as_str();
    let bad = Folder::new(&format!("{name}-bad"), rule.bad).found();
    assert!(
        bad.iter().any(|found| found.id == rule.id),
        "{name}: {bad:?}"
    );
    for found in bad.iter().filter(|found| found.id == rule.id) {
        assert!(
            rule.bad.iter().any(|(file, _)| *file == found.at.file),
            "{found:?}"
        );
        assert!(found.message.ends_with('.'), "{found:?}");
    }
    let good = Folder::new(&format!("{name}-good"), rule.good).found();
    assert!(
        !good.iter().any(|found| found.id == rule.id),
        "{name}: {good:?}"
    );
}

// If this failed, a rule would be silent about what its page shows, or would accuse what it recommends.
#[test]
fn each_rule_finds_its_bad_example_and_not_its_good_one() {
    RULES.iter().for_each(check);
}

// Every name that can be found has a rule, so every finding has a page.
#[test]
fn each_name_has_one_rule() {
    for id in Id::ALL {
        assert_eq!(
            RULES.iter().filter(|rule| rule.id == *id).count(),
            1,
            "{}",
            id.as_str()
        );
    }
}

// The page says what the rules say. Written anew with HEADROOM_WRITE_DOCS=1.
#[test]
fn the_pages_are_those_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    let text = render::lint::pages(RULES);
    if std::env::var_os("HEADROOM_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        text,
        "HEADROOM_WRITE_DOCS=1 writes docs/lint.md"
    );
}

// An image is linted as what it is: a link that leaves it would show this machine's files, a circle would never end.
#[test]
fn links_and_odd_files_are_bounded() {
    let folder = Folder::new(
        "odd",
        &[
            ("etc/sysctl.conf", "-> sysctl.conf"),
            ("etc/security/limits.conf", "-> /etc/limits"),
            ("etc/limits", "app - nofile 64k\n"),
            ("etc/environment", "-> ../../../../etc/passwd"),
        ],
    );
    fs::create_dir_all(folder.0.join("etc/docker")).unwrap();
    fs::write(folder.0.join("etc/docker/daemon.json"), vec![b' '; 2 << 20]).unwrap();
    fs::create_dir_all(folder.0.join("etc/security/limits.d/dir.conf")).unwrap();
    let found = folder.found();
    let of = |id: Id| -> Vec<&str> {
        found
            .iter()
            .filter(|found| found.id == id)
            .map(|found| found.at.file.as_str())
            .collect()
    };
    assert_eq!(
        of(Id::NotRead),
        [
            "etc/docker/daemon.json",
            "etc/environment",
            "etc/security/limits.d/dir.conf",
            "etc/sysctl.conf"
        ]
    );
    // An absolute link leads to the image's own file.
    assert_eq!(of(Id::LimitNotANumber), ["etc/security/limits.conf"]);
}
