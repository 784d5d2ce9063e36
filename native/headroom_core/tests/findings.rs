//! Every finding: the facts that cause it, its level, and that it is silent without them.

use headroom_core::advise::sheet;
use headroom_core::assess::{alarms, is_well, judge, level_of};
use headroom_core::finding::{Finding, Fix, Id, When};
use headroom_core::hazards;
use headroom_core::measure::Resources;
use headroom_core::requirement;
use headroom_facts::boot::{PortLimitSource, StartedBy};
use headroom_facts::unreadable::{Unreadable, What, Word};
use headroom_facts::vocabulary::{Count, Known, Level, Limit, Name};
use headroom_facts::Facts;
use proptest::prelude::*;

const fn fin(n: u64) -> Limit {
    Limit::Finite(n)
}

const fn is(n: u64) -> Count {
    Known::Is(n)
}

/// A node of which nothing is to be said.
fn quiet() -> Facts {
    let json = include_str!("fixtures/healthy.json");
    let facts = Facts::from_json(json).unwrap();
    assert!(judge(&facts).findings.is_empty());
    facts
}

fn open_fds(facts: &mut Facts, open: u64) {
    facts.fds.open = is(open);
    facts.fds.free = facts.nofile.soft.minus(is(open));
    facts.fds.highest = is(open - 1);
}

fn set_nofile(facts: &mut Facts, soft: u64, hard: u64) {
    facts.nofile.soft = fin(soft);
    facts.nofile.max_fds = fin(soft);
    facts.nofile.hard = fin(hard);
    open_fds(facts, 100);
}

fn found(facts: &Facts, id: Id) -> Option<Finding> {
    judge(facts)
        .findings
        .into_iter()
        .find(|finding| finding.id == id)
}

type Change = fn(&mut Facts);

/// Each finding with a change of a quiet node that causes it.
#[rustfmt::skip]
fn causes() -> Vec<(Id, Level, Name, Change)> {
    use Level::{Critical, Notice, Warning};
    vec![
        (Id::FdsNearlyExhausted, Warning, Name::Fds, |f| open_fds(f, 52_429)),
        (Id::FdsNearlyExhausted, Critical, Name::Fds, |f| open_fds(f, 62_260)),
        (Id::FdsExhausted, Critical, Name::Fds, |f| open_fds(f, 65_536)),
        // The bound is a multiple of 64, and a table that has more open has grown before it was lowered.
        (Id::FdsExhausted, Critical, Name::Fds, |f| { f.nofile.nr_open = fin(1000); open_fds(f, 960) }),
        (Id::FdsNearlyExhausted, Warning, Name::Fds, |f| { f.nofile.nr_open = fin(1000); open_fds(f, 1500) }),
        (Id::PortsNearlyExhausted, Warning, Name::Ports, |f| f.beam.ports = (is(52_429), fin(65_536))),
        (Id::PortsNearlyExhausted, Critical, Name::Ports, |f| f.beam.ports = (is(65_528), fin(65_536))),
        (Id::PortsExhausted, Critical, Name::Ports, |f| f.beam.ports = (is(65_536), fin(65_536))),
        (Id::ProcessesNearlyExhausted, Warning, Name::Processes, |f| f.beam.processes = (is(820), fin(1024))),
        (Id::ProcessesExhausted, Critical, Name::Processes, |f| f.beam.processes = (is(1024), fin(1024))),
        (Id::AtomsNearlyExhausted, Critical, Name::Atoms, |f| f.beam.atoms = (is(1_000_000), fin(1_048_576))),
        (Id::AtomsExhausted, Critical, Name::Atoms, |f| f.beam.atoms = (is(1_048_576), fin(1_048_576))),
        (Id::KernelFilesNearlyExhausted, Warning, Name::KernelFiles, |f| f.nofile.file_nr = is(2_000_000)),
        (Id::KernelFilesExhausted, Critical, Name::KernelFiles, |f| f.nofile.file_nr = is(2_466_171)),
        (Id::SoftAboveMaxFds, Warning, Name::Fds, |f| {
            f.nofile.soft = fin(100_000);
            f.nofile.hard = fin(100_000);
            f.fds.free = fin(100_000 - 412);
        }),
        (Id::SoftAboveMaxFds, Critical, Name::Fds, |f| {
            f.nofile.soft = Limit::Infinity;
            f.nofile.hard = fin(1_000_000);
            f.fds.highest = is(65_536);
        }),
        (Id::Unreadable, Warning, Name::Fds, |f| {
            f.fds.open = Count::Unknown;
            f.unreadable.push(Unreadable::new(What::Open, Word::Enoent.into()));
        }),
        (Id::Unreadable, Warning, Name::KernelFiles, |f| {
            f.nofile.file_nr = Count::Unknown;
            f.unreadable.push(Unreadable::new(What::FileNr, Word::Enoent.into()));
        }),
        (Id::EtsTablesAboveAdvised, Notice, Name::EtsTables, |f| f.beam.ets_tables = (is(9000), fin(8192))),
        (Id::PortsBelowNofile, Notice, Name::Ports, |f| f.beam.ports.1 = fin(32_768)),
        (Id::NofileLow, Notice, Name::Fds, |f| set_nofile(f, 1024, 524_288)),
        (Id::NofileHuge, Notice, Name::Ports, |f| {
            set_nofile(f, 1_073_741_816, 1_073_741_816);
            f.nofile.nr_open = fin(1_073_741_816);
            f.nofile.exempt_from_file_max = Known::Is(true);
            f.beam.ports.1 = fin(134_217_727);
            f.boot.port_limit_source = PortLimitSource::Nofile;
        }),
        (Id::HardAboveNrOpen, Notice, Name::Fds, |f| f.nofile.hard = fin(2_000_000)),
        (Id::FileMaxBelowNofile, Notice, Name::KernelFiles, |f| f.nofile.file_max = fin(60_000)),
        (Id::ErtsMaxPortsIsNotRead, Notice, Name::Ports, |f| f.boot.erts_max_ports = Some("200000".into())),
        (Id::ErlMaxPortsMalformed, Notice, Name::Ports, |f| {
            f.boot.port_limit_source = PortLimitSource::Env;
            f.boot.erl_max_ports = Some(String::new());
        }),
    ]
}

// /proc is mounted where it is missing. What the kernel refuses, or another system does not have, it cannot cure.
#[test]
fn proc_is_no_cure_for_a_refusal() {
    for (what, word) in [
        (What::Nofile, Word::Eperm),
        (What::Open, Word::UnsupportedOs),
    ] {
        let mut facts = quiet();
        facts.fds.open = Count::Unknown;
        facts.unreadable.push(Unreadable::new(what, word.into()));
        let finding = found(&facts, Id::Unreadable).unwrap();
        let mount = |fix: &Fix| fix.line.contains("mount");
        assert!(!finding.fix.iter().any(mount), "{finding:?}");
    }
}

// At three in the morning "then restart" alone is no answer: something can be done at this moment, or it is said that
// nothing can.
#[test]
fn an_alarm_always_says_what_can_be_done_now() {
    for (id, level, _, change) in causes() {
        let mut facts = quiet();
        change(&mut facts);
        let finding = found(&facts, id).unwrap();
        let now = finding.fix.iter().any(|fix| fix.when != When::Permanent);
        assert!(level == Level::Notice || now, "{finding:?}");
        // Words are for people: data has lines to paste alone.
        let json = serde_json::to_value(&finding).unwrap();
        let lines = json["fix"].as_array().unwrap();
        assert!(lines.iter().all(|line| line != ""), "{json}");
    }
    let mut facts = quiet();
    open_fds(&mut facts, 65_536);
    let finding = found(&facts, Id::FdsExhausted).unwrap();
    let notes: Vec<&str> = finding.fix.iter().map(|fix| fix.note.as_str()).collect();
    let nothing =
        "nothing can be raised: the hard limit is 65536, max_fds 65536, and nothing is reserved";
    assert!(notes.contains(&nothing), "{notes:?}");
    // What only shows who could give something back spares nobody the restart.
    assert!(finding.restart);
    facts.reserved.fds = 64;
    let finding = found(&facts, Id::FdsExhausted).unwrap();
    assert_eq!(finding.fix[0].line, "headroom:release().");
    assert!(!finding.restart);
}

// The finding and the requirement are about one setting: two names for it would set it twice, one of them in vain.
#[test]
fn ets_tables_have_one_line() {
    let mut facts = quiet();
    facts.beam.ets_tables = (is(9000), fin(8192));
    let line = |facts: &Facts| {
        found(facts, Id::EtsTablesAboveAdvised).unwrap().fix[0]
            .line
            .clone()
    };
    assert_eq!(line(&facts), "+e 32768");
    facts.boot.erl_max_ets_tables = Some("1400".into());
    assert_eq!(line(&facts), "ERL_MAX_ETS_TABLES=32768");
}

// Facts are also read from what users send: a hard limit near 2^64 must not end the node that explains it.
#[test]
fn no_hard_limit_is_too_large() {
    for hard in [
        Limit::Infinity,
        fin(u64::MAX),
        fin(u64::MAX - 64),
        fin(2_147_483_648),
    ] {
        let mut facts = quiet();
        facts.nofile.hard = hard;
        let finding = found(&facts, Id::HardAboveNrOpen).unwrap();
        assert!(!finding.fix.is_empty(), "{finding:?}");
        assert!(
            !finding.fix.iter().any(|fix| fix.line.contains("nr_open")),
            "{finding:?}"
        );
    }
}

// A finding that is missing, or has the wrong level, is an alarm that does not come.
#[test]
fn every_finding_has_a_cause_and_its_level() {
    let causes = causes();
    for (id, level, resource, change) in &causes {
        let mut facts = quiet();
        change(&mut facts);
        let finding = found(&facts, *id).unwrap_or_else(|| panic!("no {}", id.as_str()));
        assert_eq!(
            (finding.level, finding.resource),
            (*level, *resource),
            "{}",
            id.as_str()
        );
        let digits = finding.message.contains(|c: char| c.is_ascii_digit());
        assert!(
            digits && finding.message.ends_with('.'),
            "{}",
            finding.message
        );
        assert!(
            !finding.evidence.0.is_empty() && !finding.fix.is_empty(),
            "{finding:?}"
        );
        let others: Vec<_> = judge(&facts)
            .findings
            .into_iter()
            .filter(|f| f.id != *id)
            .collect();
        assert!(
            others.iter().all(|other| other.level <= *level),
            "{others:?}"
        );
    }
    let hazards: Vec<_> = hazards::ids()
        .filter(|id| *id != Id::SoftAboveMaxFds)
        .collect();
    let elsewhere = [&hazards[..], &requirement::IDS[..], &sheet::IDS[..]].concat();
    for id in Id::ALL.iter().filter(|id| !elsewhere.contains(id)) {
        assert!(
            causes.iter().any(|(cause, ..)| cause == id),
            "{} has no cause here",
            id.as_str()
        );
    }
}

// Notices must never turn a health check red.
#[test]
fn notices_leave_the_level_alone() {
    for (id, level, _, change) in causes() {
        let mut facts = quiet();
        change(&mut facts);
        let expected = if level == Level::Notice {
            Level::Ok
        } else {
            level
        };
        assert_eq!(judge(&facts).level, expected, "{}", id.as_str());
    }
}

// A limit that does not apply must not alarm: root on a host passes file-max, and no release refuses an ETS table.
#[test]
fn what_is_not_enforced_is_never_bad() {
    let mut facts = quiet();
    facts.nofile.exempt_from_file_max = Known::Is(true);
    facts.nofile.file_nr = is(9_000_000);
    facts.beam.ets_tables = (is(60_000), fin(8192));
    let judgement = judge(&facts);
    assert_eq!(judgement.level, Level::Ok);
    assert_ne!(judgement.binding.name(), Some(Name::EtsTables));
    assert_ne!(judgement.binding.name(), Some(Name::KernelFiles));
}

// The line to paste must be the one that this node reads: a variable is of no use where a flag overrides it.
#[test]
fn fixes_fit_how_the_node_was_started() {
    let mut facts = quiet();
    facts.beam.ports.1 = fin(1024);
    let line = |facts: &Facts| {
        found(facts, Id::PortsBelowNofile).unwrap().fix[0]
            .line
            .clone()
    };
    facts.boot.port_limit_source = PortLimitSource::Env;
    facts.boot.erl_max_ports = Some("1000".into());
    assert_eq!(line(&facts), "ERL_MAX_PORTS=65536");
    facts.boot.port_limit_source = PortLimitSource::Flag;
    facts.boot.emulator_flags = vec!["+Q 1024".into()];
    assert_eq!(line(&facts), "+Q 65536");

    set_nofile(&mut facts, 1024, 524_288);
    let lines = |facts: &Facts| -> Vec<String> {
        let fix = found(facts, Id::NofileLow).unwrap().fix;
        fix.into_iter().map(|fix| fix.line).collect()
    };
    facts.boot.started_by = StartedBy::Container;
    // No command of ours: an image without it would not start.
    let run = "--ulimit nofile=65536:65536";
    assert_eq!(lines(&facts), ["ulimit -Sn 65536", run]);
    let fix = found(&facts, Id::NofileLow).unwrap().fix;
    assert!(fix[1].note.starts_with("or instead "), "{fix:?}");
    facts.boot.started_by = StartedBy::Systemd;
    assert_eq!(lines(&facts), ["LimitNOFILE=65536"]);
    facts.boot.started_by = StartedBy::Unknown;
    assert_eq!(lines(&facts), ["ulimit -Sn 65536", "LimitNOFILE=65536"]);
}

// The value of the misspelt variable under its right name would make a larger table smaller.
#[test]
fn a_misspelt_variable_is_not_advised_to_shrink_the_table() {
    let mut facts = quiet();
    let mut line = |value: &str| {
        facts.boot.erts_max_ports = Some(value.into());
        found(&facts, Id::ErtsMaxPortsIsNotRead).unwrap().fix[0]
            .line
            .clone()
    };
    assert_eq!(line("200000"), "ERL_MAX_PORTS=200000");
    assert_eq!(line("2000"), "unset ERTS_MAX_PORTS");
    assert_eq!(line("many\n"), "unset ERTS_MAX_PORTS");
}

// Deaf sockets: the VM ends at max_fds, a plain file does not.
#[test]
fn capacity_above_max_fds_is_for_files_alone() {
    let mut facts = quiet();
    facts.nofile.max_fds = fin(256);
    facts.nofile.soft = fin(4096);
    open_fds(&mut facts, 300);
    let capacity = judge(&facts).capacity;
    assert_eq!(capacity.gen_tcp.free, fin(0));
    assert_eq!(capacity.socket.free, fin(0));
    assert_eq!(capacity.port_program.free, fin(0));
    assert_eq!(capacity.file.free, fin(3796));
}

// A file needs the table as much as a socket does: where fs.nr_open ends it, none is left for either.
#[test]
fn files_end_where_the_table_does() {
    let files = |open| {
        let mut facts = quiet();
        facts.nofile.nr_open = fin(1000);
        open_fds(&mut facts, open);
        judge(&facts).capacity.file.free
    };
    assert_eq!(
        (files(900), files(960), files(1500)),
        (fin(60), fin(0), Limit::Unknown)
    );
}

prop_compose! {
    fn limit()(kind in 0..8u8, n in 0..5000u64) -> Limit {
        match kind { 0 => Limit::Infinity, 1 => Limit::Unknown, _ => fin(n) }
    }
}

prop_compose! {
    fn count()(kind in 0..8u8, n in 0..5000u64) -> Count {
        if kind == 0 { Count::Unknown } else { is(n) }
    }
}

prop_compose! {
    fn node()(
        soft in limit(), max_fds in limit(), nr_open in limit(), file_max in limit(),
        open in count(), file_nr in count(), exempt in proptest::option::of(any::<bool>()),
        ports in (0..5000u64, 0..5000u64), processes in (0..5000u64, 0..5000u64), atoms in (0..5000u64, 0..5000u64),
    ) -> Facts {
        let mut facts = quiet();
        facts.fds.open = open;
        facts.fds.free = soft.minus(open);
        facts.fds.highest = open;
        facts.nofile.soft = soft;
        facts.nofile.max_fds = max_fds;
        facts.nofile.nr_open = nr_open;
        facts.nofile.exempt_from_file_max = exempt.into();
        (facts.nofile.file_nr, facts.nofile.file_max) = match exempt {
            Some(true) => (Count::Unknown, Limit::Infinity),
            _ => (file_nr, file_max),
        };
        facts.beam.ports = (is(ports.0), fin(ports.1));
        facts.beam.processes = (is(processes.0), fin(processes.1));
        facts.beam.atoms = (is(atoms.0), fin(atoms.1));
        facts
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    // The cheap health check and the full judgement must never disagree: one of them would lie.
    #[test]
    fn the_pulse_and_the_judgement_agree(facts in node()) {
        let resources = Resources::measured(&facts.fds, &facts.nofile, &facts.beam);
        let is_well = is_well(&resources, &facts.nofile, &facts.thresholds);
        let judgement = judge(&facts);
        prop_assert_eq!(is_well, judgement.level == Level::Ok);
        prop_assert_eq!(&alarms(&facts, &resources), judgement.alarms());
        prop_assert_eq!(level_of(judgement.alarms()), judgement.level);
    }

    // Whatever the numbers: the judgement is complete, ordered, and nothing free is ever called exhausted.
    #[test]
    fn any_facts_are_judged(facts in node()) {
        let judgement = judge(&facts);
        prop_assert_eq!(judgement.resources.iter().count(), Name::ALL.len());
        let levels: Vec<Level> = judgement.findings.iter().map(|finding| finding.level).collect();
        prop_assert!(levels.is_sorted_by(|a, b| a >= b));
        for finding in &judgement.findings {
            let resource = judgement.resources.of(finding.resource);
            let exhausted = finding.id.as_str().ends_with("_exhausted") && !finding.id.as_str().contains("nearly");
            prop_assert!(!exhausted || resource.free == fin(0), "{finding:?}");
        }
        for line in headroom_core::render::report::report(
            &headroom_core::snapshot::Snapshot::new(facts), None, headroom_core::render::report::Charset::Ascii).lines() {
            prop_assert!(line.contains("<-") || line.len() <= headroom_core::render::page::WIDTH, "{line}");
        }
    }
}
