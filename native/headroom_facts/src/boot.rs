//! How the VM was started: the flags and variables that set its limits, and why the port limit is what it is.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::otp::{DEFAULT_PORTS, PORT_TABLE};

/// The port table that a value of `ERL_MAX_PORTS` gives, or `None` when the emulator ignores it.
///
/// It is read with atoi, which stops at the first character that is no digit, and into 20 characters.
pub fn ports_of(erl_max_ports: &str) -> Option<u64> {
    if erl_max_ports.len() > 20 {
        return None;
    }
    let digits = erl_max_ports
        .trim_start()
        .chars()
        .map_while(|c| c.to_digit(10));
    let number = digits.fold(0u64, |number, digit| {
        number.saturating_mul(10).saturating_add(digit.into())
    });
    let (least, most) = (*PORT_TABLE.start(), *PORT_TABLE.end());
    Some(number.clamp(least, most).next_power_of_two().min(most))
}

/// How the VM was started. Only flags of a known list are kept, so no cookie and no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Boot {
    /// What set the size of the port table.
    #[serde(default)]
    pub port_limit_source: PortLimitSource,
    /// `ERL_MAX_PORTS` as the OS process was started.
    #[serde(default)]
    pub erl_max_ports: Option<String>,
    /// `ERL_MAX_ETS_TABLES` as the OS process was started.
    #[serde(default)]
    pub erl_max_ets_tables: Option<String>,
    /// `ERTS_MAX_PORTS`, a variable that no emulator reads.
    #[serde(default)]
    pub erts_max_ports: Option<String>,
    /// Flags such as `+Q 1024`, in the order in which the emulator saw them: the last of a kind wins.
    #[serde(default)]
    pub emulator_flags: Vec<String>,
    /// What keeps this OS process, as far as its environment shows.
    #[serde(default)]
    pub started_by: StartedBy,
}

atoms! {
    /// What set the size of the port table.
    #[derive(Default)]
    pub enum PortLimitSource {
        /// `+Q N`.
        Flag = "flag",
        /// `ERL_MAX_PORTS`.
        Env = "env",
        /// Nothing: the VM's default.
        Default = "default",
        /// Nothing, and nofile was larger than the default at boot.
        Nofile = "nofile",
        /// The flags could not be read.
        #[default]
        Unknown = "unknown",
    }
}

atoms! {
    /// What keeps this OS process: it decides where a limit has to be changed.
    #[derive(Default)]
    pub enum StartedBy {
        /// A systemd service.
        Systemd = "systemd",
        /// A container engine.
        Container = "container",
        /// Kubernetes.
        Kubernetes = "kubernetes",
        /// Nothing of that shows.
        #[default]
        Unknown = "unknown",
    }
}

impl StartedBy {
    /// By the variables that are set and the files that exist where the process runs.
    pub fn of(is_set: impl Fn(&str) -> bool, exists: impl Fn(&str) -> bool) -> StartedBy {
        if is_set("KUBERNETES_SERVICE_HOST") {
            StartedBy::Kubernetes
        } else if is_set("INVOCATION_ID") {
            // A unit, also where the system that it belongs to is itself a container, or an image made from one.
            StartedBy::Systemd
        } else if is_set("container") || exists("/.dockerenv") || exists("/run/.containerenv") {
            StartedBy::Container
        } else {
            StartedBy::Unknown
        }
    }
}

/// The environment of the OS process as it was at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `ERL_MAX_PORTS`.
    pub erl_max_ports: Option<String>,
    /// `ERL_MAX_ETS_TABLES`.
    pub erl_max_ets_tables: Option<String>,
    /// `ERTS_MAX_PORTS`.
    pub erts_max_ports: Option<String>,
    /// What keeps this OS process.
    pub started_by: StartedBy,
}

/// Flags worth showing, longest first, since a value may be glued to its flag.
const FLAGS: [&str; 14] = [
    "SDPcpu", "SDcpu", "SDio", "IOPp", "IOPt", "IOp", "IOt", "SP", "S", "A", "K", "P", "Q", "e",
];

/// `+t` has relatives that start with the same letter, so its value must be a number.
const ATOM_TABLE: &str = "t";

impl Boot {
    /// The facts of a start: the emulator's arguments (`None` if it would not tell), its port limit, its environment.
    pub fn new(emu_args: Option<&[String]>, port_limit: Option<u64>, env: Environment) -> Boot {
        let flags = emu_args.map(emulator_flags);
        let source = match (&flags, port_limit) {
            (None, _) => PortLimitSource::Unknown,
            (Some(flags), _) if flags.iter().any(|flag| is_port_table_size(flag)) => {
                PortLimitSource::Flag
            }
            (_, limit) => match &env.erl_max_ports {
                // More digits than the emulator reads: it behaves as if the variable were not there.
                Some(value) if value.len() <= 20 => PortLimitSource::Env,
                _ if limit.is_some_and(|limit| limit > DEFAULT_PORTS) => PortLimitSource::Nofile,
                _ => PortLimitSource::Default,
            },
        };
        Boot {
            port_limit_source: source,
            erl_max_ports: env.erl_max_ports,
            erl_max_ets_tables: env.erl_max_ets_tables,
            erts_max_ports: env.erts_max_ports,
            emulator_flags: flags.unwrap_or_default(),
            started_by: env.started_by,
        }
    }

    /// The flag of a kind (`+Q`) that was in force, with its value: the last one wins.
    pub fn flag(&self, kind: &str) -> Option<&str> {
        let of_kind = |flag: &&String| flag.split(' ').next() == Some(kind);
        let last = self.emulator_flags.iter().rev().find(of_kind);
        last.map(String::as_str)
    }
}

fn is_port_table_size(flag: &str) -> bool {
    flag.strip_prefix("+Q ")
        .is_some_and(|value| value.starts_with(|c: char| c.is_ascii_digit()))
}

/// The known flags among the arguments of an emulator: `["beam.smp", "-Q", "2048", "--", ...]` gives `["+Q 2048"]`.
fn emulator_flags(args: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut args = args.iter().skip(1).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        let Some(word) = arg.strip_prefix('-') else {
            continue;
        };
        let known = FLAGS.iter().find(|flag| {
            word.strip_prefix(**flag)
                .is_some_and(|value| value.is_empty() || is_value(value))
        });
        let flag = match known {
            Some(flag) => flag,
            None if word == ATOM_TABLE => ATOM_TABLE,
            None => continue,
        };
        let glued = &word[flag.len()..];
        let value = if glued.is_empty() {
            args.next().map_or("", String::as_str)
        } else {
            glued
        };
        if is_value(value) {
            found.push(format!("+{flag} {value}"));
        }
    }
    found
}

/// Values of the known flags are numbers, ratios such as `2:2`, or the words below: nothing that could be a secret.
fn is_value(value: &str) -> bool {
    matches!(value, "true" | "false" | "legacy")
        || (value.len() <= 32
            && value.starts_with(|c: char| c.is_ascii_digit() || c == ':')
            && value.chars().all(|c| c.is_ascii_alphanumeric() || c == ':'))
}

impl Serialize for Boot {
    /// What is not set is `undefined` in Erlang terms and left out of JSON.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serializer.is_human_readable();
        let mut out = serializer.serialize_struct("Boot", 6)?;
        out.serialize_field("port_limit_source", &self.port_limit_source)?;
        let variables = [
            ("erl_max_ports", &self.erl_max_ports),
            ("erl_max_ets_tables", &self.erl_max_ets_tables),
            ("erts_max_ports", &self.erts_max_ports),
        ];
        for (key, value) in variables {
            if json && value.is_none() {
                out.skip_field(key)?;
            } else {
                out.serialize_field(key, value)?;
            }
        }
        out.serialize_field("emulator_flags", &self.emulator_flags)?;
        out.serialize_field("started_by", &self.started_by)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &str) -> Vec<String> {
        words.split(' ').map(String::from).collect()
    }

    fn source(words: &str, limit: u64, env: Option<&str>) -> PortLimitSource {
        let env = Environment {
            erl_max_ports: env.map(String::from),
            ..Environment::default()
        };
        Boot::new(Some(&args(words)), Some(limit), env).port_limit_source
    }

    // A unit in a machine that was made from an image is no container: docker lines would be of no use there.
    #[test]
    fn a_unit_is_a_unit_wherever_its_system_runs() {
        let of = |set: &[&str], there: &[&str]| {
            StartedBy::of(|name| set.contains(&name), |path| there.contains(&path))
        };
        let (unit, image) = (["INVOCATION_ID"], ["/.dockerenv"]);
        assert_eq!(of(&unit, &image), StartedBy::Systemd);
        assert_eq!(of(&[], &image), StartedBy::Container);
        assert_eq!(of(&["container"], &[]), StartedBy::Container);
        let pod = ["KUBERNETES_SERVICE_HOST", "INVOCATION_ID"];
        assert_eq!(of(&pod, &image), StartedBy::Kubernetes);
        assert_eq!(of(&[], &[]), StartedBy::Unknown);
    }

    // A wrong source sends the operator to the wrong file.
    #[test]
    fn source_of_the_port_limit() {
        use PortLimitSource::*;
        assert_eq!(
            source("beam.smp -Q 2048 -- -root /x", 2048, Some("99")),
            Flag
        );
        assert_eq!(source("beam.smp -Q2048 --", 2048, None), Flag);
        assert_eq!(source("beam.smp -Q legacy --", 65_536, None), Default);
        assert_eq!(source("beam.smp -- -Q 2048", 65_536, None), Default);
        assert_eq!(source("beam.smp --", 32_768, Some("32000")), Env);
        assert_eq!(source("beam.smp --", 1024, Some("")), Env);
        assert_eq!(
            source("beam.smp --", 65_536, Some("123456789012345678901")),
            Default
        );
        assert_eq!(source("beam.smp --", 131_072, None), Nofile);
        let boot = Boot::new(None, Some(1024), Environment::default());
        assert_eq!(boot.port_limit_source, Unknown);
    }

    // As measured on OTP 23 to 29: what is no number is the least table, and every size becomes a power of two.
    #[test]
    fn the_port_table_of_a_variable() {
        let cases = [
            ("2048", Some(2048)),
            ("32000", Some(32_768)),
            ("200000", Some(262_144)),
            ("", Some(1024)),
            ("abc", Some(1024)),
            ("10", Some(1024)),
            (" 4096", Some(4096)),
            ("4096k", Some(4096)),
            ("134217727", Some(134_217_727)),
            ("123456789012345678901", None),
        ];
        for (value, ports) in cases {
            assert_eq!(ports_of(value), ports, "{value:?}");
        }
    }

    // The cookie stands behind "--", but a list of what may be shown must not depend on that alone.
    #[test]
    fn only_known_flags_are_kept() {
        let words = "beam.smp -P 1024 -t 9000 -tma x -SDio 20 -S 2:2 -A1 -setcookie secret -K true -W w -e 9000 -- -x y";
        assert_eq!(
            emulator_flags(&args(words)),
            ["+P 1024", "+t 9000", "+SDio 20", "+S 2:2", "+A 1", "+K true", "+e 9000"]
        );
        assert!(emulator_flags(&args("beam.smp -Q hunter2 --")).is_empty());
        assert!(emulator_flags(&args("beam.smp -Q")).is_empty());
        assert!(emulator_flags(&[]).is_empty());
    }

    #[test]
    fn what_is_not_set_is_left_out_of_json() {
        let json = serde_json::to_string(&Boot::default()).unwrap();
        assert!(!json.contains("erl_max_ports"), "{json}");
        assert_eq!(
            serde_json::from_str::<Boot>(&json).unwrap(),
            Boot::default()
        );
    }
}
