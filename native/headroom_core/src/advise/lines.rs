//! Every line that is advised is made here and nowhere else, with the place that it belongs to.

use crate::finding::{Fix, Place};
use crate::number::plain;
use headroom_facts::boot::{PortLimitSource, StartedBy};
use headroom_facts::unreadable::{Reason, Unreadable, What, Word};
use headroom_facts::vocabulary::Limit;
use headroom_facts::Facts;

/// A flag of the emulator.
pub fn flag(flag: &str, wanted: u64) -> Fix {
    Fix::at(Place::VmArgs, format!("{flag} {wanted}"))
}

/// A variable of the environment that the node is started in.
pub fn variable(name: &str, wanted: u64) -> Fix {
    Fix::at(Place::Environment, format!("{name}={wanted}"))
}

/// The size of the port table, where this node reads it.
pub fn ports(facts: &Facts, wanted: u64) -> Fix {
    match facts.boot.port_limit_source {
        PortLimitSource::Env => {
            let was = facts.boot.erl_max_ports.as_deref().unwrap_or_default();
            Fix {
                note: format!("(it was set to {was:?} at boot), then restart"),
                ..variable("ERL_MAX_PORTS", wanted)
            }
        }
        PortLimitSource::Flag => {
            let was = facts.boot.flag("+Q").unwrap_or("+Q");
            flag("+Q", wanted).saying(&format!("(it was {was} at boot)"))
        }
        PortLimitSource::Default | PortLimitSource::Nofile | PortLimitSource::Unknown => {
            flag("+Q", wanted)
        }
    }
}

/// The advised number of ETS tables, where this node reads it.
pub fn ets_tables(facts: &Facts, wanted: u64) -> Fix {
    let by_variable = facts.boot.erl_max_ets_tables.is_some() && facts.boot.flag("+e").is_none();
    if by_variable {
        variable("ERL_MAX_ETS_TABLES", wanted)
    } else {
        flag("+e", wanted)
    }
}

/// A variable that does nothing is taken away.
pub fn unset(name: &str) -> Fix {
    Fix::permanent(format!("unset {name}"), "it does nothing")
}

/// The limit of descriptors of a service.
pub fn unit(wanted: u64) -> Fix {
    Fix::at(Place::Unit, format!("LimitNOFILE={wanted}"))
}

/// The same for the container engine, which hands it on to its containers.
pub fn engine(wanted: u64) -> Fix {
    Fix::at(Place::EngineUnit, format!("LimitNOFILE={wanted}"))
}

/// The limit of descriptors of one container.
pub fn container(wanted: u64) -> Fix {
    Fix::at(
        Place::ContainerRun,
        format!("--ulimit nofile={wanted}:{wanted}"),
    )
}

/// The same in a compose file.
pub fn compose(wanted: u64) -> Fix {
    Fix::at(Place::Compose, format!("ulimits: {{ nofile: {wanted} }}"))
}

/// The hard limit is there already: the image itself raises the soft one.
pub fn image(soft: u64) -> Fix {
    Fix::at(
        Place::Dockerfile,
        format!(r#"ENTRYPOINT ["headroom", "exec", "--nofile", "{soft}", "--"]"#),
    )
}

/// The same by a shell.
pub fn shell(soft: u64) -> Fix {
    Fix::at(Place::StartScript, format!("ulimit -Sn {soft}"))
}

/// The largest limit of descriptors that the kernel accepts, at once; gone with the next boot of the machine.
pub fn nr_open_now(wanted: u64) -> Option<Fix> {
    nr_open(wanted).map(|wanted| Fix::now_at(Place::Host, format!("sysctl -w fs.nr_open={wanted}")))
}

/// The same from each boot of the machine on.
pub fn nr_open_kept(wanted: u64) -> Option<Fix> {
    let wanted = nr_open(wanted)?;
    let fix = Fix::at(Place::SysctlD, format!("fs.nr_open = {wanted}"));
    Some(fix.saying("first, then sysctl --system"))
}

/// Tables of descriptors grow by 64, so the kernel counts no further than the last whole step; it takes nothing outside of
/// these bounds (`sysctl_nr_open_min` and `_max` in fs/file.c).
fn nr_open(wanted: u64) -> Option<u64> {
    const LEAST: u64 = 64;
    const MOST: u64 = 2_147_483_584;
    let steps = wanted.max(LEAST).checked_next_multiple_of(64)?;
    (steps <= MOST).then_some(steps)
}

/// The open files of the whole kernel, at once.
pub fn file_max_now(wanted: u64) -> Fix {
    Fix::now_at(
        Place::Host,
        format!("sysctl -w fs.file-max={}", file_max(wanted)),
    )
}

/// The same from each boot of the machine on.
pub fn file_max_kept(wanted: u64) -> Fix {
    Fix::at(
        Place::SysctlD,
        format!("fs.file-max = {}", file_max(wanted)),
    )
}

/// The kernel takes no more than `LONG_MAX` (fs/file_table.c, `fs_stat_sysctls`).
fn file_max(wanted: u64) -> u64 {
    wanted.min(i64::MAX as u64)
}

/// `/proc`, if it is what could not be read that is missing there.
pub fn proc_filesystem(missing: &[Unreadable]) -> Option<Fix> {
    let in_proc = |what| {
        matches!(
            what,
            What::Open | What::Highest | What::FileNr | What::FileMax | What::NrOpen
        )
    };
    let absent = |reason| matches!(reason, Reason::Word(Word::Enoent | Word::Enotdir));
    let is_cause = missing
        .iter()
        .any(|missing| in_proc(missing.what) && absent(missing.reason));
    is_cause.then(|| {
        Fix::permanent(
            "mount -t proc proc /proc",
            "where /proc is missing, before the node starts",
        )
    })
}

/// What is held back goes back to whoever asks next.
pub fn release(count: u64, what: &str) -> Fix {
    let note = format!("gives back {} {what}; open your shell first", plain(count));
    Fix::now("headroom:release().", note)
}

/// The same where a requirement needs it.
pub fn release_reserve() -> Fix {
    Fix::now("headroom:release().", "gives back what is reserved")
}

/// The soft limit goes up as far as it helps sockets.
pub fn raise_max(soft: u64) -> Fix {
    let note = format!("raises the soft limit from {}", plain(soft));
    Fix::now("headroom:raise_nofile(max).", note)
}

/// The soft limit goes up to a number.
pub fn raise_to(wanted: u64) -> Fix {
    Fix::now(
        format!("headroom:raise_nofile({wanted})."),
        "raises the soft limit",
    )
}

/// A soft limit that was raised after boot comes back to what the VM can watch.
pub fn clamp() -> Fix {
    Fix::now("headroom:clamp_nofile().", "no new descriptor will be deaf")
}

/// The soft limit from outside of the node; the hard one is stated as it is, for `prlimit` would lower it.
pub fn prlimit(facts: &Facts, soft: u64) -> Fix {
    let hard = match facts.nofile.hard {
        Limit::Finite(hard) => hard.to_string(),
        Limit::Infinity => "unlimited".into(),
        Limit::Unknown => String::new(),
    };
    let line = format!("prlimit --pid {} --nofile={soft}:{hard}", facts.os_pid);
    Fix::now(line, "the same from outside")
}

/// Takes the dangers of exhaustion away at the start, while there is room.
pub fn harden_at_start() -> Fix {
    Fix::permanent("{headroom, [{harden, true}]}", "in sys.config")
}

/// More OS processes and threads, where they are limited.
pub fn more_tasks() -> Vec<Fix> {
    tasks(StartedBy::Unknown)
}

/// The same by what started the node.
pub fn tasks(started_by: StartedBy) -> Vec<Fix> {
    const WANTED: u64 = 65_536;
    let unit = Fix::at(Place::Unit, format!("TasksMax={WANTED}"));
    let container = Fix::at(Place::ContainerRun, format!("--pids-limit={WANTED}"));
    match started_by {
        StartedBy::Systemd => vec![unit],
        StartedBy::Container => vec![container],
        StartedBy::Kubernetes => vec![Fix::at(
            Place::File("in the kubelet's configuration on the host"),
            format!("podPidsLimit: {WANTED}"),
        )],
        StartedBy::Unknown => vec![unit, container],
    }
}

/// More OS processes of the user.
pub fn user_processes(wanted: u64) -> Fix {
    Fix::at(Place::Unit, format!("LimitNPROC={wanted}"))
}

/// A number of the kernel, at once.
pub fn sysctl(line: &str) -> Fix {
    Fix::now_at(Place::Host, format!("sysctl -w {line}"))
}

/// More local ports for outgoing connections.
pub fn local_ports() -> Fix {
    Fix::now(
        "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
        "more local ports for outgoing connections",
    )
}

/// What helps a node whose numbers nobody has here.
pub fn report_there() -> Fix {
    Fix::now(
        "headroom:report().",
        "on that node: its limits, and what helps",
    )
}

/// The same from each boot of the machine on.
pub fn local_ports_kept() -> Fix {
    Fix::at(Place::SysctlD, "net.ipv4.ip_local_port_range = 1024 65535")
}

/// The longest backlog that the kernel grants a listener.
pub fn somaxconn_kept(wanted: u64) -> Fix {
    Fix::at(Place::SysctlD, format!("net.core.somaxconn = {wanted}"))
}

/// Connections that may wait until they are accepted.
pub fn backlog(wanted: u64) -> Fix {
    Fix::permanent(
        format!("{{backlog, {wanted}}}"),
        "among the options of the listener",
    )
}

/// What could be closed: it closes nothing.
pub fn relief() -> Fix {
    Fix::look(
        "headroom:show(headroom:relief()).",
        "what is idle or left open, with the lines that close it",
    )
}

/// From outside: every connection that came in by a listener is closed, and clients that wait take its place.
pub fn close_from_host(port: u16) -> Fix {
    Fix::look(
        format!("ss -K -tn state established '( sport = :{port} )'"),
        "as root in the node's network: closes all clients of that listener",
    )
}

/// The node as it is seen from outside.
pub fn inspect(os_pid: u32) -> Fix {
    Fix::look(
        format!("headroom inspect {os_pid}"),
        "on the host: what can be read from outside",
    )
}

/// A look at something, which changes nothing.
pub fn look(command: &str, why: &str) -> Fix {
    Fix::now(command, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(fix: Option<Fix>) -> Option<String> {
        fix.map(|fix| fix.line)
    }

    // The kernel refuses what is outside of its bounds, and a limit above the last whole step of 64 is not had.
    #[test]
    fn nr_open_is_what_the_kernel_takes() {
        let cases = [
            (0, Some("64")),
            (65, Some("128")),
            (65_536, Some("65536")),
            (1_073_741_816, Some("1073741824")),
            (2_147_483_584, Some("2147483584")),
            (2_147_483_585, None),
            (u64::MAX, None),
        ];
        for (wanted, expected) in cases {
            let expected = expected.map(|n| format!("sysctl -w fs.nr_open={n}"));
            assert_eq!(line(nr_open_now(wanted)), expected, "{wanted}");
        }
    }

    // /proc cannot be mounted on macOS, and is no cure for what the kernel refuses.
    #[test]
    fn proc_is_mounted_where_it_is_missing() {
        let fix =
            |what, word| proc_filesystem(&[Unreadable::new(what, Reason::Word(word))]).is_some();
        assert!(fix(What::Open, Word::Enoent));
        assert!(fix(What::FileNr, Word::Enoent));
        assert!(!fix(What::Open, Word::UnsupportedOs));
        assert!(!fix(What::Nofile, Word::Eperm));
        assert!(!fix(What::Nofile, Word::Enoent));
        assert!(!fix(What::FileMax, Word::Eacces));
        assert!(!fix(What::Open, Word::Emfile));
        assert!(proc_filesystem(&[]).is_none());
    }

    proptest! {
        #[test]
        fn no_number_is_too_large(wanted: u64) {
            for fix in [nr_open_now(wanted), nr_open_kept(wanted), Some(file_max_now(wanted))].into_iter().flatten() {
                let digits: String = fix.line.chars().filter(char::is_ascii_digit).collect();
                prop_assert!(digits.parse::<u64>().unwrap() <= i64::MAX as u64);
            }
        }
    }
}
