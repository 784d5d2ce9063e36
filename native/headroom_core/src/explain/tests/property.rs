//! What holds for any reason and any facts.

use proptest::prelude::*;

use super::*;
use crate::render;
use headroom_facts::vocabulary::{Count, Flag};

fn known<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Known<T>> {
    prop_oneof![4 => value.prop_map(Known::Is), 1 => Just(Known::Unknown)]
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![6 => (0u64..5000).prop_map(Limit::Finite), 1 => any::<u64>().prop_map(Limit::Finite), 1 => Just(Limit::Infinity), 1 => Just(Limit::Unknown)]
}

fn count() -> impl Strategy<Value = Count> {
    known(prop_oneof![6 => 0u64..5000, 1 => any::<u64>()])
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Granted),
        Just(Outcome::NotDone),
        prop_oneof![Just(23), Just(24), Just(12), Just(105), any::<i32>()]
            .prop_map(Outcome::Refused),
    ]
}

fn any_scene() -> impl Strategy<Value = Node> {
    let fds = (
        count(),
        limit(),
        count(),
        limit(),
        limit(),
        limit(),
        limit(),
    );
    let kernel = (limit(), count(), known(any::<bool>()), known(any::<bool>()));
    let tables = (count(), limit(), count(), limit());
    let releases = prop_oneof![
        Just("25".to_string()),
        Just("29".into()),
        Just("R14B04".into()),
        Just("19".into()),
        ".{0,6}"
    ];
    let probe = (outcome(), outcome(), outcome());
    let peak = proptest::option::of((0usize..6, 0u64..5000, 0u64..5000, any::<i64>()));
    (fds, kernel, tables, releases, probe, peak).prop_map(
        |(fds, kernel, tables, release, probe, peak)| {
            let mut scene = healthy();
            let facts = &mut scene.facts;
            (facts.fds.open, facts.fds.free, facts.fds.highest) = (fds.0, fds.1, fds.2);
            (
                facts.nofile.soft,
                facts.nofile.hard,
                facts.nofile.nr_open,
                facts.nofile.max_fds,
            ) = (fds.3, fds.4, fds.5, fds.6);
            (facts.nofile.file_max, facts.nofile.file_nr) = (kernel.0, kernel.1);
            let (exempt, raise): (Flag, Flag) = (kernel.2, kernel.3);
            (
                facts.nofile.exempt_from_file_max,
                facts.nofile.can_raise_hard,
            ) = (exempt, raise);
            facts.beam.ports = (tables.0, tables.1);
            facts.beam.processes = (tables.2, tables.3);
            facts.otp_release = release;
            scene.probe = Probe {
                fd: probe.0,
                file: probe.1,
                pipe: probe.2,
                ..Probe::default()
            };
            scene.recorded = peak
                .map(|(name, used, limit, at)| Peak {
                    name: Name::ALL[name],
                    used,
                    limit,
                    at,
                })
                .into_iter()
                .collect();
            scene
        },
    )
}

fn any_value() -> impl Strategy<Value = Value> {
    let words = Word::ALL.iter().map(|word| word.as_str()).chain([
        "error",
        "EXIT",
        "shutdown",
        "select_read",
        "os",
        "cmd",
        "erlang",
        "spawn",
        "reason",
    ]);
    let atoms = proptest::sample::select(words.collect::<Vec<_>>()).prop_map(atom);
    let leaf = prop_oneof![
        8 => atoms,
        1 => ".{0,12}".prop_map(Value::Atom),
        1 => any::<i64>().prop_map(Value::Integer),
        1 => Just(Value::Integer(-2_147_483_644)),
        2 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Binary),
        1 => "(accept|connect|inotify|too many open files|fd=9| ){0,6}".prop_map(|text| Value::Binary(text.into())),
        1 => Just(Value::Opaque),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Tuple),
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            proptest::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

/// Whether the facts or the probe show that nothing is left of what is accused.
fn shows_no_room(culprit: Culprit, operation: Operation, scene: &Node) -> bool {
    let Node { facts, probe, .. } = scene;
    let full = |(used, limit): (Count, Limit)| matches!((used, limit), (Known::Is(used), Limit::Finite(limit)) if used >= limit);
    let fd_refused = matches!(probe.fd, Outcome::Refused(_));
    let refused =
        matches!(probe.file, Outcome::Refused(_)) || matches!(probe.pipe, Outcome::Refused(_));
    match culprit {
        Culprit::PortTable => full(facts.beam.ports),
        Culprit::Processes => full(facts.beam.processes),
        Culprit::Atoms => full(facts.beam.atoms),
        Culprit::Nofile => {
            facts.fds.free.is_below(operation.descriptors())
                || fd_refused
                || probe.fd == Outcome::NotDone && probe.file == Outcome::Refused(24)
        }
        Culprit::NrOpen => facts
            .nofile
            .nr_open
            .is_below(facts.fds.open.get().unwrap_or(0).saturating_add(64)),
        Culprit::MaxFds => {
            let open = facts.fds.open.get().unwrap_or(0).saturating_add(5);
            let raised = match (facts.nofile.soft, facts.nofile.max_fds) {
                (Limit::Finite(soft), Limit::Finite(max_fds)) => soft > max_fds,
                (soft, max_fds) => soft == Limit::Infinity && max_fds != Limit::Unknown,
            };
            raised
                && facts.nofile.max_fds.is_below(
                    open.max(facts.fds.highest.get().unwrap_or(0).saturating_add(1))
                        .saturating_add(1),
                )
        }
        Culprit::KernelFileMax => full((facts.nofile.file_nr, facts.nofile.file_max)) || refused,
        Culprit::KernelMemory | Culprit::PipePages => refused,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // The whole promise: it always answers, and never accuses what has room on the ground of what it sees.
    #[test]
    fn any_reason_and_any_facts(reason in any_value(), operation in proptest::sample::select(Operation::ALL), scene in any_scene()) {
        let verdict = explain(&reason, operation, &scene);
        let operation = if reason::read(&reason).spawning { Operation::Spawn } else { verdict.operation };
        match verdict.basis {
            Basis::Observed | Basis::Probed => {
                prop_assert!(shows_no_room(verdict.verdict, operation, &scene), "{verdict:?}");
            }
            Basis::Recorded => prop_assert!(scene.recorded.iter().any(|peak| peak.used >= peak.limit)),
            Basis::None => prop_assert!(matches!(verdict.verdict, Culprit::NotALimit | Culprit::Undetermined)),
            Basis::ByElimination => prop_assert!(!matches!(verdict.verdict, Culprit::NotALimit | Culprit::Undetermined)),
        }
        prop_assert!(verdict.rejected.iter().all(|rejected| rejected.verdict != verdict.verdict));
        prop_assert!(!verdict.restart || !verdict.fix.is_empty());
        let headline = &verdict.message[..verdict.headline];
        let numbers = headline.split(|c: char| !c.is_ascii_digit() && c != ' ');
        let huge = numbers.map(|text| text.trim().len()).any(|length| length > 13);
        prop_assert!(huge || headline.len() <= 80, "{headline}");
        let text = render::verdict::prose(&verdict, &scene.facts);
        prop_assert!(text.lines().count() <= render::verdict::LINES, "{text}");
        let fits = |line: &str| {
            // A number that no kernel has may push its line to paste beyond.
            let longest = line.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            line.len() <= 80 || longest > Some(13)
        };
        prop_assert!(text.is_ascii() && text.lines().all(fits), "{text}");
        prop_assert!(text.lines().next().is_some_and(|line| verdict.message.starts_with(line)), "{text}");
        prop_assert!(serde_json::to_string(&verdict).is_ok());
    }

    // A descriptor that the parent handed in is beyond max_fds; the kernel gives no such number while the soft limit is
    // not above. Whoever were sent to the boot limit would restart a healthy node.
    #[test]
    fn a_high_descriptor_alone_accuses_nobody(
        word in proptest::sample::select(Word::ALL),
        operation in proptest::sample::select(Operation::ALL),
        (max_fds, soft, highest) in (8u64..5000).prop_flat_map(|max_fds| (Just(max_fds), 8..=max_fds, max_fds..10_000)),
    ) {
        let mut scene = healthy();
        scene.facts.nofile.max_fds = Limit::Finite(max_fds);
        scene.facts.nofile.soft = Limit::Finite(soft);
        scene.facts.fds.highest = Known::Is(highest);
        scene.facts.fds.free = Limit::Finite(8);
        let verdict = explain(&atom(word.as_str()), operation, &scene);
        prop_assert!(verdict.verdict != Culprit::MaxFds && verdict.basis != Basis::Observed, "{verdict:?}");
    }

    // The name of a file is the user's, and may be any word.
    #[test]
    fn a_path_never_outvotes_a_reason(
        word in proptest::sample::select(Word::ALL),
        path in "[a-z ]{0,5}/?(emfile|enfile|too many open files|system_limit|inotify emfile)[a-z/.]{0,5}",
    ) {
        if word.is_errno() {
            let path = Value::Binary(path.into());
            let reason = tuple([atom("error"), tuple([atom("file_error"), path, atom(word.as_str())])]);
            prop_assert_eq!(reason::read(&reason).symptom, Symptom::Word(word));
        }
    }
}
