//! A folder as a root: nothing outside of it is read, links within it lead as they would if it were the root of a machine,
//! and what is no file, or larger than a configuration ever is, is said instead of read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use headroom_facts::configured::{Spot, Unread};

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;
/// The most links of a path, as of the kernel (`MAXSYMLINKS`).
const LINKS: u32 = 40;

/// A folder.
pub struct Tree {
    root: PathBuf,
    unread: RefCell<Vec<Unread>>,
    seen: RefCell<BTreeSet<PathBuf>>,
}

/// A file that was read.
pub struct File {
    /// What it is called below the root.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl File {
    /// A line of it.
    pub fn at(&self, line: usize) -> Spot {
        Spot {
            file: self.name.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
        }
    }
}

enum Missing {
    /// There is no such file.
    Absent,
    /// It is hidden on purpose (a link to /dev/null).
    Masked,
    /// Why it is not read.
    Because(String),
}

impl Tree {
    /// The folder itself must be there.
    pub fn new(root: &Path) -> std::io::Result<Tree> {
        let root = root.canonicalize()?;
        fs::read_dir(&root)?;
        Ok(Tree {
            root,
            unread: RefCell::default(),
            seen: RefCell::default(),
        })
    }

    /// Whether it is this machine's own.
    pub fn is_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// What was not read, or not understood.
    pub fn unread(self) -> Vec<Unread> {
        self.unread.into_inner()
    }

    /// A file once more or for the first time; nothing where there is none.
    pub fn read(&self, name: &str) -> Option<File> {
        match self.text(name) {
            Ok((_, text)) => Some(File {
                name: name.into(),
                text,
            }),
            Err(missing) => {
                self.miss(name, missing);
                None
            }
        }
    }

    /// A file, if it was not read yet under another name.
    pub fn read_once(&self, name: &str) -> Option<File> {
        match self.text(name) {
            Ok((path, text)) => {
                let new = self.seen.borrow_mut().insert(path);
                new.then(|| File {
                    name: name.into(),
                    text,
                })
            }
            Err(missing) => {
                self.miss(name, missing);
                None
            }
        }
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        self.resolve(name).is_ok()
    }

    /// Where a name leads, below the root.
    pub fn leads_to(&self, name: &str) -> Option<PathBuf> {
        self.resolve(name).ok()
    }

    /// Whether a name is hidden on purpose.
    pub fn is_masked(&self, name: &str) -> bool {
        matches!(self.resolve(name), Err(Missing::Masked))
    }

    /// The names in a folder, in the order of their bytes; links to folders are told apart from folders.
    pub fn list(&self, folder: &str) -> Vec<(String, bool)> {
        let Ok(path) = self.resolve(folder) else {
            return Vec::new();
        };
        let Ok(entries) = fs::read_dir(self.root.join(path)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                Some((
                    entry.file_name().into_string().ok()?,
                    entry.file_type().ok()?.is_dir(),
                ))
            })
            .collect();
        names.sort();
        names
    }

    /// Says that a line was not understood.
    pub fn not_understood(&self, at: Spot, why: impl Into<String>) {
        self.unread.borrow_mut().push(Unread {
            at,
            why: why.into(),
            whole: false,
        });
    }

    /// Says that a file or folder was not read.
    pub fn not_read(&self, name: &str, why: impl Into<String>) {
        let at = Spot {
            file: name.into(),
            line: 0,
        };
        let unread = Unread {
            at,
            why: why.into(),
            whole: true,
        };
        let mut all = self.unread.borrow_mut();
        if !all.contains(&unread) {
            all.push(unread);
        }
    }

    fn miss(&self, name: &str, missing: Missing) {
        if let Missing::Because(why) = missing {
            self.not_read(name, why);
        }
    }

    fn text(&self, name: &str) -> Result<(PathBuf, String), Missing> {
        let path = self.resolve(name)?;
        let whole = self.root.join(&path);
        let because = |error: std::io::Error| Missing::Because(error.to_string());
        let metadata = fs::symlink_metadata(&whole).map_err(because)?;
        // A pipe or a device would make the reader wait.
        if !metadata.is_file() {
            return Err(Missing::Because("it is no file".into()));
        }
        if metadata.len() > LARGEST {
            return Err(Missing::Because(format!(
                "it has {} bytes, more than any configuration",
                metadata.len()
            )));
        }
        let file = fs::File::open(&whole).map_err(because)?;
        let mut bytes = Vec::new();
        file.take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(because)?;
        Ok((path, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The path below the root, without links.
    fn resolve(&self, name: &str) -> Result<PathBuf, Missing> {
        let mut links = 0;
        let mut path = PathBuf::new();
        let mut left: Vec<String> = parts(Path::new(name)).into_iter().rev().collect();
        while let Some(part) = left.pop() {
            if part == ".." {
                if !path.pop() {
                    return Err(Missing::Because("its link leaves the folder".into()));
                }
                continue;
            }
            let next = path.join(&part);
            let whole = self.root.join(&next);
            let metadata = match fs::symlink_metadata(&whole) {
                Ok(metadata) => metadata,
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    return Err(Missing::Absent)
                }
                Err(error) => return Err(Missing::Because(error.to_string())),
            };
            if !metadata.is_symlink() {
                path = next;
                continue;
            }
            links += 1;
            if links > LINKS {
                return Err(Missing::Because("its links lead in a circle".into()));
            }
            let target =
                fs::read_link(&whole).map_err(|error| Missing::Because(error.to_string()))?;
            if target == Path::new("/dev/null") {
                return Err(Missing::Masked);
            }
            if target.is_absolute() {
                path = PathBuf::new();
            }
            left.extend(parts(&target).into_iter().rev());
        }
        Ok(path)
    }
}

fn parts(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}
