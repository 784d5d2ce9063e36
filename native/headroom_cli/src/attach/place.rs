//! Where on the node's host the library goes: a folder that may run code.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use procfs::process::MountInfos;
use procfs::FromBufRead;

use super::remote::{atom, binary, second, string, text, Remote};
use super::{private, NIF};

/// Writes the library into the first folder from which it can be loaded, and says which that is.
pub fn library(
    remote: &mut Remote,
    library: &[u8],
    load: impl Fn(&mut Remote, &str) -> Result<(), String>,
) -> Result<String, String> {
    let mut refused = Vec::new();
    let mounts = mounts(remote)?;
    for parent in parents(remote)? {
        if mounts
            .as_ref()
            .is_some_and(|mounts| is_noexec(mounts, &parent))
        {
            refused.push(format!("  {parent}: it is mounted noexec"));
            continue;
        }
        let base = format!("{parent}/headroom-{}", unique());
        let folder = format!("{base}/headroom");
        let tried = write(remote, &base, &folder, library).and_then(|()| load(remote, &folder));
        let Err(why) = tried else {
            return Ok(folder);
        };
        for function in ["purge", "delete", "purge"] {
            remote.call("code", function, vec![atom(NIF)])?;
        }
        forget_failure(remote)?;
        clear(remote, &folder)?;
        refused.push(format!("  {parent}: {}", worded(&why)));
        if !is_about_the_folder(&why) {
            break;
        }
    }
    Err(format!(
        "the node's host has no folder from which the library can be loaded:\n{}",
        refused.join("\n")
    ))
}

/// Where a user may write and, most often, run.
fn parents(remote: &mut Remote) -> Result<Vec<String>, String> {
    let variable = text(&remote.call("os", "getenv", vec![string("TMPDIR")])?);
    let current = second(&remote.call("file", "get_cwd", Vec::new())?).and_then(text);
    let mut parents: Vec<String> = variable
        .into_iter()
        .filter(|folder| folder.starts_with('/'))
        .collect();
    parents.extend(["/tmp", "/dev/shm", "/var/tmp"].map(String::from));
    parents.extend(current);
    parents.dedup();
    Ok(parents)
}

/// What is mounted where the node is, if it tells. A library that may not be mapped is not tried: the dynamic linker
/// leaves a part of it in the memory of the node.
fn mounts(remote: &mut Remote) -> Result<Option<MountInfos>, String> {
    let file = vec![string("/proc/self/mountinfo")];
    let read = second(&remote.call("prim_file", "read_file", file)?).and_then(text);
    Ok(read.and_then(|text| MountInfos::from_buf_read(text.as_bytes()).ok()))
}

/// Whether the innermost mount that has this folder may run nothing; of two at one place the later one hides the other.
fn is_noexec(mounts: &MountInfos, folder: &str) -> bool {
    let has = mounts
        .iter()
        .filter(|mount| Path::new(folder).starts_with(&mount.mount_point));
    has.max_by_key(|mount| mount.mount_point.components().count())
        .is_some_and(|mount| mount.mount_options.contains_key("noexec"))
}

/// No other process makes this folder first.
fn unique() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    format!("{:x}-{now:x}", std::process::id())
}

fn write(remote: &mut Remote, base: &str, folder: &str, library: &[u8]) -> Result<(), String> {
    remote.done("prim_file", "make_dir", vec![string(base)])?;
    private(remote, base)?;
    for folder in [
        folder.to_string(),
        format!("{folder}/ebin"),
        format!("{folder}/priv"),
    ] {
        remote.done("prim_file", "make_dir", vec![string(&folder)])?;
    }
    let file = format!("{folder}/priv/{NIF}.so");
    remote.done(
        "prim_file",
        "write_file",
        vec![string(&file), binary(library)],
    )
}

/// Takes the folder off the path and deletes it with all that was put there.
pub fn clear(remote: &mut Remote, folder: &str) -> Result<(), String> {
    remote.call("code", "del_path", vec![string(&format!("{folder}/ebin"))])?;
    let base = folder.strip_suffix("/headroom").unwrap_or(folder);
    remote.call(
        "prim_file",
        "delete",
        vec![string(&format!("{folder}/priv/{NIF}.so"))],
    )?;
    for folder in [
        format!("{folder}/priv"),
        format!("{folder}/ebin"),
        folder.into(),
        base.into(),
    ] {
        remote.call("prim_file", "del_dir", vec![string(&folder)])?;
    }
    Ok(())
}

/// The module keeps why its library is missing.
fn forget_failure(remote: &mut Remote) -> Result<(), String> {
    remote
        .call("persistent_term", "erase", vec![atom(NIF)])
        .map(drop)
}

/// Whether another folder can be better.
fn is_about_the_folder(why: &str) -> bool {
    [
        "failed to map segment",
        "Operation not permitted",
        "enoent",
        "eacces",
        "erofs",
        "enospc",
        "edquot",
        "enotdir",
        "eperm",
    ]
    .iter()
    .any(|word| why.contains(word))
}

/// What the dynamic linker says, in a sentence that can be acted on.
fn worded(why: &str) -> String {
    let cause = if why.contains("failed to map segment") {
        "it is mounted noexec"
    } else if why.contains("version `GLIBC_") {
        "the node's glibc is older than the library's: use a command that was built on an older system"
    } else if why.contains("wrong ELF class")
        || why.contains("invalid ELF header")
        || why.contains("cannot open shared object file")
            && !why.contains("headroom_nif.so: cannot open")
    {
        "the library is for another machine or another libc"
    } else {
        return why.into();
    };
    format!("{cause} ({why})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOEXEC: &str =
        "Failed to load NIF library: '/tmp/x.so: failed to map segment from shared object'";
    const GLIBC: &str =
        "Failed to load NIF library /tmp/x.so: 'libc.so.6: version `GLIBC_2.34' not found'";

    // To go on after a library that fits nowhere would leave files in every folder of the host.
    #[test]
    fn another_folder_is_tried_only_where_it_can_help() {
        assert!(is_about_the_folder(NOEXEC));
        assert!(is_about_the_folder(
            "prim_file:make_dir answered {error,erofs}"
        ));
        assert!(!is_about_the_folder(GLIBC));
    }

    // As a hardened host has them: /tmp is mounted over, and a folder below it is allowed again.
    #[test]
    fn the_innermost_mount_decides() {
        let mounts = "25 30 0:23 / / rw,relatime - ext4 /dev/vda rw\n\
                      26 25 0:24 / /tmp rw,relatime - tmpfs tmpfs rw\n\
                      27 26 0:25 / /tmp rw,nosuid,noexec,relatime shared:1 - tmpfs tmpfs rw\n\
                      28 27 0:26 / /tmp/run rw,relatime - tmpfs tmpfs rw\n\
                      29 25 0:27 / /dev/shm rw,noexec - tmpfs tmpfs rw\n";
        let mounts = MountInfos::from_buf_read(mounts.as_bytes()).unwrap();
        let cases = [
            ("/tmp", true),
            ("/tmp/x", true),
            ("/tmp/run/x", false),
            ("/tmpx", false),
            ("/dev/shm", true),
            ("/var/tmp", false),
        ];
        for (folder, expected) in cases {
            assert_eq!(is_noexec(&mounts, folder), expected, "{folder}");
        }
    }

    #[test]
    fn reasons_are_sentences() {
        assert!(worded(NOEXEC).starts_with("it is mounted noexec"));
        assert!(worded(GLIBC).starts_with("the node's glibc is older"));
        assert_eq!(worded("{error,enospc}"), "{error,enospc}");
    }
}
