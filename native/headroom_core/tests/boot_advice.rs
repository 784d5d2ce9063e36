//! What to write where before the next start: a line in the wrong file is a restart for nothing.

use headroom_core::advise::sheet::at_boot;
use headroom_facts::boot::{PortLimitSource, StartedBy};
use headroom_facts::vocabulary::{Known, Limit, Name};
use headroom_facts::Facts;

/// A container of today: nofile 1024 of 524288, tables of the VM's own size.
fn node(started_by: StartedBy) -> Facts {
    let mut facts = Facts::from_json(include_str!("fixtures/healthy.json")).unwrap();
    facts.boot.started_by = started_by;
    facts.boot.port_limit_source = PortLimitSource::Default;
    facts.boot.emulator_flags = Vec::new();
    facts.nofile.soft = Limit::Finite(1024);
    facts.nofile.max_fds = Limit::Finite(1024);
    facts.nofile.hard = Limit::Finite(524_288);
    facts.nofile.nr_open = Limit::Finite(1_048_576);
    facts.nofile.file_max = Limit::Infinity;
    facts.fds.open = Known::Is(100);
    facts.fds.free = Limit::Finite(924);
    facts.beam.ports = (Known::Is(10), Limit::Finite(65_536));
    facts.beam.processes = (Known::Is(100), Limit::Finite(262_144));
    facts
}

fn lines(facts: &Facts) -> Vec<(Name, String)> {
    let advice = at_boot(facts);
    assert!(advice.iter().all(|line| !line.place.is_empty()));
    advice
        .into_iter()
        .map(|line| (line.sets, line.line))
        .collect()
}

// The sheet, the report and lint speak of one thing by one name.
#[test]
fn each_line_names_its_finding() {
    use headroom_core::finding::Id;
    let mut facts = node(StartedBy::Systemd);
    facts.boot.port_limit_source = PortLimitSource::Env;
    facts.beam.ports.1 = Limit::Finite(2048);
    facts.beam.processes.1 = Limit::Finite(32_768);
    facts.nofile.file_max = Limit::Finite(50_000);
    facts.nofile.exempt_from_file_max = Known::Is(false);
    let ids: Vec<_> = at_boot(&facts).into_iter().map(|line| line.id).collect();
    let expected = [
        Id::NofileLow,
        Id::PortsBelowNofile,
        Id::ProcessesBelowNofile,
        Id::FileMaxBelowNofile,
    ];
    assert_eq!(ids, expected);
}

fn fds(line: &str) -> (Name, String) {
    (Name::Fds, line.into())
}

#[test]
fn each_way_of_being_started_has_its_place() {
    let of = |facts: &Facts| -> Vec<String> {
        let lines = lines(facts).into_iter();
        lines
            .map(|(sets, line)| {
                assert_eq!(sets, Name::Fds);
                line
            })
            .collect()
    };
    let unit = "LimitNOFILE=65536";
    let shell = "ulimit -Sn 65536";
    let run = "--ulimit nofile=65536:65536";
    assert_eq!(of(&node(StartedBy::Systemd)), [unit]);
    assert_eq!(of(&node(StartedBy::Container)), [shell, run]);
    assert_eq!(of(&node(StartedBy::Kubernetes)), [shell]);
    assert_eq!(of(&node(StartedBy::Unknown)), [shell, unit]);

    // Inside the image there is as much as the hard limit gives, and nothing where that is reached.
    let mut facts = node(StartedBy::Container);
    facts.nofile.hard = Limit::Finite(4096);
    assert_eq!(of(&facts), ["ulimit -Sn 4096", run]);
    facts.nofile.hard = Limit::Finite(1024);
    assert_eq!(of(&facts), [run]);
}

// A limit above fs.nr_open is refused by the kernel, and systemd clips it silently.
#[test]
fn the_kernel_comes_first() {
    let mut facts = node(StartedBy::Systemd);
    facts.nofile.nr_open = Limit::Finite(16_384);
    facts.nofile.file_max = Limit::Finite(50_000);
    facts.nofile.exempt_from_file_max = Known::Is(false);
    let expected = [
        fds("fs.nr_open = 65536"),
        fds("LimitNOFILE=65536"),
        (Name::KernelFiles, "fs.file-max = 131072".into()),
    ];
    assert_eq!(lines(&facts), expected);
    facts.nofile.exempt_from_file_max = Known::Is(true);
    assert_eq!(lines(&facts), expected[..2]);
}

// A table that was set by hand does not grow with nofile: it would be the next thing to end.
#[test]
fn tables_do_not_end_before_the_descriptors() {
    let mut facts = node(StartedBy::Systemd);
    facts.beam.ports.1 = Limit::Finite(2048);
    facts.beam.processes.1 = Limit::Finite(32_768);
    let tables = |facts: &Facts| lines(facts).split_off(1);
    let processes = (Name::Processes, String::from("+P 65536"));
    facts.boot.port_limit_source = PortLimitSource::Env;
    let ports = (Name::Ports, String::from("ERL_MAX_PORTS=65536"));
    assert_eq!(tables(&facts), [ports, processes.clone()]);
    facts.boot.port_limit_source = PortLimitSource::Flag;
    let ports = (Name::Ports, String::from("+Q 65536"));
    assert_eq!(tables(&facts), [ports, processes]);
}

// What runs out gets twice of what it had, whatever the rest needs.
#[test]
fn what_runs_out_is_doubled() {
    let mut facts = node(StartedBy::Systemd);
    facts.nofile.soft = Limit::Finite(65_536);
    facts.nofile.max_fds = Limit::Finite(65_536);
    facts.fds.free = Limit::Finite(60_000);
    assert_eq!(lines(&facts), []);

    facts.fds.open = Known::Is(65_500);
    facts.fds.free = Limit::Finite(36);
    // The VM sizes its port table to the new limit by itself.
    assert_eq!(lines(&facts), [fds("LimitNOFILE=131072")]);

    facts.fds.open = Known::Is(100);
    facts.fds.free = Limit::Finite(65_436);
    facts.beam.ports.0 = Known::Is(65_000);
    facts.beam.processes.0 = Known::Is(262_000);
    facts.beam.atoms.0 = Known::Is(1_048_000);
    facts.beam.atoms.1 = Limit::Finite(1_048_576);
    let expected = [
        (Name::Ports, String::from("+Q 131072")),
        (Name::Processes, "+P 524288".into()),
        (Name::Atoms, "+t 2097152".into()),
    ];
    assert_eq!(lines(&facts), expected);
}

// The port table of a huge nofile takes gigabytes: the advice must not be to make it larger.
#[test]
fn a_huge_nofile_needs_a_smaller_table() {
    let mut facts = node(StartedBy::Container);
    facts.boot.port_limit_source = PortLimitSource::Nofile;
    facts.nofile.soft = Limit::Finite(1_073_741_816);
    facts.nofile.max_fds = Limit::Finite(1_073_741_816);
    facts.fds.free = Limit::Finite(1_073_741_716);
    facts.beam.ports.1 = Limit::Finite(134_217_727);
    assert_eq!(lines(&facts), [(Name::Ports, String::from("+Q 65536"))]);
}

// Facts are also read from what users send: no number in them may end the node.
#[test]
fn no_number_is_too_large() {
    let mut facts = node(StartedBy::Unknown);
    facts.boot.port_limit_source = PortLimitSource::Flag;
    facts.nofile.soft = Limit::Finite(u64::MAX);
    facts.nofile.max_fds = Limit::Finite(u64::MAX);
    facts.fds.free = Limit::Finite(u64::MAX);
    let expected = [
        (Name::Ports, String::from("+Q 134217727")),
        (Name::Processes, "+P 134217727".into()),
    ];
    assert_eq!(lines(&facts), expected);
}
