//! What a log line says: the sentences of the emulator, the kernel and the libraries, as they are printed.

use super::operation::Operation;
use super::symptom::{Symptom, Word};

/// More of a text is not looked at.
const LONGEST: usize = 4096;

/// What was found in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub symptom: Option<Symptom>,
    pub operation: Option<Operation>,
}

/// Sentences that mean one thing, in lower case. All parts must be there; the first row that fits counts.
const SENTENCES: &[(&[&str], Symptom)] = &[
    // print_driver_select_op, print_nif_select_op and large_fd_error in erl_check_io.c
    (&["larger than the largest allowed fd"], Symptom::Deaf),
    (&["select_read", "-2147483644"], Symptom::Deaf),
    (&["select_write", "-2147483644"], Symptom::Deaf),
    // db_create in erl_db.c, up to OTP 19
    (&["too many db tables"], Symptom::TooManyTables),
    // alloc_empty_file in fs/file_table.c of Linux
    (&["file-max limit"], Symptom::FileMaxReached),
    // index_put_entry in index.c
    (&["no more index entries in atom_tab"], Symptom::AtomsFull),
    // alloc_process in erl_process.c
    (&["too many processes"], Symptom::TooManyProcesses),
    (&["inotify", "too many open files"], Symptom::Inotify),
    (&["inotify", "max_user_instances"], Symptom::Inotify),
    (&["inotify", "emfile"], Symptom::Inotify),
    (
        &["too many open files in system"],
        Symptom::Word(Word::Enfile),
    ),
    (&["file table overflow"], Symptom::Word(Word::Enfile)),
    (&["too many open files"], Symptom::Word(Word::Emfile)),
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
    (&["address already in use"], Symptom::Word(Word::Eaddrinuse)),
    (
        &["can't assign requested address"],
        Symptom::Word(Word::Eaddrnotavail),
    ),
    (&["no space left on device"], Symptom::Word(Word::Enospc)),
    (
        &["resource temporarily unavailable"],
        Symptom::Word(Word::Eagain),
    ),
];

/// What was being done, in the order in which it is looked for: the resolver's helper is a port program that fails
/// while something else connects.
const OPERATIONS: &[(&str, Operation)] = &[
    ("inet_gethost", Operation::OpenPort),
    ("os:cmd", Operation::OsCmd),
    ("open_port", Operation::OpenPort),
    ("peeloff", Operation::Peeloff),
    ("accept", Operation::Accept),
    ("listen", Operation::Listen),
    ("connect", Operation::Connect),
    ("gen_udp", Operation::UdpOpen),
    ("gen_sctp", Operation::SctpOpen),
    ("file operation error", Operation::File),
    ("shared object file", Operation::File),
    ("could not open file", Operation::File),
    ("could not read file", Operation::File),
    ("file_error", Operation::File),
    ("spawn", Operation::Spawn),
];

pub(super) fn read(text: &[u8]) -> Found {
    let text = &text[..text.len().min(LONGEST)];
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    Found {
        symptom: sentence(&text).or_else(|| word(&text)),
        operation: operation(&text),
    }
}

/// What the words around an error say about the operation.
fn operation(text: &str) -> Option<Operation> {
    OPERATIONS
        .iter()
        .find(|(part, _)| text.contains(part))
        .map(|(_, operation)| *operation)
}

fn sentence(text: &str) -> Option<Symptom> {
    // A word of its own is more exact than the sentence of another error: "enfile" stands where a library adds a guess.
    let exact = words(text).find(|word| word.is_strong() && *word != Word::Emfile);
    let found = SENTENCES
        .iter()
        .find(|(parts, _)| parts.iter().all(|part| text.contains(part)))
        .map(|(_, symptom)| *symptom);
    match (found, exact) {
        (Some(Symptom::Word(Word::Emfile)), Some(exact)) => Some(Symptom::Word(exact)),
        (found, _) => found,
    }
}

fn word(text: &str) -> Option<Symptom> {
    let strong = words(text).find(|word| word.is_strong());
    let any = || words(text).find(|word| word.is_errno() || *word == Word::Timeout);
    strong.or_else(any).map(Symptom::Word)
}

/// The words of a text. What holds a slash is a path or a function, and no reason.
fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    text.split(|c: char| c.is_ascii_whitespace() || "\"'`,;()[]{}<>".contains(c))
        .filter(|part| !part.contains('/'))
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter_map(Word::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Operators paste lines, not terms: each of these is one that OTP, a library or the kernel really prints.
    #[test]
    fn lines_as_they_are_printed() {
        use Operation::*;
        let word = |word| Some(Symptom::Word(word));
        let cases = [
            ("Failed TCP accept: emfile", word(Word::Emfile), Some(Accept)),
            ("driver_select(0x7f0, 319, ERL_DRV_USE, 0) by tcp_inet driver #Port<0.7> failed: fd=319 is larger than the largest allowed fd=255", Some(Symptom::Deaf), None),
            ("** Too many db tables **", Some(Symptom::TooManyTables), None),
            ("VFS: file-max limit 1000 reached", Some(Symptom::FileMaxReached), None),
            ("Can not execute /usr/lib/erlang/erts-13.1.5/bin/inet_gethost : emfile", word(Word::Emfile), Some(OpenPort)),
            ("Failed to initialize inotify: Too many open files", Some(Symptom::Inotify), None),
            ("tcp connect (localhost:5432): too many open files - :emfile", word(Word::Emfile), Some(Connect)),
            ("Failed to start Ranch listener web in ranch_tcp:listen([]) for reason emfile (too many open files)", word(Word::Emfile), Some(Listen)),
            ("accept: enfile (too many open files in the system)", word(Word::Enfile), Some(Accept)),
            ("File operation error: emfile. Target: ./x.beam. Function: get_file. Process: code_server.", word(Word::Emfile), Some(File)),
            ("/x/y.so: cannot open shared object file: Too many open files", word(Word::Emfile), Some(File)),
            ("=ERROR REPORT====\nToo many processes", Some(Symptom::TooManyProcesses), None),
            ("no more index entries in atom_tab (max=1048576)", Some(Symptom::AtomsFull), None),
            ("a system limit was hit, probably not enough ports", word(Word::SystemLimit), None),
            ("Accept error: {error, system_limit}", word(Word::SystemLimit), Some(Accept)),
            ("connect to host: connection refused", word(Word::Econnrefused), Some(Connect)),
            ("the timeout of emfiles", word(Word::Timeout), None),
            ("{error,{file_error,\"/var/emfile/enfile\",enoent}}", word(Word::Enoent), Some(File)),
            ("all is well", None, None),
        ];
        for (line, symptom, operation) in cases {
            assert_eq!(
                read(line.as_bytes()),
                Found { symptom, operation },
                "{line}"
            );
        }
    }
}
