//! What the words of a line say: the sentences of the emulator, the kernel, libc and the libraries, as they are printed.

use super::operation::Operation::{self, *};
use super::printed::Line;
use super::symptom::{Allocation, Symptom, Word};

/// Sentences that mean one thing, in lower case. All parts must be there; the first row that fits counts.
const SENTENCES: &[(&[&str], Symptom)] = &[
    // print_driver_select_op, print_nif_select_op and large_fd_error in erl_check_io.c
    (&["larger than the largest allowed"], Symptom::Deaf),
    (&["select_read", "-2147483644"], Symptom::Deaf),
    (&["select_write", "-2147483644"], Symptom::Deaf),
    // db_create in erl_db.c, up to OTP 19; lager
    (&["too many db tables"], Symptom::TooManyTables),
    (
        &["maximum number of ets tables exceeded"],
        Symptom::TooManyTables,
    ),
    // alloc_empty_file in fs/file_table.c of Linux
    (&["file-max limit"], Symptom::FileMaxReached),
    // index_put_entry in index.c
    (&["no more index entries in atom_tab"], Symptom::AtomsFull),
    // alloc_process in erl_process.c; lager
    (&["too many processes"], Symptom::TooManyProcesses),
    (
        &["maximum number of processes exceeded"],
        Symptom::TooManyProcesses,
    ),
    (&["maximum number of ports exceeded"], Symptom::TooManyPorts),
    // lager cannot tell which, and a full atom table prints another sentence
    (
        &["tried to create an atom larger than 255"],
        Symptom::TooLarge,
    ),
    // sys_alloc and the allocators above it: erts_exit in erl_alloc.c
    (
        &["cannot allocate", "bytes of memory"],
        Symptom::NoMemory(Allocation::Other),
    ),
    (
        &["cannot reallocate", "bytes of memory"],
        Symptom::NoMemory(Allocation::Other),
    ),
    // inotify-tools, chokidar, and whoever names the setting
    (&["limit on inotify watches"], Symptom::InotifyWatches),
    (&["limit", "file watchers reached"], Symptom::InotifyWatches),
    (&["max_user_watches"], Symptom::InotifyWatches),
    (
        &["inotify_add_watch", "no space left"],
        Symptom::InotifyWatches,
    ),
    (&["inotify_add_watch", "enospc"], Symptom::InotifyWatches),
    (&["max_user_instances"], Symptom::Inotify),
    (&["inotify_init", "too many open files"], Symptom::Inotify),
    (&["inotify_init", "emfile"], Symptom::Inotify),
    (
        &["initialize inotify", "too many open files"],
        Symptom::Inotify,
    ),
    (&["initialize inotify", "emfile"], Symptom::Inotify),
    (
        &["inotify instance", "too many open files"],
        Symptom::Inotify,
    ),
    // ethr_thr_create in ethread.c, erl_poll.c, runtimes of containers, shells
    (&["failed to create", "thread"], Symptom::NoProcess),
    (&["could not create", "thread"], Symptom::NoProcess),
    (&["cannot create", "thread"], Symptom::NoProcess),
    (&["unable to create", "thread"], Symptom::NoProcess),
    (&["spawn thread", "eagain"], Symptom::NoProcess),
    (
        &["spawn thread", "temporarily unavailable"],
        Symptom::NoProcess,
    ),
    (&["fork", "temporarily unavailable"], Symptom::NoProcess),
    (&["fork", "eagain"], Symptom::NoProcess),
    // pids_can_fork in kernel/cgroup/pids.c
    (&["fork rejected by pids controller"], Symptom::NoProcess),
    (
        &["too many open files in system"],
        Symptom::Word(Word::Enfile),
    ),
    (
        &["too many open files in the system"],
        Symptom::Word(Word::Enfile),
    ),
    (&["file table overflow"], Symptom::Word(Word::Enfile)),
    (&["too many open files"], Symptom::Word(Word::Emfile)),
    // Ranch, lager
    (&["out of file descriptors"], Symptom::Word(Word::Emfile)),
    (&["file descriptors exhausted"], Symptom::Word(Word::Emfile)),
    (
        &["no file descriptors available"],
        Symptom::Word(Word::Emfile),
    ),
    // inet:format_error(system_limit); Elixir's SystemLimitError
    (
        &["a system limit was hit"],
        Symptom::Word(Word::SystemLimit),
    ),
    (
        &["a system limit has been reached"],
        Symptom::Word(Word::SystemLimit),
    ),
    (&["cannot allocate memory"], Symptom::Word(Word::Enomem)),
    (&["not enough memory"], Symptom::Word(Word::Enomem)),
    (&["no buffer space available"], Symptom::Word(Word::Enobufs)),
    (&["connection refused"], Symptom::Word(Word::Econnrefused)),
    (
        &["connection reset by peer"],
        Symptom::Word(Word::Econnreset),
    ),
    (&["connection timed out"], Symptom::Word(Word::Etimedout)),
    (&["operation timed out"], Symptom::Word(Word::Etimedout)),
    (&["address already in use"], Symptom::Word(Word::Eaddrinuse)),
    (
        &["assign requested address"],
        Symptom::Word(Word::Eaddrnotavail),
    ),
    (&["no space left on device"], Symptom::Word(Word::Enospc)),
    (&["temporarily unavailable"], Symptom::Word(Word::Eagain)),
    (&["no such file or directory"], Symptom::Word(Word::Enoent)),
    (&["permission denied"], Symptom::Word(Word::Eacces)),
    (&["operation not permitted"], Symptom::Word(Word::Eperm)),
    (&["no route to host"], Symptom::Word(Word::Ehostunreach)),
    (
        &["network is unreachable"],
        Symptom::Word(Word::Enetunreach),
    ),
    (
        &["address family not supported"],
        Symptom::Word(Word::Eafnosupport),
    ),
    (&["non-existing domain"], Symptom::Word(Word::Nxdomain)),
    (&["broken pipe"], Symptom::Word(Word::Epipe)),
    (&["read-only file system"], Symptom::Word(Word::Erofs)),
    // error_handler.erl and Elixir's UndefinedFunctionError: a module that could not be read does not exist
    (&["undefined function"], Symptom::Word(Word::Undef)),
    (&["is not available"], Symptom::Word(Word::Undef)),
    (&["module could not be loaded"], Symptom::Word(Word::Undef)),
    // logger_h_common.erl: what formats could not be loaded
    (&["formatter crashed"], Symptom::Word(Word::Undef)),
];

/// What was being done, as a sentence names it.
const OPERATIONS: &[(&str, Operation)] = &[
    // inet_gethost_native.erl: the resolver's helper is a port program that fails while something else connects
    ("can not execute", OpenPort),
    ("spawn_init", OpenPort),
    ("failed to create pipe", OpenPort),
    ("failed to start ranch listener", Listen),
    // net_kernel.erl
    ("register/listen error", Listen),
    ("file operation error", File),
    ("shared object file", File),
    ("could not open", File),
    ("could not read", File),
    ("could not write", File),
    ("could not stream", File),
    ("io error", File),
];

/// Single words for it. Two of them name none.
const VERBS: &[(&str, Operation)] = &[
    ("accept", Accept),
    ("accepting", Accept),
    ("listen", Listen),
    ("connect", Connect),
    ("connecting", Connect),
    ("open_port", OpenPort),
    ("peeloff", Peeloff),
    ("spawn", Spawn),
    ("spawn_link", Spawn),
    ("spawn_opt", Spawn),
];

/// What a line says.
pub(super) fn symptom(line: &Line) -> Option<Symptom> {
    // A word of its own is more exact than the sentence of another error: "enfile" stands where a library adds a guess.
    let strong = || {
        line.words
            .iter()
            .map(|(word, _)| *word)
            .find(|word| word.is_strong())
    };
    let found = match sentence(line) {
        Some(Symptom::Word(word)) => {
            let exact = strong().filter(|exact| {
                *exact != Word::Emfile && word == Word::Emfile || !word.is_strong()
            });
            Some(Symptom::Word(exact.unwrap_or(word)))
        }
        found => found,
    };
    let errno = || {
        numbered(&line.prose).or_else(|| {
            line.words
                .iter()
                .map(|(word, _)| *word)
                .find(|word| word.is_errno())
        })
    };
    // Words of everyday, only where a reason is expected.
    let expected = || {
        line.words
            .iter()
            .find(|(_, expected)| *expected)
            .map(|(word, _)| *word)
    };
    found.or_else(|| strong().or_else(errno).or_else(expected).map(Symptom::Word))
}

fn sentence(line: &Line) -> Option<Symptom> {
    let prose = line.prose.as_str();
    if prose.is_empty() {
        return None;
    }
    // os.erl: an exception of open_port is told as a wrong argument of os:cmd.
    if prose.contains("not a list of characters") && operation(line) == Some(OsCmd) {
        return Some(Symptom::Word(Word::Badarg));
    }
    let found = SENTENCES
        .iter()
        .find(|(parts, _)| parts.iter().all(|part| prose.contains(part)));
    match found?.1 {
        Symptom::NoMemory(_) => Some(Symptom::NoMemory(allocation(line))),
        symptom => Some(symptom),
    }
}

/// What the emulator wanted the memory for: `(of type "port_tab")`.
fn allocation(line: &Line) -> Allocation {
    match line
        .quoted
        .iter()
        .map(String::as_str)
        .find(|text| text.ends_with("_tab"))
    {
        Some("port_tab") => Allocation::PortTable,
        Some("proc_tab") => Allocation::ProcessTable,
        _ => Allocation::Other,
    }
}

/// `errno 24`, `os error 24`, `spawn_init: 24`
fn numbered(prose: &str) -> Option<Word> {
    ["errno", "os error", "spawn_init:"]
        .iter()
        .find_map(|name| {
            let rest = prose
                .split_once(name)?
                .1
                .trim_start_matches([' ', ':', '=', '(']);
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            Word::of_errno(rest[..end].parse().ok()?)
        })
}

/// The descriptor that a line of the emulator says is too large.
pub(super) fn descriptor(line: &Line) -> Option<u64> {
    let (before, _) = line
        .prose
        .split_once(" is larger than the largest allowed")?;
    before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// What was being done, as the words around an error say.
pub(super) fn operation(line: &Line) -> Option<Operation> {
    let prose = line.prose.as_str();
    if let Some((_, operation)) = OPERATIONS.iter().find(|(part, _)| prose.contains(part)) {
        return Some(*operation);
    }
    let words = prose.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '/'));
    let verbs = words.filter_map(|word| {
        VERBS
            .iter()
            .find(|(verb, _)| *verb == word)
            .map(|(_, operation)| *operation)
    });
    let mentioned = line
        .mentioned
        .iter()
        .filter_map(|call| Operation::of_function(&call.module, &call.function));
    let mut named = mentioned.chain(verbs);
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}
