//! Where the control group of this process keeps its numbers: version 2, version 1, or both beside each other.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the file systems of control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// What is counted, and the files of version 2 and version 1.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub controller: &'static str,
    pub limit: [&'static str; 2],
    pub file: [&'static str; 2],
}

/// The file of the group, or of the nearest one above it that has a limit. The one that was looked for is what stands if none has.
pub(super) fn path(numbers: &Numbers) -> Option<CString> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let (version, folders) = folders(&groups, numbers.controller)?;
    let (limit, file) = (numbers.limit[version], numbers.file[version]);
    let there = || folders.iter().filter(|folder| folder.join(limit).is_file());
    let limited = |folder: &&PathBuf| {
        let text = fs::read_to_string(folder.join(limit)).unwrap_or_default();
        // Version 1 has no word for "no limit" of memory but the largest number.
        text.trim().parse().is_ok_and(|limit: u64| limit < 1 << 62)
    };
    let folder = there().find(limited).or_else(|| there().next())?;
    CString::new(folder.join(file).into_os_string().into_encoded_bytes()).ok()
}

/// The folders of the group and of those above it, the nearest first, and which of the two versions they are.
fn folders(groups: &str, controller: &str) -> Option<(usize, Vec<PathBuf>)> {
    let entry = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        Some((controllers.to_string(), path.to_string()))
    };
    let entries: Vec<(String, String)> = groups.lines().filter_map(entry).collect();
    let old = entries
        .iter()
        .find(|(controllers, _)| controllers.split(',').any(|name| name == controller));
    let (version, root, path) = match old {
        Some((_, path)) => (1, Path::new(ROOT).join(controller), path),
        None => {
            let (_, path) = entries
                .iter()
                .find(|(controllers, _)| controllers.is_empty())?;
            (0, PathBuf::from(ROOT), path)
        }
    };
    // In a container the path may be one of the host, where the mount shows the group itself.
    let own = root.join(path.trim_start_matches('/'));
    let mut folders: Vec<PathBuf> = own
        .ancestors()
        .take_while(|folder| folder.starts_with(&root))
        .map(Path::to_path_buf)
        .collect();
    if folders.is_empty() {
        folders.push(root);
    }
    Some((version, folders))
}

#[cfg(test)]
mod tests {
    use super::*;

    // A limit that is looked for in the wrong folder is one that nobody is told of.
    #[test]
    fn both_versions_have_their_folders() {
        let rows = [
            ("0::/\n", 0, vec!["/sys/fs/cgroup"]),
            (
                "0::/a/b\n",
                0,
                vec!["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"],
            ),
            ("8:pids:/\n0::/\n", 1, vec!["/sys/fs/cgroup/pids"]),
            (
                "8:cpu,pids:/x\n0::/y\n",
                1,
                vec!["/sys/fs/cgroup/pids/x", "/sys/fs/cgroup/pids"],
            ),
        ];
        for (groups, version, expected) in rows {
            let expected: Vec<PathBuf> = expected.into_iter().map(PathBuf::from).collect();
            assert_eq!(
                folders(groups, "pids"),
                Some((version, expected)),
                "{groups}"
            );
        }
        assert_eq!(folders("", "pids"), None);
        assert_eq!(folders("8:cpu:/\n", "pids"), None);
    }
}
