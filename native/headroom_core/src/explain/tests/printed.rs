//! What people paste: reports, log lines and exceptions, as they are printed, cut and shipped.

use super::*;
use Basis::*;
use Culprit::*;
use Operation as Op;

fn says(line: &str, node: &Node) -> (Culprit, Basis) {
    let verdict = explain(&text(line), Op::Undefined, node);
    (verdict.verdict, verdict.basis)
}

const HALF_FULL: Change = |s| s.facts.beam.ports.0 = Known::Is(500);

// The frame that raised decides. Words of other functions, states, messages, arguments and names sent people to +Q.
#[test]
fn the_frame_that_raised_decides() {
    let rows: &[(&str, Culprit, Basis)] = &[
        (
            "{system_limit,[{erlang,spawn_link,[a,b,[]],[]},{x,do_accept,7,[]}]}",
            Processes,
            ByElimination,
        ),
        (
            "reason: system_limit at erlang:spawn_opt/4 <= net_kernel:do_auto_connect_2/5(line:668)",
            Processes,
            ByElimination,
        ),
        (
            "** When Server state == #{status => connected}\n** Reason for termination ==\n** {system_limit,[{erlang,spawn_opt,[],[]}]}",
            Processes,
            ByElimination,
        ),
        (
            "** (MatchError) no match of right hand side value: {:error, :system_limit}\n    f.exs:5: My.handle_call/3\nLast message: {:connect, 1}",
            Undetermined,
            None,
        ),
        (
            "(MatchError) .. {:error, :system_limit}\nLast message: {:connect, 1}",
            Undetermined,
            None,
        ),
        (
            "Error in process <0.85.0> with exit value:\n{system_limit,[{erlang,list_to_atom,[\"aa\"],[]},\n{my_conn,connect,2,[]}]}",
            OtherLimit,
            ByElimination,
        ),
        (
            "=CRASH REPORT==== 25-Nov-2026::02:10:46.463418 ===\n  crasher:\n    initial call: my_conn:connect/1\n    pid: <0.81.0>\n    registered_name: accept_emfile\n    exception error: a system limit has been reached\n      in function  list_to_atom/1\n         called as list_to_atom(\"emfile\")\n      in call from my_conn:accept/0 (my_conn.erl, line 9)\n    ancestors: [accept_sup,<0.9.0>]",
            OtherLimit,
            ByElimination,
        ),
        (
            "    exception error: a system limit has been reached\n      in operator  bsl/2\n         called as 1 bsl 100000000000\n      in call from my:connect/0 (my.erl, line 9)",
            OtherLimit,
            ByElimination,
        ),
        (
            "    exception error: a system limit has been reached\n      in function  open_port/2\n         called as open_port({spawn,\"cat\"},[])",
            PortTable,
            ByElimination,
        ),
        (
            "    exception error: a system limit has been reached\n      in function  spawn_opt/4\n      in call from gen_tcp_socket:accept/2 (gen_tcp_socket.erl, line 9)",
            Processes,
            ByElimination,
        ),
        (
            "** (SystemLimitError) a system limit has been reached\n    :erlang.open_port({:spawn, \"accept\"}, [])\n    (app 0.1.0) lib/app.ex:4: App.listen/1",
            PortTable,
            ByElimination,
        ),
        (
            "** State machine <0.90.0> terminating\n** Last event = {cast,emfile}\n** When server state  = {connect,#{a => enfile}}\n** Reason for termination = error:system_limit\n** Callback modules = [x]\n** Stacktrace =\n**  [{erlang,spawn_link,[x],[]},{x,accept,4,[]}]",
            Processes,
            ByElimination,
        ),
        ("{system_limit,[{ets,new,[t,[set]],[]},{x,accept,0,[]}]}", OtherLimit, ByElimination),
        ("Accept error: {error, system_limit}", PortTable, ByElimination),
        ("Failed TCP accept: system_limit", PortTable, ByElimination),
        ("Accept failed: {{badmatch,{error,system_limit}},[{my,handle,3,[]}]}", Undetermined, None),
        ("Generic server accept terminating. Reason: system_limit. Last message: {connect,1}. State: {listen,[]}.", Undetermined, None),
        ("Supervisor foo had child accept started with x:connect(listen) at <0.1.0> exit with reason system_limit in erlang:spawn_opt/4 line 2 in context child_terminated", Processes, ByElimination),
    ];
    for (line, culprit, basis) in rows {
        for node in [healthy(), scene(&[HALF_FULL])] {
            assert_eq!(says(line, &node), (*culprit, *basis), "{line}");
        }
    }
}

// One oversized term is no table, in any state of the tables.
#[test]
fn one_term_too_large_in_any_state() {
    let lines = [
        "** (SystemLimitError) a system limit has been reached\n    :erlang.binary_to_atom(\"aaaa\", :utf8)",
        "** (SystemLimitError) a system limit has been reached\n    :erlang.binary_to_atom(\"disconnect_reason_aaaa\", :utf8)\n    (elixir 1.14.0) lib/x.ex:4: X.connect/2",
        "{system_limit,[{erlang,list_to_atom,[\"cccc\"],[]},{ranch_acceptor,loop,3,[]}]}",
        "** (SystemLimitError) a system limit has been reached\\n    :erlang.binary_to_atom(\\\"aaaa\\\", :utf8)\\n    x",
    ];
    for line in lines {
        for node in [
            healthy(),
            scene(&[PORTS_FULL]),
            scene(&[PROCESSES_FULL, FDS_FULL]),
        ] {
            assert_eq!(says(line, &node), (OtherLimit, ByElimination), "{line}");
        }
    }
}

// What several things cause is not known by elimination, and what a limit may have made is not said to be none.
#[test]
fn elimination_is_for_closed_lists() {
    let rows: &[(Value, Op, Culprit, Basis)] = &[
        (
            tuple([
                atom("error"),
                tuple([
                    atom("db_open"),
                    text("IO error: lock /x/LOCK: Resource temporarily unavailable"),
                ]),
            ]),
            Op::Undefined,
            Undetermined,
            None,
        ),
        (
            tuple([atom("error"), atom("eagain")]),
            Op::Undefined,
            Undetermined,
            None,
        ),
        (
            text("recv failed: Resource temporarily unavailable"),
            Op::Undefined,
            Undetermined,
            None,
        ),
        (atom("eagain"), Op::OsCmd, OtherLimit, ByElimination),
        (atom("eaddrnotavail"), Op::Connect, Undetermined, None),
        (atom("eaddrnotavail"), Op::Listen, NotALimit, None),
        (atom("eaddrnotavail"), Op::Undefined, Undetermined, None),
        (atom("eaddrinuse"), Op::Connect, Undetermined, None),
        (atom("eaddrinuse"), Op::UdpOpen, Undetermined, None),
        (atom("eaddrinuse"), Op::Listen, NotALimit, None),
        (atom("eaddrinuse"), Op::Undefined, Undetermined, None),
        (atom("enomem"), Op::Undefined, Undetermined, None),
        (atom("enomem"), Op::File, Undetermined, None),
        (atom("enomem"), Op::Accept, KernelMemory, ByElimination),
        (atom("enobufs"), Op::Undefined, Undetermined, None),
        (atom("nxdomain"), Op::Connect, Undetermined, None),
        (atom("emfile"), Op::Undefined, Nofile, ByElimination),
        (
            tuple([atom("badarg"), list([frame("ets", "new")])]),
            Op::Undefined,
            NotALimit,
            None,
        ),
    ];
    for (reason, operation, culprit, basis) in rows {
        let verdict = explain(reason, *operation, &healthy());
        assert_eq!(
            (verdict.verdict, verdict.basis),
            (*culprit, *basis),
            "{reason:?} {operation:?}: {}",
            verdict.message
        );
    }
    let full = explain(&atom("nxdomain"), Op::Connect, &scene(&[FDS_FULL]));
    assert_eq!((full.verdict, full.basis), (Nofile, Observed));
    let message = explain(&atom("enomem"), Op::Undefined, &healthy()).message;
    assert!(
        message.contains("Either one request was too large"),
        "{message}"
    );
    let message = explain(&atom("eaddrnotavail"), Op::Connect, &healthy()).message;
    assert!(
        message.contains("none of this host") && message.contains("local ports"),
        "{message}"
    );
}

// Sentences of the field, with and without what surrounds them.
#[test]
fn sentences_of_the_field() {
    let rows: &[(&str, Culprit, &str)] = &[
        ("Ranch acceptor reducing accept rate: out of file descriptors", Nofile, ""),
        ("maximum number of file descriptors exhausted, check ulimit -n", Nofile, ""),
        ("(File.Error) could not open \"/x\": too many open files", Nofile, ""),
        ("** (File.Error) could not read file \"/app/lib/inotify_watcher.ex\": too many open files", Nofile, ""),
        ("** (File.Error) could not write to file \"/x\": too many open files", Nofile, ""),
        ("** (File.Error) could not stream \"/x\": too many open files", Nofile, ""),
        ("IO error: /x/000006.log: Too many open files", Nofile, ""),
        ("{:error, %Req.TransportError{reason: :emfile}}", Nofile, ""),
        ("Hackney Error: :emfile", Nofile, ""),
        ("\"emfile\"", Nofile, ""),
        ("Could not open unix domain socket in spawn_init: 24", Nofile, ""),
        ("Failed to watch upper limit on inotify watches reached!", OtherLimit, "max_user_watches"),
        ("ENOSPC: System limit for number of file watchers reached, watch '/app'", OtherLimit, "max_user_watches"),
        ("inotify_init: Too many open files", InotifyInstances, "max_user_instances"),
        ("eheap_alloc: Cannot allocate 1342177280 bytes of memory (of type \"heap\").", OtherLimit, "meminfo"),
        ("Cannot reallocate 600904 bytes of memory (of type \"x\")", OtherLimit, "meminfo"),
        ("ll_alloc: Cannot allocate 2147483711 bytes of memory (of type \"port_tab\").", OtherLimit, "+Q 65536"),
        ("Failed to create poll thread", OtherLimit, "TasksMax"),
        ("Failed to create thread: Resource temporarily unavailable (11)", OtherLimit, "--pids-limit"),
        ("could not spawn thread: EAGAIN", OtherLimit, "TasksMax"),
        ("cgroup: fork rejected by pids controller in /docker/x", OtherLimit, "TasksMax"),
        ("connect: Cannot assign requested address", Undetermined, ""),
        ("recv: Connection timed out", NotALimit, ""),
        ("error_connect_nxdomain", Undetermined, ""),
        ("error_connect_emfile", Nofile, ""),
        ("undefined function sys:get_log/1", Undetermined, ""),
        ("(UndefinedFunctionError) function :sys.get_log/1 is undefined (module :sys is not available)", Undetermined, ""),
        ("** {'module could not be loaded',[{tls_record,a,1,[]}]}\n** When Server state == #{last => {error,timeout}}", Undetermined, ""),
        ("DEFAULT FORMATTER CRASHED", Undetermined, ""),
        ("{error,[{string,nofile},{io_lib_pretty,nofile}]}", Undetermined, ""),
        ("the timeout of emfiles", Undetermined, ""),
        ("Last message: :timeout", Undetermined, ""),
        ("{process_limit,{max_queue,1008}}", Undetermined, ""),
        ("maximum number of ports exceeded", PortTable, "+Q"),
        ("no more index entries in atom_tab (max=1048576)", Atoms, "atom_count"),
        ("VFS: file-max limit 1000 reached", KernelFileMax, ""),
    ];
    for (line, culprit, fix) in rows {
        for shipped in [
            line.to_string(),
            format!("\u{1b}[31m[error]\u{1b}[0m {line}"),
            format!("Nov 25 02:05:16 accept enfile[12]: {line}"),
        ] {
            let verdict = explain(&text(&shipped), Op::Undefined, &healthy());
            assert_eq!(verdict.verdict, *culprit, "{shipped}: {}", verdict.message);
            assert!(
                fix.is_empty() || verdict.fix.iter().any(|line| line.line.contains(fix)),
                "{shipped}: {:?}",
                verdict.fix
            );
        }
    }
}

// Whatever a shipper made of it.
#[test]
fn shipped_lines_are_the_lines() {
    let lines = [
        r#""msg":"Reason:\nemfile""#,
        r#""listen failed:\temfile""#,
        "error#011emfile",
        r"\u0022emfile",
        "ESC[1memfile",
        r#"{"level":"error","msg":"accept failed: emfile","service":"enfile"}"#,
        r#"level=error ts=2026-11-25T02:05:16Z caller=enfile.go:12 msg="accept failed" err=emfile"#,
        r#"{"log":"** Reason for termination ==\n** {emfile,[{x,y,1,[]}]}\n","stream":"stderr"}"#,
    ];
    for line in lines {
        let verdict = explain(&text(line), Op::Undefined, &healthy());
        assert_eq!(
            (verdict.verdict, verdict.reason.as_str()),
            (Nofile, "emfile"),
            "{line}"
        );
    }
}

// The reason stands at the end of a report, behind kilobytes of state.
#[test]
fn the_whole_text_counts() {
    let state = "{accept,\"x y z\",<<\"enfile\">>},".repeat(2000);
    let report = format!("** Generic server x terminating \n** Last message in was {{connect}}\n** When Server state == [{state}a]\n** Reason for termination ==\n** {{emfile,[{{erlang,open_port,[a],[]}}]}}");
    assert!(report.len() > 50_000);
    let verdict = explain(&text(&report), Op::Undefined, &healthy());
    assert_eq!((verdict.verdict, verdict.operation), (Nofile, Op::OpenPort));
    // Cut off in the middle of the state, as a log does.
    let cut = format!("** When Server state == [{state}\n** Reason for termination ==\n** {{emfile,[{{erlang,open_port,[a],[]}}]}}");
    assert_eq!(
        explain(&text(&cut), Op::Undefined, &healthy()).operation,
        Op::OpenPort
    );
}

// A number that no descriptor has was made up by a driver: no limit is to be raised for it.
#[test]
fn a_rubbish_descriptor_is_no_limit() {
    let line = |fd: u64| {
        text(&format!("driver_select(0x7f0, {fd}, ERL_DRV_READ ERL_DRV_USE, 1) by zmq_drv driver #Port<0.1> failed: fd={fd} is larger than the largest allowed fd=1023"))
    };
    let verdict = explain(&line(165_452_956), Op::Undefined, &healthy());
    assert_eq!((verdict.verdict, verdict.fix.len()), (NotALimit, 0));
    assert!(verdict.message.contains("165452956"), "{}", verdict.message);
    assert_eq!(
        explain(&line(1030), Op::Undefined, &healthy()).verdict,
        MaxFds
    );
}

// The tables of this node say nothing about another one.
#[test]
fn errors_of_another_node_are_not_ours() {
    let port = || tuple([atom("system_limit"), list([frame("erlang", "open_port")])]);
    let reasons = [
        tuple([atom("badrpc"), tuple([atom("EXIT"), port()])]),
        tuple([atom("EXIT"), tuple([tuple([atom("exception"), atom("system_limit"), list([frame("erlang", "open_port")])]), list([frame("erpc", "call")])])]),
        tuple([port(), tuple([atom("gen_server"), atom("call"), list([tuple([atom("x"), atom("b@other")]), atom("go")])])]),
        text("Error in process <0.85.0> on node 'b@other' with exit value:\n{system_limit,[{erlang,open_port,[a],[]}]}"),
        text("{badrpc,{'EXIT',{system_limit,[{erlang,open_port,[{spawn,\"cat\"},[]],[]}]}}}"),
    ];
    for reason in reasons {
        for node in [healthy(), scene(&[PORTS_FULL, PORTS_WERE_FULL])] {
            let verdict = explain(&reason, Op::Undefined, &node);
            assert_eq!(
                (verdict.verdict, verdict.basis),
                (PortTable, ByElimination),
                "{reason:?}"
            );
            assert!(
                !verdict.message[..verdict.headline].contains("this node"),
                "{}",
                verdict.message
            );
            assert!(
                verdict.fix.iter().all(|fix| !fix.line.starts_with("+Q")),
                "{:?}",
                verdict.fix
            );
        }
    }
    let ours = text("Error in process <0.85.0> on node 'proxy@host' with exit value:\n{system_limit,[{erlang,open_port,[a],[]}]}");
    assert_eq!(
        says(&ours_text(&ours), &scene(&[PORTS_FULL])),
        (PortTable, Observed)
    );
}

fn ours_text(value: &Value) -> String {
    match value {
        Value::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

// os:cmd hides the cause of its badarg in the stacktrace.
#[test]
fn the_cause_in_a_stacktrace_is_the_cause() {
    let cause = Value::Map(vec![(
        atom("cause"),
        tuple([atom("open_port"), atom("eagain")]),
    )]);
    let location = list([tuple([atom("error_info"), cause])]);
    let call = tuple([atom("os"), atom("cmd"), list([text("x")]), location]);
    let reason = tuple([atom("badarg"), list([call, frame("erl_eval", "do_apply")])]);
    let verdict = explain(&reason, Op::Undefined, &healthy());
    assert_eq!(
        (verdict.verdict, verdict.basis, verdict.operation),
        (OtherLimit, ByElimination, Op::OsCmd)
    );
    let printed = text("{badarg,[{os,cmd,[\"x\"],[{error_info,#{cause => {open_port,eagain},module => kernel_erl}}]}]}");
    assert_eq!(
        explain(&printed, Op::Undefined, &healthy()).verdict,
        OtherLimit
    );
}

// With the probe on the kernel is asked, and what it says is the evidence.
#[test]
fn what_can_be_looked_at_is_looked_at() {
    const NO_LOCAL_PORT: Change = |s| s.probe.quotas.local_port = [Outcome::Refused(98); 2];
    const NO_PIDS: Change = |s| s.probe.quotas.pids = (Known::Is(100), Limit::Finite(100));
    const NO_WATCH: Change = |s| s.probe.quotas.inotify = [Outcome::Granted, Outcome::Refused(28)];
    const NO_INSTANCE: Change =
        |s| s.probe.quotas.inotify = [Outcome::Refused(24), Outcome::NotDone];
    let rows: &[(&str, Op, Change, Culprit, Basis)] = &[
        (
            "eaddrnotavail",
            Op::Connect,
            NO_LOCAL_PORT,
            OtherLimit,
            Probed,
        ),
        ("eaddrinuse", Op::UdpOpen, NO_LOCAL_PORT, OtherLimit, Probed),
        ("eagain", Op::OpenPort, NO_PIDS, OtherLimit, Observed),
        ("badarg", Op::OsCmd, NO_PIDS, OtherLimit, Observed),
        ("eagain", Op::Undefined, NO_PIDS, Undetermined, None),
        (
            "upper limit on inotify watches reached!",
            Op::Undefined,
            NO_WATCH,
            OtherLimit,
            Probed,
        ),
        (
            "inotify_init: too many open files",
            Op::Undefined,
            NO_INSTANCE,
            InotifyInstances,
            Probed,
        ),
    ];
    for (reason, operation, change, culprit, basis) in rows {
        let verdict = explain(&text(reason), *operation, &scene(&[*change]));
        assert_eq!(
            (verdict.verdict, verdict.basis),
            (*culprit, *basis),
            "{reason}: {}",
            verdict.message
        );
    }
    // The range is wide already: to widen it would help nobody.
    const WIDE: Change = |s| {
        s.probe.quotas.local_port = [Outcome::Refused(98); 2];
        s.probe.quotas.local_ports = Known::Is((1024, 65_535));
        s.probe.quotas.sockets = Known::Is(64_000);
    };
    let fixes = explain(&atom("eaddrnotavail"), Op::Connect, &scene(&[WIDE])).fix;
    assert!(
        fixes
            .iter()
            .all(|fix| !fix.line.contains("ip_local_port_range")),
        "{fixes:?}"
    );
}

// Beyond max_fds not every timeout is that of a deaf socket: those that listen are looked at.
#[test]
fn a_watched_listener_has_timeouts_of_everyday() {
    const WATCHED: Change = |s| {
        s.probe.quotas.beyond = [Known::Is(0), Known::Is(0)];
        s.probe.quotas.next = Known::Is(17);
    };
    const DEAF: Change = |s| {
        s.probe.quotas.beyond = [Known::Is(1), Known::Is(1)];
        s.probe.quotas.next = Known::Is(1100);
    };
    for (word, operation, watched) in [
        ("timeout", Op::Accept, NotALimit),
        ("eaddrinuse", Op::Listen, NotALimit),
        ("timeout", Op::Connect, Undetermined),
    ] {
        let verdict = explain(&atom(word), operation, &scene(&[RAISED, WATCHED]));
        assert_eq!(
            verdict.verdict, watched,
            "{word} {operation:?}: {}",
            verdict.message
        );
        let verdict = explain(&atom(word), operation, &scene(&[RAISED, DEAF]));
        assert_eq!(
            (verdict.verdict, verdict.basis),
            (MaxFds, Observed),
            "{word} {operation:?}"
        );
    }
}
