//! The command line of an emulator: `beam.smp [FLAGS] -- [ARGUMENTS OF INIT]`.
//!
//! Variables such as `ERL_FLAGS` and files of arguments are merged into it before the emulator starts, so it is complete.

/// What a command line tells of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and what follows it, whole: it can contain the cookie.
    pub words: Vec<String>,
    /// The release of OTP, such as `27`.
    pub release: Option<String>,
    name: Option<Named>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    long: bool,
}

/// OTP 23 has erts 11, and both have counted up together since.
const OTP_OF_ERTS: u64 = 12;
const FIRST_SUCH_ERTS: u64 = 11;

impl CommandLine {
    /// `None` if this is no emulator's. `file` is the name of the file that the process runs: the first word of a node that
    /// an escript started is that of the script.
    pub fn parse(file: &str, words: &[String]) -> Option<CommandLine> {
        if file != "beam" && !file.starts_with("beam.") {
            return None;
        }
        let program = words.first()?;
        let value = |flag| value(words, flag);
        let short = value("-sname").map(|name| Named { name, long: false });
        let long = value("-name").map(|name| Named { name, long: true });
        let release = value("-bindir").as_deref().and_then(release);
        Some(CommandLine {
            release: release.or_else(|| self::release(program)),
            name: short.or(long),
            words: words.to_vec(),
        })
    }

    /// The value of an argument of init, such as `-home`.
    #[cfg(feature = "attach")]
    pub fn value(&self, flag: &str) -> Option<String> {
        value(&self.words, flag)
    }

    /// The node's name. A short name without a host gets that of this machine, where it is the same.
    pub fn name(&self, host: impl FnOnce() -> Option<String>) -> Option<String> {
        let Named { name, long } = self.name.as_ref()?;
        if name.contains('@') || *long {
            return Some(name.clone());
        }
        let host = host().and_then(|host| host.split('.').next().map(String::from));
        Some(host.map_or_else(|| name.clone(), |host| format!("{name}@{host}")))
    }
}

/// The value of an argument of init, such as `-sname`.
fn value(words: &[String], flag: &str) -> Option<String> {
    let init = words.iter().skip_while(|word| *word != "--");
    let mut init = init
        .take_while(|word| *word != "-extra")
        .skip_while(|word| *word != flag);
    let value = init.nth(1)?;
    (!value.starts_with('-')).then(|| value.to_string())
}

/// The release of OTP by a path such as `/usr/lib/erlang/erts-13.1.5/bin`.
fn release(path: &str) -> Option<String> {
    let version = path
        .split('/')
        .find_map(|part| part.strip_prefix("erts-"))?;
    let erts: u64 = version.split('.').next()?.parse().ok()?;
    (erts >= FIRST_SUCH_ERTS).then(|| (erts + OTP_OF_ERTS).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<CommandLine> {
        let words: Vec<String> = line.split(' ').map(String::from).collect();
        CommandLine::parse("beam.smp", &words)
    }

    fn name(line: &str) -> Option<String> {
        parse(line).unwrap().name(|| Some("host1.example".into()))
    }

    // Lines as nodes of Debian's OTP 25 and 29, a release and a node without distribution have them.
    #[test]
    fn the_name_as_the_node_has_it() {
        let cases = [
            ("/usr/lib/erlang/erts-13.1.5/bin/beam.smp -Q 2048 -- -root /usr/lib/erlang -bindir /usr/lib/erlang/erts-13.1.5/bin -progname erl -- -home /root -- -noshell -sname shop -setcookie x", Some("shop@host1")),
            ("beam.smp -- -root /r -- -home /h -- -name shop@10.0.0.1", Some("shop@10.0.0.1")),
            ("beam.smp -- -root /r -- -home /h -- -name shop", Some("shop")),
            ("beam.smp -- -root /r -- -home /h -- -sname a@b", Some("a@b")),
            // What follows -extra is the application's, and what stands before the first -- is the emulator's.
            ("beam.smp -- -root /r -- -home /h -- -extra -sname no", None),
            ("beam.smp -sname no -- -root /r", None),
            ("beam.smp -- -root /r -- -sname -hidden", None),
            ("beam.smp -- -root /r -- -sname", None),
        ];
        for (line, expected) in cases {
            assert_eq!(name(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_short_name_in_another_namespace_stays_without_a_host() {
        let line = parse("beam.smp -- -- -sname shop").unwrap();
        assert_eq!(line.name(|| None).as_deref(), Some("shop"));
    }

    // The release chooses what is loaded into a node, and how its memory is read.
    #[test]
    fn the_release_by_the_folder_of_the_emulator() {
        let cases = [
            (
                "beam.smp -- -root /r -bindir /usr/lib/erlang/erts-13.1.5/bin",
                Some("25"),
            ),
            ("/opt/erts-17.1/bin/beam.smp -- -root /r", Some("29")),
            ("/opt/erts-11.1.8/bin/beam.debug.smp --", Some("23")),
            ("/opt/erts-10.7/bin/beam.smp --", None),
            ("/opt/erts-x/bin/beam.smp --", None),
            ("beam.smp --", None),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line).unwrap().release.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_node_is_known_by_the_file_that_it_runs() {
        let words = [
            "/usr/bin/rebar3",
            "--",
            "-bindir",
            "/usr/lib/erlang/erts-15.2.7/bin",
        ]
        .map(String::from);
        let node = CommandLine::parse("beam.smp", &words).unwrap();
        assert_eq!(node.release.as_deref(), Some("27"));
        for file in ["beamer", "erl", "epmd", "erl_child_setup", ""] {
            assert_eq!(CommandLine::parse(file, &words), None, "{file}");
        }
        assert_eq!(CommandLine::parse("beam.smp", &[]), None);
    }
}
