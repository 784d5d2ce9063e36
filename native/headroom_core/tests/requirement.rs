//! What a release needs before it may start, against recorded facts.

use headroom_core::finding::{Finding, Id};
use headroom_core::render::refusal;
use headroom_core::requirement::Requirements;
use headroom_facts::boot::{PortLimitSource, StartedBy};
use headroom_facts::term::Value;
use headroom_facts::unreadable::{Unreadable, What, Word};
use headroom_facts::vocabulary::{Count, Known, Limit, Name};
use headroom_facts::Facts;

/// 412 of 65 536 descriptors, 391 of 65 536 ports, 2 210 of 262 144 processes, 2 240 of 2 466 170 files.
fn facts() -> Facts {
    Facts::from_json(include_str!("fixtures/healthy.json")).unwrap()
}

fn atom(text: &str) -> Value {
    Value::Atom(text.into())
}

fn number(n: u64) -> Value {
    Value::Integer(n.try_into().unwrap())
}

fn map(pairs: &[(&str, u64)]) -> Value {
    let pairs = pairs.iter().map(|(key, n)| (atom(key), number(*n)));
    Value::Map(pairs.collect())
}

fn parse(pairs: &[(&str, Value)]) -> Result<Requirements, (usize, String)> {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| (atom(key), value))
        .collect();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key, *value)).collect();
    Requirements::from_option(&pairs)
}

fn unmet(facts: &Facts, pairs: &[(&str, Value)]) -> Vec<Finding> {
    parse(pairs).unwrap().unmet(facts)
}

fn ids(facts: &Facts, pairs: &[(&str, Value)]) -> Vec<(Name, Id)> {
    let findings = unmet(facts, pairs);
    findings
        .iter()
        .map(|finding| (finding.resource, finding.id))
        .collect()
}

// One above must fail and one below pass, or a release starts under a limit that will kill it.
#[test]
fn the_bounds_are_exact() {
    let facts = facts();
    let limits = [
        ("fds", 65_536),
        ("ports", 65_536),
        ("processes", 262_144),
        ("ets_tables", 8_192),
        ("atoms", 1_048_576),
        ("kernel_files", 2_466_170),
    ];
    for (key, limit) in limits {
        let name = Name::parse(key).unwrap();
        assert_eq!(ids(&facts, &[(key, number(limit))]), []);
        let below = [(name, Id::LimitBelowRequired)];
        assert_eq!(ids(&facts, &[(key, number(limit + 1))]), below);
        assert_eq!(
            ids(&facts, &[(key, map(&[("min", limit), ("max", limit)]))]),
            []
        );
        let above = [(name, Id::LimitAboveRequired)];
        assert_eq!(ids(&facts, &[(key, map(&[("max", limit - 1)]))]), above);
    }
    let free = 65_536 - 412;
    assert_eq!(ids(&facts, &[("fds", map(&[("free", free)]))]), []);
    let too_few = [(Name::Fds, Id::FreeBelowRequired)];
    assert_eq!(ids(&facts, &[("fds", map(&[("free", free + 1)]))]), too_few);
}

// A soft limit that was raised after boot helps no socket, so it must not satisfy a requirement.
#[test]
fn descriptors_are_those_that_the_vm_can_watch() {
    let mut facts = facts();
    facts.nofile.soft = Limit::Finite(200_000);
    facts.nofile.hard = Limit::Finite(200_000);
    let findings = unmet(&facts, &[("fds", number(100_000))]);
    assert_eq!(findings[0].id, Id::LimitBelowRequired);
    assert!(
        findings[0].message.contains("max_fds"),
        "{}",
        findings[0].message
    );
    facts.nofile.max_fds = Limit::Unknown;
    assert_eq!(
        ids(&facts, &[("fds", number(1))]),
        [(Name::Fds, Id::RequiredButUnknown)]
    );
}

// Passing what was never read would be a promise without ground; no bound satisfies any least value.
#[test]
fn unknown_never_passes_and_infinity_is_no_upper_bound() {
    let mut facts = facts();
    facts.nofile.soft = Limit::Unknown;
    facts.nofile.file_max = Limit::Unknown;
    facts.fds.open = Count::Unknown;
    facts.unreadable = vec![Unreadable::new(What::FileMax, Word::Enoent.into())];
    let required = [
        ("fds", map(&[("min", 0), ("free", 0)])),
        ("kernel_files", map(&[("max", 1 << 62)])),
    ];
    let findings = unmet(&facts, &required);
    assert_eq!(findings.len(), 3);
    assert!(findings
        .iter()
        .all(|finding| finding.id == Id::RequiredButUnknown));
    assert!(
        findings[2].message.contains("file_max: enoent"),
        "{}",
        findings[2].message
    );

    facts.nofile.file_max = Limit::Infinity;
    facts.nofile.file_nr = Known::Is(1);
    assert_eq!(
        ids(
            &facts,
            &[("kernel_files", map(&[("min", 1 << 62), ("free", 1 << 62)]))]
        ),
        []
    );
    // And the kernel's files where the process is exempt from their limit, whatever is free of them.
    let mut exempt = facts.clone();
    exempt.nofile.exempt_from_file_max = Known::Is(true);
    exempt.nofile.file_max = Limit::Finite(500);
    for file_nr in [Known::Is(512), Known::Unknown] {
        exempt.nofile.file_nr = file_nr;
        let wanted = map(&[("min", 1000), ("free", 100)]);
        assert_eq!(ids(&exempt, &[("kernel_files", wanted)]), []);
    }
    let above = [(Name::KernelFiles, Id::LimitAboveRequired)];
    assert_eq!(
        ids(&facts, &[("kernel_files", map(&[("max", 1 << 62)]))]),
        above
    );
}

// A requirement with a typing error must stop the start and not be left out.
#[test]
fn a_bad_requirement_is_named() {
    let good = ("fds", number(1));
    for (bad, part) in [
        (("fd", number(1)), "no such resource"),
        (("ports", Value::Integer(-1)), "whole number"),
        (("ports", atom("many")), "whole number"),
        (("ports", Value::Opaque), "whole number"),
        (("ports", Value::Map(Vec::new())), "map of min"),
        (("ports", map(&[("least", 1)])), "keys are"),
        (
            ("ports", map(&[("min", 2), ("max", 1)])),
            "min 2 is above max 1",
        ),
    ] {
        let (index, why) = parse(&[good.clone(), bad]).unwrap_err();
        assert_eq!(index, 1);
        assert!(why.contains(part), "{why}");
    }
    assert!(parse(&[]).unwrap().is_empty());
}

// The operator reads who set a limit and the line to change; the wrong one costs another refused boot.
#[test]
fn each_failure_says_who_set_it_and_what_to_change() {
    let mut facts = facts();
    facts.nofile.hard = Limit::Finite(80_000);
    facts.beam.ports.1 = Limit::Finite(32_768);
    facts.boot.port_limit_source = PortLimitSource::Env;
    facts.boot.erl_max_ports = Some("32000".into());
    facts.boot.emulator_flags = vec!["+P 1024".into(), "+P 250000".into()];
    facts.boot.erl_max_ets_tables = Some("1400".into());
    let said = |facts: &Facts, key: &str, n: u64| {
        let finding = unmet(facts, &[(key, number(n))]).remove(0);
        let lines: Vec<_> = finding.fix.into_iter().map(|fix| fix.line).collect();
        (finding.message, lines)
    };
    let cases: [(_, _, _, &[&str]); 6] = [
        (
            "ports",
            65_536,
            "ERL_MAX_PORTS=\"32000\"",
            &["ERL_MAX_PORTS=65536"],
        ),
        ("processes", 1_000_000, "+P 250000", &["+P 1000000"]),
        (
            "ets_tables",
            50_000,
            "ERL_MAX_ETS_TABLES=\"1400\"",
            &["ERL_MAX_ETS_TABLES=50000"],
        ),
        ("atoms", 2_000_000, "the default of the VM", &["+t 2000000"]),
        (
            "kernel_files",
            9_000_000,
            "fs.file-max",
            &["sysctl -w fs.file-max=9000000"],
        ),
        ("ports", 1 << 40, "ERL_MAX_PORTS", &[]),
    ];
    for (key, n, by, lines) in cases {
        let (message, found) = said(&facts, key, n);
        assert!(message.contains(by), "{message}");
        assert_eq!(found, lines, "{key}");
    }

    facts.boot.started_by = StartedBy::Unknown;
    let (message, lines) = said(&facts, "fds", 80_000);
    assert!(
        message.contains("the soft limit of the OS process (hard limit 80000)"),
        "{message}"
    );
    assert_eq!(lines, ["ulimit -Sn 80000", "LimitNOFILE=80000"]);
    assert_eq!(said(&facts, "fds", 80_001).1, ["LimitNOFILE=80001"]);
    facts.boot.started_by = StartedBy::Systemd;
    assert_eq!(said(&facts, "fds", 80_000).1, ["LimitNOFILE=80000"]);
    // Lowered after boot: the VM can watch more, and nothing has to restart.
    facts.nofile.soft = Limit::Finite(1000);
    let findings = unmet(&facts, &[("fds", number(60_000))]);
    assert_eq!(findings[0].fix[0].line, "headroom:raise_nofile(60000).");
    assert!(!findings[0].restart);
}

#[test]
fn the_text_numbers_all_failures() {
    let required = [
        ("ports", number(100_000)),
        ("fds", number(100_000)),
        ("atoms", number(9000)),
    ];
    let facts = facts();
    let requirements = parse(&required).unwrap();
    let text = refusal::unmet(&requirements.unmet(&facts), requirements.len(), &facts);
    let expected = "\
headroom: 2 of 3 requirements are not met by shop@10.0.0.7, os pid 1
1. fds: the limit must be at least 100000; it is 65536, set by the soft limit of
   the OS process (hard limit 65536, started in a container).
  permanent  --ulimit nofile=100000:100000
               for docker or podman run, then restart
2. ports: the limit must be at least 100000; it is 65536, set by the default of
   the VM.
  permanent  +Q 100000                         in vm.args, then restart
";
    assert_eq!(text.lines().next(), expected.lines().next());
    assert_eq!(text, expected);
}
