//! Which limit it was: the table of truth, row by row.

use super::*;

// A wrong row here is a wrong culprit at three in the morning.
#[test]
fn the_table_of_truth() {
    use Basis::*;
    use Culprit::*;
    use Operation as Op;
    let rows: &[(&str, Op, &[Change], Culprit, Basis)] = &[
        (
            "system_limit",
            Op::Accept,
            &[PORTS_FULL],
            PortTable,
            Observed,
        ),
        ("system_limit", Op::Accept, &[], PortTable, ByElimination),
        (
            "system_limit",
            Op::Accept,
            &[PORTS_WERE_FULL],
            PortTable,
            Recorded,
        ),
        (
            "system_limit",
            Op::Accept,
            &[PROCESSES_FULL],
            Processes,
            Observed,
        ),
        (
            "system_limit",
            Op::Accept,
            &[FDS_FULL],
            PortTable,
            ByElimination,
        ),
        (
            "system_limit",
            Op::OpenPort,
            &[PORTS_FULL, FDS_FULL],
            PortTable,
            Observed,
        ),
        (
            "system_limit",
            Op::Spawn,
            &[PROCESSES_FULL, PORTS_FULL],
            Processes,
            Observed,
        ),
        ("system_limit", Op::Spawn, &[], Processes, ByElimination),
        (
            "system_limit",
            Op::Socket,
            &[PORTS_FULL],
            Undetermined,
            None,
        ),
        ("system_limit", Op::Undefined, &[], Undetermined, None),
        (
            "system_limit",
            Op::Undefined,
            &[PORTS_FULL],
            PortTable,
            Observed,
        ),
        (
            "system_limit",
            Op::Undefined,
            &[PROCESSES_FULL],
            Processes,
            Observed,
        ),
        ("system_limit", Op::Ets, &[], OtherLimit, ByElimination),
        ("system_limit", Op::Ets, &[R19], EtsTables, ByElimination),
        ("emfile", Op::Accept, &[FDS_FULL], Nofile, Observed),
        (
            "emfile",
            Op::Accept,
            &[FDS_FULL, PORTS_FULL],
            Nofile,
            Observed,
        ),
        ("emfile", Op::Accept, &[], Nofile, ByElimination),
        ("emfile", Op::Accept, &[PORTS_FULL], Nofile, ByElimination),
        ("emfile", Op::File, &[SMALL_NR_OPEN], NrOpen, Probed),
        (
            "emfile",
            Op::File,
            &[SMALL_NR_OPEN, NO_PROBE],
            NrOpen,
            Observed,
        ),
        ("emfile", Op::OpenPort, &[FOUR_LEFT], Nofile, Observed),
        ("emfile", Op::OsCmd, &[FOUR_LEFT], Nofile, ByElimination),
        ("emfile", Op::OpenPort, &[RAISED], MaxFds, Observed),
        ("emfile", Op::Undefined, &[RAISED], MaxFds, Observed),
        ("emfile", Op::OpenPort, &[INHERITED], Nofile, ByElimination),
        (
            "emfile",
            Op::OsCmd,
            &[INHERITED, FDS_FULL],
            Nofile,
            Observed,
        ),
        ("timeout", Op::Connect, &[INHERITED], NotALimit, None),
        ("eaddrinuse", Op::Listen, &[INHERITED], NotALimit, None),
        ("emfile", Op::Accept, &[BLIND], Nofile, Probed),
        ("emfile", Op::OpenPort, &[BLIND], Nofile, Probed),
        ("undef", Op::Undefined, &[BLIND], Nofile, Probed),
        ("enfile", Op::File, &[BLIND], KernelFileMax, ByElimination),
        ("emfile", Op::Undefined, &[FDS_FULL], Nofile, Observed),
        ("emfile", Op::Undefined, &[], Nofile, ByElimination),
        ("emfile", Op::Ets, &[FDS_FULL], Nofile, Observed),
        (
            "enfile",
            Op::Accept,
            &[FILE_MAX_FULL],
            KernelFileMax,
            Observed,
        ),
        (
            "enfile",
            Op::Accept,
            &[FILE_MAX_FULL, PORTS_FULL],
            KernelFileMax,
            Observed,
        ),
        ("enfile", Op::Accept, &[PORTS_FULL], Undetermined, None),
        (
            "enfile",
            Op::Accept,
            &[PORTS_FULL, ROOT],
            KernelMemory,
            ByElimination,
        ),
        ("enfile", Op::Accept, &[NO_INODE], KernelMemory, Probed),
        (
            "enfile",
            Op::Accept,
            &[NO_INODE, ROOT],
            KernelMemory,
            Probed,
        ),
        (
            "enfile",
            Op::Accept,
            &[PORTS_FULL, R14],
            PortTable,
            Observed,
        ),
        ("enfile", Op::Peeloff, &[PORTS_FULL], PortTable, Observed),
        ("enfile", Op::File, &[], KernelFileMax, ByElimination),
        ("enfile", Op::File, &[ROOT], OtherLimit, ByElimination),
        ("enfile", Op::OpenPort, &[NO_PIPE], PipePages, Probed),
        (
            "enfile",
            Op::OpenPort,
            &[NO_PIPE, ROOT],
            KernelMemory,
            Probed,
        ),
        ("enfile", Op::OsCmd, &[], Undetermined, None),
        ("enfile", Op::Undefined, &[PORTS_FULL], PortTable, Observed),
        ("enfile", Op::Undefined, &[], Undetermined, None),
        ("timeout", Op::Connect, &[], NotALimit, None),
        ("timeout", Op::Connect, &[RAISED], MaxFds, Observed),
        ("eaddrinuse", Op::Listen, &[RAISED], MaxFds, Observed),
        ("einval", Op::OpenPort, &[RAISED], MaxFds, Observed),
        ("econnrefused", Op::Connect, &[PORTS_FULL], NotALimit, None),
        ("enomem", Op::Socket, &[], KernelMemory, ByElimination),
        ("eaddrnotavail", Op::Connect, &[], Undetermined, None),
        ("eagain", Op::OpenPort, &[], OtherLimit, ByElimination),
        ("badarg", Op::OsCmd, &[FDS_FULL], Nofile, Observed),
        ("badarg", Op::OsCmd, &[], Undetermined, None),
        // What os:cmd hides is found where it shows: each limit that a program can meet.
        (
            "badarg",
            Op::OsCmd,
            &[FILE_MAX_FULL],
            KernelFileMax,
            Observed,
        ),
        ("badarg", Op::OsCmd, &[NO_PIPE], PipePages, Probed),
        ("badarg", Op::OsCmd, &[NO_PIPE, ROOT], KernelMemory, Probed),
        ("badarg", Op::OsCmd, &[NR_OPEN_FULL], NrOpen, Probed),
        // Sockets of the local domain end at twice fs.file-max, also for root.
        ("enomem", Op::Socket, &[TWICE_FILE_MAX], Undetermined, None),
        (
            "enfile",
            Op::Socket,
            &[TWICE_FILE_MAX, ROOT],
            Undetermined,
            None,
        ),
        ("enomem", Op::File, &[], Undetermined, None),
        ("undef", Op::Undefined, &[FDS_FULL], Nofile, Observed),
        (
            "something_else",
            Op::Accept,
            &[FDS_FULL],
            Undetermined,
            None,
        ),
    ];
    for (reason, operation, changes, culprit, basis) in rows {
        let verdict = explain(&atom(reason), *operation, &scene(changes));
        assert_eq!(
            (verdict.verdict, verdict.basis),
            (*culprit, *basis),
            "{reason} {operation:?}: {}",
            verdict.message
        );
    }
}

// The story that this exists for: the kernel must be cleared, with its numbers and what the probe got.
#[test]
fn a_full_port_table_clears_the_others() {
    let verdict = explain(
        &atom("system_limit"),
        Operation::Accept,
        &scene(&[PORTS_FULL]),
    );
    let why = |culprit| {
        let found = verdict
            .rejected
            .iter()
            .find(|rejected| rejected.verdict == culprit);
        found
            .map(|rejected| rejected.why.clone())
            .unwrap_or_default()
    };
    assert!(
        why(Culprit::Nofile).contains("924 of 1024 descriptors are free"),
        "{}",
        why(Culprit::Nofile)
    );
    assert!(
        why(Culprit::KernelFileMax).contains("granted an open file just now"),
        "{}",
        why(Culprit::KernelFileMax)
    );
    assert!(
        verdict.fix.iter().any(|fix| fix.line.starts_with("+Q ")),
        "{:?}",
        verdict.fix
    );
    assert!(verdict.restart && verdict.client_sees.contains("closed at once"));
}

// Without the operation the answer says what would change it.
#[test]
fn a_missing_operation_is_asked_for() {
    let verdict = explain(
        &atom("enfile"),
        Operation::Undefined,
        &scene(&[PORTS_FULL, ROOT]),
    );
    assert!(
        verdict.message.contains("kernel_memory if it was accept"),
        "{}",
        verdict.message
    );
}

// The state of the node is part of the answer even when the reason means nothing.
#[test]
fn what_is_exhausted_is_said_even_if_the_reason_is_not_understood() {
    let verdict = explain(&atom("blue"), Operation::Undefined, &scene(&[PORTS_FULL]));
    assert!(
        verdict
            .message
            .contains("But exhausted now: ports (1024 of 1024)."),
        "{}",
        verdict.message
    );
    assert_eq!(verdict.reason, Told::Text("blue".into()));
}

// Old pages say that enfile from accept is the port table. Who follows them raises the wrong limit.
#[test]
fn the_rule_of_r14_is_told_where_it_misleads() {
    for operation in [Operation::Accept, Operation::Undefined] {
        let verdict = explain(&atom("enfile"), operation, &scene(&[ROOT]));
        assert!(verdict.message.contains("R14"), "{}", verdict.message);
        assert_ne!(verdict.verdict, Culprit::PortTable);
    }
}

pub(super) fn ports_full() -> Node {
    scene(&[PORTS_FULL])
}
