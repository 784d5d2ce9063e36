//! The last words of a VM: what it says when it ends, as OTP 23 to 29 write it.

/// What the slogan of a dump says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slogan {
    /// A table of names is full (erts/emulator/beam/index.c, `index_put_entry`).
    IndexTable {
        /// `atom_tab` for the atoms.
        table: String,
        /// Its size.
        limit: Option<u64>,
    },
    /// An allocation failed (erts/emulator/beam/erl_alloc.c, `erts_alloc_n_enomem`).
    Memory {
        /// Bytes that were asked for.
        bytes: u64,
        /// What they were for: `heap`, `binary`, `port_tab`.
        of_type: String,
    },
    /// The resolver's helper could not be started (lib/kernel/src/inet_gethost_native.erl, `open_executable`).
    Resolver {
        /// `emfile`, `system_limit` and the like.
        reason: String,
    },
    /// An application that the node cannot live without has ended (lib/kernel/src/application_controller.erl).
    Application {
        /// `kernel` in most cases.
        name: String,
        /// `shutdown` when one of its processes ended once too often, `killed` when somebody killed its supervisor.
        reason: String,
    },
    /// Somebody asked for the dump with a signal.
    Signal,
    /// The start failed (erts/preloaded/src/init.erl).
    Boot(String),
    /// A thread could not be made (erts/lib_src/pthread/ethread.c and its callers).
    Thread,
    /// Something else: most often the text that was given to `erlang:halt/1`.
    Other(String),
}

impl Slogan {
    /// Reads the text behind `Slogan: `, or a line that the VM wrote to standard error.
    pub fn parse(text: &str) -> Slogan {
        let text = text.trim();
        index_table(text)
            .or_else(|| memory(text))
            .or_else(|| resolver(text))
            .or_else(|| application(text))
            .or_else(|| signal(text))
            .or_else(|| boot(text))
            .or_else(|| thread(text))
            .unwrap_or_else(|| Slogan::Other(text.into()))
    }

    /// Whether a line of a log is one of the words that a VM ends with.
    pub fn is_last_words(line: &str) -> bool {
        !matches!(Slogan::parse(line), Slogan::Other(_))
    }
}

fn index_table(text: &str) -> Option<Slogan> {
    let (_, rest) = text.split_once("no more index entries in ")?;
    let table = rest.split([' ', '(']).next()?.to_string();
    let limit = rest.split_once("max=").and_then(|(_, n)| number(n));
    Some(Slogan::IndexTable { table, limit })
}

fn memory(text: &str) -> Option<Slogan> {
    let (_, rest) = text
        .split_once(": Cannot allocate ")
        .or_else(|| text.split_once(": Cannot reallocate "))?;
    let bytes = number(rest)?;
    let of_type = rest
        .split_once("of type \"")
        .and_then(|(_, word)| word.split_once('"'))
        .map_or_else(String::new, |(word, _)| word.into());
    Some(Slogan::Memory { bytes, of_type })
}

fn resolver(text: &str) -> Option<Slogan> {
    let (_, rest) = text.split_once("Can not execute ")?;
    let (program, reason) = rest.rsplit_once(" : ")?;
    program.contains("inet_gethost").then(|| Slogan::Resolver {
        reason: reason.trim().into(),
    })
}

/// The reason is a term in OTP 25 and the text of one, in quotes, in OTP 27 and 29.
fn application(text: &str) -> Option<Slogan> {
    let (_, rest) = text.split_once("{application_terminated,")?;
    let (name, reason) = rest.split_once(',')?;
    let reason = reason.split('}').next()?;
    Some(Slogan::Application {
        name: name.trim().into(),
        reason: reason.trim().into(),
    })
}

fn signal(text: &str) -> Option<Slogan> {
    text.contains("Received SIGUSR1").then_some(Slogan::Signal)
}

fn boot(text: &str) -> Option<Slogan> {
    ["init terminating in ", "Runtime terminating during boot"]
        .iter()
        .any(|start| text.starts_with(start))
        .then(|| Slogan::Boot(text.into()))
}

fn thread(text: &str) -> Option<Slogan> {
    let failed = text.contains("Failed to create") && text.contains("thread");
    failed.then_some(Slogan::Thread)
}

fn number(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each text was written by a VM of OTP 25, 27 or 29; one that is not known would send a person to read the dump.
    #[test]
    fn what_vms_say_when_they_end() {
        let resolver = |reason: &str| Slogan::Resolver {
            reason: reason.into(),
        };
        let memory = |bytes, of_type: &str| Slogan::Memory {
            bytes,
            of_type: of_type.into(),
        };
        let kernel = |reason: &str| Slogan::Application {
            name: "kernel".into(),
            reason: reason.into(),
        };
        let cases = [
            (
                "no more index entries in atom_tab (max=16384)",
                Slogan::IndexTable { table: "atom_tab".into(), limit: Some(16_384) },
            ),
            ("Can not execute /usr/lib/erlang/erts-13.1.5/bin/inet_gethost : emfile", resolver("emfile")),
            ("Can not execute /x y/bin/inet_gethost : system_limit", resolver("system_limit")),
            (
                "eheap_alloc: Cannot allocate 529782288 bytes of memory (of type \"heap\").",
                memory(529_782_288, "heap"),
            ),
            (
                "ll_alloc: Cannot allocate 1610612799 bytes of memory (of type \"port_tab\").",
                memory(1_610_612_799, "port_tab"),
            ),
            (
                "eheap_alloc: Cannot reallocate 99 bytes of memory (of type \"old_heap\").",
                memory(99, "old_heap"),
            ),
            (
                "Kernel pid terminated (application_controller) ({application_terminated,kernel,shutdown})",
                kernel("shutdown"),
            ),
            (
                "Kernel pid terminated (application_controller) (\"{application_terminated,kernel,killed}\")",
                kernel("killed"),
            ),
            ("Received SIGUSR1", Slogan::Signal),
            ("my own reason", Slogan::Other("my own reason".into())),
            ("", Slogan::Other(String::new())),
        ];
        for (text, expected) in cases {
            assert_eq!(Slogan::parse(text), expected, "{text}");
        }
        for text in [
            "init terminating in do_boot ({x})",
            "Runtime terminating during boot ({x})",
        ] {
            assert_eq!(Slogan::parse(text), Slogan::Boot(text.into()));
        }
        assert_eq!(
            Slogan::parse("Failed to create poll thread"),
            Slogan::Thread
        );
    }
}
