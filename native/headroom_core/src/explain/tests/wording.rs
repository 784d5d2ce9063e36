//! What the sentences claim.

use super::*;

// A sentence that claims more than is known sends somebody away from the cause.
#[test]
fn sentences_claim_what_is_known() {
    use Operation as Op;
    type Row = (
        &'static str,
        Operation,
        &'static [Change],
        &'static [&'static str],
        &'static [&'static str],
    );
    const NO_DESCRIPTORS_READ: Change = |s| {
        s.facts.fds.free = Limit::Unknown;
        s.probe = Probe::default();
    };
    const NO_KERNEL_FILES: Change = |s| {
        s.facts.nofile.file_nr = Known::Unknown;
        s.probe = Probe::default();
    };
    const ONE_LEFT: Change = |s| s.facts.fds.free = Limit::Finite(1);
    let rows: &[Row] = &[
        // What is not measured may still be so.
        (
            "emfile",
            Op::Accept,
            &[BLIND],
            &["the kernel refused one just now"],
            &["passed"],
        ),
        (
            "emfile",
            Op::Accept,
            &[NO_DESCRIPTORS_READ],
            &["It may have passed"],
            &[],
        ),
        (
            "emfile",
            Op::Accept,
            &[],
            &["It has passed: 924 of 1024"],
            &[],
        ),
        (
            "enfile",
            Op::File,
            &[NO_KERNEL_FILES],
            &["It may have passed"],
            &[],
        ),
        ("enfile", Op::File, &[], &["It has passed"], &[]),
        (
            "enfile",
            Op::Accept,
            &[NO_KERNEL_FILES],
            &["and may have passed"],
            &["has passed"],
        ),
        ("enfile", Op::Accept, &[], &["and has passed"], &[]),
        // Nobody handed in a stacktrace.
        (
            "system_limit",
            Op::Spawn,
            &[],
            &["Only the process table refuses a spawn."],
            &["stacktrace"],
        ),
        // The VM itself says enfile for peeloff; nothing makes ets and spawn say it.
        (
            "enfile",
            Op::Peeloff,
            &[],
            &["peeloff still says enfile for a full port table"],
            &["not from the VM"],
        ),
        (
            "enfile",
            Op::Peeloff,
            &[PORTS_FULL],
            &["peeloff still says enfile for a full port table"],
            &[],
        ),
        ("enfile", Op::Ets, &[], &[], &["not from the VM"]),
        ("enfile", Op::Spawn, &[], &[], &["not from the VM"]),
        ("enfile", Op::Connect, &[], &["not from the VM"], &[]),
        // Which side closed.
        (
            "closed",
            Op::Accept,
            &[],
            &["the listening socket itself is closed"],
            &["The other side closed"],
        ),
        (
            "closed",
            Op::Listen,
            &[],
            &["The listening socket itself"],
            &["other side"],
        ),
        ("closed", Op::Connect, &[], &["The other side closed"], &[]),
        // One is one.
        (
            "emfile",
            Op::OpenPort,
            &[ONE_LEFT],
            &["Only 1 descriptor is free"],
            &[],
        ),
        (
            "emfile",
            Op::OpenPort,
            &[FOUR_LEFT],
            &["Only 4 descriptors are free"],
            &[],
        ),
        (
            "system_limit",
            Op::Socket,
            &[],
            &["one known cause", "it was processes ("],
            &["one of these", "several"],
        ),
        // A module may just not be there.
        (
            "undef",
            Op::Undefined,
            &[],
            &["If it was a limit, it was one of these"],
            &[],
        ),
    ];
    for (reason, operation, changes, said, unsaid) in rows {
        let message = explain(&atom(reason), *operation, &scene(changes)).message;
        for part in *said {
            assert!(message.contains(part), "{reason} {operation:?}: {message}");
        }
        for part in *unsaid {
            assert!(!message.contains(part), "{reason} {operation:?}: {message}");
        }
    }
}

// With a stacktrace it is said that it shows it.
#[test]
fn a_stacktrace_is_cited_if_there_is_one() {
    let reason = tuple([atom("system_limit"), list([frame("erlang", "spawn_link")])]);
    let message = explain(&reason, Operation::Accept, &healthy()).message;
    assert!(message.contains("The stacktrace shows"), "{message}");
}

// Somebody pastes the log of another node into a shell here: the numbers of this one are not its numbers.
#[test]
fn a_line_of_another_node_gets_none_of_our_numbers() {
    let line = text("driver_select(0x1, 319, ERL_DRV_USE, 0) by tcp_inet failed: fd=319 is larger than the largest allowed fd=255");
    for scene in [healthy(), scene(&[INHERITED])] {
        let verdict = explain(&line, Operation::Accept, &scene);
        let headline = &verdict.message[..verdict.headline];
        assert_eq!(verdict.basis, Basis::ByElimination);
        assert!(
            !headline.contains(|c: char| c.is_ascii_digit()),
            "{headline}"
        );
        assert!(
            !verdict.message.contains("was raised after boot"),
            "{}",
            verdict.message
        );
    }
    let raised = explain(&line, Operation::Accept, &scene(&[RAISED]));
    assert!(
        raised.message.contains("beyond max_fds 1024"),
        "{}",
        raised.message
    );
    assert!(
        raised.message.contains("was raised after boot"),
        "{}",
        raised.message
    );
}

// An error must not be said to be another error than the one that was handed in.
#[test]
fn no_error_is_ruled_out_by_itself() {
    for operation in [
        Operation::Spawn,
        Operation::Socket,
        Operation::Ets,
        Operation::File,
    ] {
        let verdict = explain(&atom("system_limit"), operation, &healthy());
        let ports = verdict
            .rejected
            .iter()
            .find(|rejected| rejected.verdict == Culprit::PortTable);
        let why = ports
            .map(|rejected| rejected.why.as_str())
            .unwrap_or_default();
        assert!(
            why.contains("takes no port; 90 of 1024"),
            "{operation:?}: {why}"
        );
    }
}
