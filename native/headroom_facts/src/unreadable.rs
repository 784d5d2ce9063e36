//! What could not be read, and why: an unknown value is never shown without its reason.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// One thing that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Which fact is missing.
    pub what: What,
    /// Why it is missing.
    pub reason: Reason,
}

impl Unreadable {
    /// `what` is missing because of `reason`.
    pub const fn new(what: What, reason: Reason) -> Self {
        Unreadable { what, reason }
    }

    /// Whether it does not show from where the node was looked at: no fault of the node.
    pub fn is_out_of_sight(&self) -> bool {
        self.reason == Reason::Word(Word::FromOutside)
    }
}

/// Those that are about one of `what`, and the words for them: ` (open: enoent)`, or nothing.
pub fn reasons(all: &[Unreadable], what: &[What]) -> (Vec<Unreadable>, String) {
    let about = |unreadable: &&Unreadable| what.contains(&unreadable.what);
    let missing: Vec<Unreadable> = all.iter().filter(about).copied().collect();
    let words: Vec<String> = missing
        .iter()
        .map(|missing| format!("{}: {}", missing.what.as_str(), missing.reason))
        .collect();
    let because = match words.as_slice() {
        [] => String::new(),
        words => format!(" ({})", words.join(", ")),
    };
    (missing, because)
}

atoms! {
    /// The facts that can be missing.
    pub enum What {
        /// The soft and hard limit of descriptors.
        Nofile = "nofile",
        /// The number of open descriptors.
        Open = "open",
        /// The highest open descriptor.
        Highest = "highest",
        /// The kernel's number of open files.
        FileNr = "file_nr",
        /// The kernel's limit of open files.
        FileMax = "file_max",
        /// The largest limit of descriptors that the kernel accepts.
        NrOpen = "nr_open",
        /// The capabilities of the process.
        Capabilities = "capabilities",
        /// Whether the process is in the initial user namespace.
        UserNs = "user_ns",
        /// `erlang:system_info(check_io)`, the source of `max_fds`.
        CheckIo = "check_io",
        /// `erlang:system_info(emu_args)`, the flags of the emulator.
        EmuArgs = "emu_args",
        /// The number of sockets of the `socket` module.
        Sockets = "sockets",
        /// The port table.
        Ports = "ports",
        /// The process table.
        Processes = "processes",
        /// The number of ETS tables.
        EtsTables = "ets_tables",
        /// The atom table.
        Atoms = "atoms",
    }
}

/// Why a fact is missing. Errors of the system are their symbolic name where it is known, `{errno, N}` otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// One of the known words.
    Word(Word),
    /// An error number without a word here.
    Errno(i32),
}

atoms! {
    /// The known reasons.
    pub enum Word {
        /// This operating system has no such thing, or it is not read here.
        UnsupportedOs = "unsupported_os",
        /// Finding it out would take too long on a normal scheduler.
        TooCostly = "too_costly",
        /// What was read made no sense.
        Malformed = "malformed",
        /// It was left out on purpose.
        NotAsked = "not_asked",
        /// The emulator or its modules do not offer it.
        Unavailable = "unavailable",
        /// It does not show from outside of the node.
        FromOutside = "from_outside",
        /// The process that would answer did not, in time.
        Timeout = "timeout",
        /// No such file: most often `/proc` is not mounted or partly hidden.
        Enoent = "enoent",
        /// Permission denied.
        Eacces = "eacces",
        /// Not permitted.
        Eperm = "eperm",
        /// The process had no free descriptor when the file had to be opened.
        Emfile = "emfile",
        /// The system had no free file when the file had to be opened.
        Enfile = "enfile",
        /// Not a directory.
        Enotdir = "enotdir",
        /// The descriptor is not open.
        Ebadf = "ebadf",
        /// The process that it belonged to is gone.
        Esrch = "esrch",
        /// The system call does not exist, or is filtered.
        Enosys = "enosys",
        /// Out of memory.
        Enomem = "enomem",
        /// Invalid argument.
        Einval = "einval",
        /// Input or output error.
        Eio = "eio",
    }
}

/// The words for error numbers of the system.
const ERRNOS: &[(i32, Word)] = &[
    (libc::ENOENT, Word::Enoent),
    (libc::EACCES, Word::Eacces),
    (libc::EPERM, Word::Eperm),
    (libc::EMFILE, Word::Emfile),
    (libc::ENFILE, Word::Enfile),
    (libc::ENOTDIR, Word::Enotdir),
    (libc::EBADF, Word::Ebadf),
    (libc::ESRCH, Word::Esrch),
    (libc::ENOSYS, Word::Enosys),
    (libc::ENOMEM, Word::Enomem),
    (libc::EINVAL, Word::Einval),
    (libc::EIO, Word::Eio),
];

impl Reason {
    /// The reason for an error number of the system.
    pub fn from_errno(errno: i32) -> Reason {
        let word = ERRNOS.iter().find(|(number, _)| *number == errno);
        word.map_or(Reason::Errno(errno), |(_, word)| Reason::Word(*word))
    }
}

impl From<Word> for Reason {
    fn from(word: Word) -> Self {
        Reason::Word(word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Reason::Word(word) => f.write_str(word.as_str()),
            Reason::Errno(errno) => write!(f, "errno {errno}"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Reason::Word(word) => word.serialize(serializer),
            Reason::Errno(errno) => {
                use serde::ser::SerializeTuple;
                let mut pair = serializer.serialize_tuple(2)?;
                pair.serialize_element(&Tag::Errno)?;
                pair.serialize_element(errno)?;
                pair.end()
            }
        }
    }
}

atoms! {
    /// Marks an error number.
    pub enum Tag {
        /// An error number of the system.
        Errno = "errno",
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = Reason;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a known reason or [\"errno\", number]")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Reason, E> {
                let word = Word::parse(word).ok_or_else(|| E::custom("an unknown reason"))?;
                Ok(Reason::Word(word))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Reason, A::Error> {
                let tag: Option<Tag> = seq.next_element()?;
                match (tag, seq.next_element()?) {
                    (Some(Tag::Errno), Some(errno)) => Ok(Reason::Errno(errno)),
                    _ => Err(serde::de::Error::custom("not [\"errno\", number]")),
                }
            }
        }
        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A reason that cannot be read back would make a user's snapshot useless as a fixture.
    #[test]
    fn reasons_survive_json() {
        for reason in [
            Reason::from_errno(libc::ENOENT),
            Reason::from_errno(libc::EXDEV),
            Reason::Word(Word::TooCostly),
        ] {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), reason);
        }
        let exdev = serde_json::to_string(&Reason::from_errno(libc::EXDEV)).unwrap();
        assert_eq!(exdev, format!("[\"errno\",{}]", libc::EXDEV));
    }
}
