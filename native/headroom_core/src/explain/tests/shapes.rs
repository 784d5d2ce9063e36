//! Reasons as people have them.

use super::*;

// Each is a reason as a library, a supervisor or a shell hands it over.
#[test]
fn wrappers_come_off() {
    let emfile = || tuple([atom("error"), atom("emfile")]);
    let os_cmd = |cause| {
        let info = Value::Map(vec![(
            atom("cause"),
            tuple([atom("open_port"), atom(cause)]),
        )]);
        let location = list([tuple([atom("error_info"), info])]);
        let call = tuple([atom("os"), atom("cmd"), list([]), location]);
        tuple([
            atom("EXIT"),
            tuple([atom("badarg"), list([call, frame("erl_eval", "do_apply")])]),
        ])
    };
    let address = tuple([atom("to_address"), tuple([text("h"), Value::Integer(80)])]);
    let rows: Vec<(Value, &str, Operation)> = vec![
        (emfile(), "emfile", Operation::Undefined),
        (
            tuple([atom("error"), tuple([atom("shutdown"), atom("emfile")])]),
            "emfile",
            Operation::Connect,
        ),
        (os_cmd("emfile"), "emfile", Operation::OsCmd),
        (os_cmd("system_limit"), "system_limit", Operation::OsCmd),
        (
            tuple([
                atom("EXIT"),
                tuple([
                    atom("system_limit"),
                    list([frame("erlang", "open_port"), frame("os", "cmd")]),
                ]),
            ]),
            "system_limit",
            Operation::OpenPort,
        ),
        (
            tuple([atom("system_limit"), list([frame("erlang", "spawn_link")])]),
            "system_limit",
            Operation::Spawn,
        ),
        (
            tuple([
                atom("error"),
                tuple([
                    atom("failed_connect"),
                    list([
                        address,
                        tuple([atom("inet"), list([atom("inet")]), atom("emfile")]),
                    ]),
                ]),
            ]),
            "emfile",
            Operation::Connect,
        ),
        (
            tuple([
                atom("failed_connect"),
                list([tuple([atom("inet"), list([atom("inet")]), atom("timeout")])]),
            ]),
            "timeout",
            Operation::Connect,
        ),
        (
            tuple([atom("listen_error"), atom("web"), atom("emfile")]),
            "emfile",
            Operation::Listen,
        ),
        (
            tuple([
                atom("error"),
                tuple([atom("file_error"), text("/x"), atom("emfile")]),
            ]),
            "emfile",
            Operation::File,
        ),
        (
            tuple([
                atom("error"),
                tuple([
                    atom("options"),
                    tuple([atom("certfile"), tuple([text("/c"), atom("emfile")])]),
                ]),
            ]),
            "emfile",
            Operation::Undefined,
        ),
        (
            exception("Elixir.File.Error", [("reason", atom("emfile"))]),
            "emfile",
            Operation::File,
        ),
        (
            exception("Elixir.MatchError", [("term", emfile())]),
            "emfile",
            Operation::Undefined,
        ),
        (
            exception("Elixir.ErlangError", [("original", atom("system_limit"))]),
            "system_limit",
            Operation::Undefined,
        ),
        (
            exception(
                "Elixir.SystemLimitError",
                [("message", text("a system limit has been reached"))],
            ),
            "system_limit",
            Operation::Undefined,
        ),
        (
            exception(
                "Elixir.Mint.TransportError",
                [("reason", atom("econnrefused"))],
            ),
            "econnrefused",
            Operation::Connect,
        ),
        (
            text("Failed TCP accept: emfile"),
            "emfile",
            Operation::Accept,
        ),
        (
            Value::List(
                "Accept error: system_limit"
                    .bytes()
                    .map(|b| Value::Integer(b.into()))
                    .collect(),
            ),
            "system_limit",
            Operation::Accept,
        ),
        (
            tuple([atom("errno"), Value::Integer(23)]),
            "enfile",
            Operation::Undefined,
        ),
        (
            tuple([
                atom("error"),
                tuple([
                    atom("load_failed"),
                    text("x.so: cannot open shared object file: Too many open files"),
                ]),
            ]),
            "emfile",
            Operation::File,
        ),
        (
            tuple([
                atom("timeout"),
                tuple([atom("gen_server"), atom("call"), list([atom("timeout")])]),
            ]),
            "timeout",
            Operation::Undefined,
        ),
    ];
    told(rows);
}

fn told(rows: Vec<(Value, &str, Operation)>) {
    for (reason, word, operation) in rows {
        let verdict = explain(&reason, Operation::Undefined, &healthy());
        assert_eq!(
            (verdict.reason.as_str(), verdict.operation),
            (word, operation),
            "{reason:?}"
        );
    }
}

// A descriptor that the VM cannot watch shows itself in these shapes only.
#[test]
fn deaf_sockets_are_known_by_their_code() {
    for (result, culprit) in [
        (-2_147_483_644, Culprit::MaxFds),
        (-2_147_483_640, Culprit::Undetermined),
        (-1, Culprit::Undetermined),
    ] {
        let reason = tuple([
            atom("error"),
            tuple([atom("select_read"), Value::Integer(result)]),
        ]);
        assert_eq!(
            explain(&reason, Operation::Accept, &scene(&[RAISED])).verdict,
            culprit
        );
    }
    // Somebody lowered the limit again: the error still has this one cause.
    let line = text("driver_select(0x1, 319, ERL_DRV_USE, 0) by tcp_inet failed: fd=319 is larger than the largest allowed fd=255");
    let verdict = explain(&line, Operation::Undefined, &healthy());
    assert_eq!(
        (verdict.verdict, verdict.basis),
        (Culprit::MaxFds, Basis::ByElimination)
    );
}

// system_limit from a function that has nothing to do with a table must not send anybody to +Q.
#[test]
fn a_term_that_is_too_large_is_no_table() {
    let reason = tuple([
        atom("system_limit"),
        list([frame("erlang", "list_to_atom"), frame("x", "y")]),
    ]);
    assert_eq!(
        explain(&reason, Operation::Undefined, &scene(&[PORTS_FULL])).verdict,
        Culprit::OtherLimit
    );
    let line = text("** Too many db tables **");
    assert_eq!(
        explain(&line, Operation::Undefined, &healthy()).verdict,
        Culprit::EtsTables
    );
}

// These lines name their cause themselves: no state of this node may talk them into another.
#[test]
fn lines_that_name_their_cause() {
    let rows = [
        ("VFS: file-max limit 1000 reached", Culprit::KernelFileMax),
        (
            "no more index entries in atom_tab (max=1048576)",
            Culprit::Atoms,
        ),
        ("Too many processes", Culprit::Processes),
        (
            "Failed to initialize inotify: Too many open files",
            Culprit::InotifyInstances,
        ),
        ("** Too many db tables **", Culprit::EtsTables),
    ];
    for (line, culprit) in rows {
        for scene in [healthy(), table::ports_full()] {
            let verdict = explain(&text(line), Operation::Undefined, &scene);
            assert_eq!(
                (verdict.verdict, verdict.basis),
                (culprit, Basis::ByElimination),
                "{line}"
            );
        }
    }
}

// A path or an argument may hold any word. The reason beside it is what the call failed with.
#[test]
fn a_word_in_a_path_or_an_argument_is_no_reason() {
    let call = |arguments| tuple([atom("gen_server"), atom("call"), arguments]);
    let file_error = |path, reason| {
        tuple([
            atom("error"),
            tuple([atom("file_error"), text(path), atom(reason)]),
        ])
    };
    let rows = vec![
        (
            file_error("/var/emfile/enfile", "enoent"),
            "enoent",
            Operation::File,
        ),
        (
            file_error("too many open files", "eacces"),
            "eacces",
            Operation::File,
        ),
        (
            exception(
                "Elixir.File.Error",
                [("reason", atom("enoent")), ("path", text("emfile"))],
            ),
            "enoent",
            Operation::File,
        ),
        (
            Value::Map(vec![
                (atom("path"), text("too many open files")),
                (atom("reason"), atom("enoent")),
            ]),
            "enoent",
            Operation::Undefined,
        ),
        (
            tuple([atom("enoent"), text("emfile")]),
            "enoent",
            Operation::Undefined,
        ),
        (
            tuple([
                atom("timeout"),
                call(list([
                    atom("x"),
                    tuple([atom("open"), atom("emfile")]),
                    tuple([atom("error"), atom("emfile")]),
                ])),
            ]),
            "timeout",
            Operation::Undefined,
        ),
        (
            tuple([
                atom("eacces"),
                list([tuple([
                    atom("x"),
                    atom("open"),
                    Value::Integer(1),
                    list([tuple([atom("file"), text("emfile.erl")])]),
                ])]),
            ]),
            "eacces",
            Operation::Undefined,
        ),
        // Not even when nothing else says anything.
        (
            tuple([
                atom("failed"),
                call(list([tuple([atom("open"), atom("emfile")])])),
            ]),
            "{failed,{gen_server,call,[{open,emfile}]}}",
            Operation::Undefined,
        ),
        // The class, the reason and the stacktrace, as they are caught.
        (
            tuple([
                atom("error"),
                atom("system_limit"),
                list([frame("erlang", "open_port")]),
            ]),
            "system_limit",
            Operation::OpenPort,
        ),
        // As C has it.
        (
            tuple([atom("error"), atom("EMFILE")]),
            "emfile",
            Operation::Undefined,
        ),
    ];
    told(rows);
}

// A timer is no process: with it in the stacktrace the process table would be accused.
#[test]
fn what_starts_is_not_always_a_process() {
    let rows = [
        ("erlang", "start_timer", Operation::Undefined),
        ("erlang", "spawn_opt", Operation::Spawn),
        ("proc_lib", "start_link", Operation::Spawn),
        ("proc_lib", "spawn", Operation::Spawn),
    ];
    told(
        rows.map(|(module, function, operation)| {
            let reason = tuple([atom("system_limit"), list([frame(module, function)])]);
            (reason, "system_limit", operation)
        })
        .into(),
    );
}
