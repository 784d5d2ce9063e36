//! What a reason says, once every wrapper is off.

use serde::{Serialize, Serializer};

atoms! {
    /// The words of the system and of the emulator that are understood.
    #[allow(missing_docs)] // the words themselves
    pub enum Word {
        Emfile = "emfile",
        Enfile = "enfile",
        SystemLimit = "system_limit",
        Enomem = "enomem",
        Enobufs = "enobufs",
        Enospc = "enospc",
        Eagain = "eagain",
        Eaddrnotavail = "eaddrnotavail",
        Eaddrinuse = "eaddrinuse",
        Timeout = "timeout",
        Etimedout = "etimedout",
        Einval = "einval",
        Badarg = "badarg",
        Undef = "undef",
        Nofile = "nofile",
        Econnrefused = "econnrefused",
        Econnreset = "econnreset",
        Econnaborted = "econnaborted",
        Ehostunreach = "ehostunreach",
        Ehostdown = "ehostdown",
        Enetunreach = "enetunreach",
        Enetdown = "enetdown",
        Eacces = "eacces",
        Eperm = "eperm",
        Enoent = "enoent",
        Enotdir = "enotdir",
        Eisdir = "eisdir",
        Eexist = "eexist",
        Erofs = "erofs",
        Eio = "eio",
        Epipe = "epipe",
        Ebadf = "ebadf",
        Enametoolong = "enametoolong",
        Enotconn = "enotconn",
        Eisconn = "eisconn",
        Eafnosupport = "eafnosupport",
        Eprotonosupport = "eprotonosupport",
        Esocktnosupport = "esocktnosupport",
        Edestaddrreq = "edestaddrreq",
        Emsgsize = "emsgsize",
        Nxdomain = "nxdomain",
        Closed = "closed",
        NotOwner = "not_owner",
    }
}

impl Word {
    /// Such a word means one thing wherever it stands; the others are looked for only where a reason stands.
    pub(super) const fn is_strong(self) -> bool {
        matches!(
            self,
            Word::Emfile | Word::Enfile | Word::SystemLimit | Word::Enomem | Word::Enobufs
        )
    }

    /// A word that only the operating system uses.
    pub(super) fn is_errno(self) -> bool {
        self.as_str().starts_with('e')
    }

    /// The word for an error number.
    pub(super) fn of_errno(errno: i64) -> Option<Word> {
        let errno = i32::try_from(errno).ok()?;
        let known = [
            (libc::EMFILE, Word::Emfile),
            (libc::ENFILE, Word::Enfile),
            (libc::ENOMEM, Word::Enomem),
            (libc::ENOBUFS, Word::Enobufs),
            (libc::ENOSPC, Word::Enospc),
            (libc::EAGAIN, Word::Eagain),
        ];
        known
            .into_iter()
            .find(|(number, _)| *number == errno)
            .map(|(_, word)| word)
    }
}

/// What the emulator wanted memory for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// The port table, which is as large as the limit of descriptors unless it is told otherwise.
    PortTable,
    /// The process table.
    ProcessTable,
    /// Anything else.
    Other,
}

/// What a reason says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symptom {
    /// A word.
    Word(Word),
    /// The VM cannot watch a descriptor, as its number is too large: `driver_select` or `enif_select` refused it.
    Deaf,
    /// The same, for a number that no descriptor has.
    Rubbish,
    /// The kernel refused to watch a descriptor.
    Unwatched,
    /// `inotify_init` failed with `emfile`.
    Inotify,
    /// A quota of inotify watches is used up, as whoever watches says.
    InotifyWatches,
    /// A thread or an OS process could not be started, as whoever wanted it says.
    NoProcess,
    /// The emulator got no memory.
    NoMemory(Allocation),
    /// `maximum number of ports exceeded`.
    TooManyPorts,
    /// `** Too many db tables **`.
    TooManyTables,
    /// `Too many processes`.
    TooManyProcesses,
    /// `no more index entries in atom_tab`.
    AtomsFull,
    /// `VFS: file-max limit N reached`, a line of the kernel.
    FileMaxReached,
    /// `system_limit` for one thing that is too large: an atom, a binary, an integer.
    TooLarge,
    /// Nothing that is known here.
    Unknown,
}

/// What a verdict repeats of its reason: a word that is understood, or the beginning of what was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A word.
    Word(Word),
    /// Anything else, as text.
    Text(String),
}

impl Told {
    /// As text.
    pub fn as_str(&self) -> &str {
        match self {
            Told::Word(word) => word.as_str(),
            Told::Text(text) => text,
        }
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Told::Word(word) => word.serialize(serializer),
            Told::Text(text) => serializer.serialize_str(text),
        }
    }
}
