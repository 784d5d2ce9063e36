%% Each hazard happens for real in a node of its own, under real limits: `hazards/0' had named it before, and after
%% `harden/0' it no longer happens where harden says so. A hazard that OTP stops having fails its test, and so does one
%% that is named too late.
-module(headroom_hazards_proof_tests).

-include_lib("eunit/include/eunit.hrl").

%% Reductions of net_kernel in a second. At rest it makes a few hundred, spinning some millions; so many in all it would need
%% minutes for at rest.
-define(AT_REST, 20000).
-define(SPINNING, 2000000).

proofs_test_() ->
    [{timeout, 600, {Title, Proof}} || {Title, Proof} <- proofs()].

proofs() ->
    [headroom_machine:needs(localhost, {"resolver, no descriptors", fun() -> resolver({fds, 4}, "emfile") end}),
     headroom_machine:needs(localhost, {"resolver, no port", fun() -> resolver(ports, "system_limit") end}),
     headroom_machine:needs(localhost, {"resolver, no OS process", fun without_os_process/0}),
     headroom_machine:needs(localhost, {"resolver, at start", fun resolver_at_start/0}),
     {"resolver, too late", fun too_late/0},
     {"resolver, killed", fun killed_helper/0},
     {"log events", fun log_events/0},
     {"code loading", fun code_loading/0},
     {"file server", fun file_server/0},
     {"distribution", fun distribution/0},
     {"soft above max_fds", fun soft_above_max_fds/0},
     {"Mnesia", fun mnesia_log/0}].

%%% The resolver: the first lookup halts the node (from OTP 25 on)

resolver(Exhausted, Reason) ->
    Options = #{nofile => 128, args => ["+Q", "1024"], load => [?MODULE]},
    headroom_child:with(Options, fun(Child) ->
        ?assertMatch(#{level := notice, evidence := #{harden := true}}, hazard(Child, resolver_not_started)),
        _ = headroom_child:fill(Child, Exhausted),
        ?assertMatch(#{level := warning, evidence := #{harden := false}}, hazard(Child, resolver_not_started)),
        {Status, Output} = ends(Child, fun look_up/0),
        ?assertEqual(1, Status),
        ?assert(has(Output, "inet_gethost : " ++ Reason))
    end),
    headroom_child:with(Options, fun(Child) ->
        {Fds, Ports} = headroom_child:call(Child, fun taken/0),
        ?assertMatch(#{done := true}, hardened(Child, resolver_not_started)),
        ?assertEqual({Fds + 2, Ports + 1}, headroom_child:call(Child, fun taken/0)),
        ?assertEqual(none, hazard(Child, resolver_not_started)),
        0 = headroom_child:fill(Child, case Exhausted of ports -> ports; _ -> fds end),
        ?assertMatch({ok, _}, headroom_child:call(Child, fun look_up/0))
    end).

%% A container whose pids are used up: no table of the node is full, and the first name ends it all the same. The line that it
%% leaves behind is understood.
without_os_process() ->
    case headroom_user:unprivileged() of
        skipped ->
            ok;
        Options ->
            headroom_child:with(Options#{load => [?MODULE]}, fun(Child) ->
                ?assertMatch(#{level := notice}, hazard(Child, resolver_not_started)),
                ok = headroom_user:no_os_process(Child),
                {Status, Output} = ends(Child, fun look_up/0),
                ?assertEqual(1, Status),
                ?assert(has(Output, "inet_gethost : eagain")),
                ?assertMatch(#{verdict := other_limit, operation := open_port}, headroom:diagnose(Output))
            end),
            headroom_child:with(Options#{load => [?MODULE]}, fun(Child) ->
                ?assertMatch(#{done := true}, hardened(Child, resolver_not_started)),
                ok = headroom_user:no_os_process(Child),
                ?assertMatch({ok, _}, headroom_child:call(Child, fun look_up/0))
            end)
    end.

look_up() -> inet:gethostbyname("localhost").

taken() ->
    #{fds := #{open := Fds}, beam := #{ports := {Ports, _}}} = headroom:snapshot(),
    {Fds, Ports}.

resolver_at_start() ->
    Options = #{nofile => 128, args => ["-headroom", "harden", "true"], load => [?MODULE]},
    headroom_child:with(Options, fun(Child) ->
        ?assertEqual(none, hazard(Child, resolver_not_started)),
        0 = headroom_child:fill(Child, fds),
        ?assertMatch({ok, _}, headroom_child:call(Child, fun look_up/0)),
        ?assert(logged(Child, "headroom hardened the node: resolver_not_started"))
    end).

%% Hardening at zero must not do what it protects from.
too_late() ->
    headroom_child:with(#{nofile => 128, load => [?MODULE]}, fun(Child) ->
        4 = headroom_child:fill(Child, {fds, 4}),
        ?assertMatch(#{done := false, note := <<"Not started: ", _/binary>>}, hardened(Child, resolver_not_started)),
        ?assertMatch([_ | _], headroom_child:call(Child, headroom, hazards, [])),
        _ = headroom_child:undo(Child, fds),
        ?assertMatch(#{done := true}, hardened(Child, resolver_not_started))
    end).

%% What harden does not promise, and its note says so: a helper that is killed is started again, or the node halts.
killed_helper() ->
    headroom_child:with(#{nofile => 128, load => [?MODULE]}, fun(Child) ->
        #{done := true, note := Note} = hardened(Child, resolver_not_started),
        ?assert(has(Note, "If it is killed")),
        [] = os:cmd("kill -9 " ++ integer_to_list(headroom_child:call(Child, fun helper/0))),
        ?assert(headroom_child:call(Child, fun() -> helper_is_back(1000) end)),
        Helper = headroom_child:call(Child, fun helper/0),
        0 = headroom_child:fill(Child, fds),
        [] = os:cmd("kill -9 " ++ integer_to_list(Helper)),
        {1, Output} = ends(Child, fun() -> receive after 100000 -> ok end end),
        ?assert(has(Output, "inet_gethost : emfile"))
    end).

helper() ->
    {links, Links} = process_info(whereis(inet_gethost_native), links),
    [Port] = [Link || Link <- Links, is_port(Link)],
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    OsPid.

%% The lookup waits for the new one.
helper_is_back(Tries) ->
    case look_up() of
        {ok, _} -> true;
        _ when Tries > 0 -> receive after 50 -> helper_is_back(Tries - 1) end;
        _ -> false
    end.

%%% Log events whose formatters are not loaded: up to OTP 25 the handler is gone, later the text is

log_events() ->
    %% Not started: its start loads them.
    Options = #{nofile => 128, app => stopped, load => [?MODULE]},
    headroom_child:with(Options, fun(Child) ->
        #{level := notice, message := Message, evidence := #{harden := true}} = hazard(Child, formatters_not_loaded),
        _ = headroom_child:fill(Child, fds),
        ok = headroom_child:call(Child, fun() -> log("while full") end),
        case release() of
            Release when Release =< 25 ->
                ?assert(has(Message, "removes the default handler")),
                ?assert(logged(Child, "{removed_failing_handler,default}")),
                ok = headroom_child:undo(Child, fds),
                ok = headroom_child:call(Child, fun() -> log("after recovery") end),
                ?assertEqual([], headroom_child:call(Child, logger, get_handler_ids, [])),
                ?assertNot(has(headroom_child:output(Child), "after recovery")),
                %% What docs/hazards.md offers to those who come too late.
                ok = headroom_child:call(Child, logger, add_handlers, [kernel]),
                ok = headroom_child:call(Child, fun() -> log("heard again") end),
                ?assert(logged(Child, "heard again"));
            _ ->
                ?assert(has(Message, "FORMATTER CRASHED")),
                ?assert(logged(Child, "FORMATTER CRASHED")),
                ?assertNot(has(headroom_child:output(Child), "while full"))
        end
    end),
    headroom_child:with(Options, fun(Child) ->
        ?assertMatch(#{done := true}, hardened(Child, formatters_not_loaded)),
        ?assertEqual(none, hazard(Child, formatters_not_loaded)),
        0 = headroom_child:fill(Child, fds),
        ok = headroom_child:call(Child, fun() -> log("while full") end),
        ?assert(logged(Child, "while full")),
        ?assertEqual([default], headroom_child:call(Child, logger, get_handler_ids, [])),
        ?assertNot(has(headroom_child:output(Child), "CRASHED"))
    end).

log(Text) -> logger:error("~ts ~p", [Text, {term, [1.5]}]).

%%% Code that is loaded at its first call

code_loading() ->
    headroom_child:with(#{nofile => 128, load => [?MODULE]}, fun(Child) ->
        #{level := notice, evidence := Evidence, fix := [Fix | _]} = hazard(Child, interactive_code_loading),
        ?assertMatch(#{unloaded_modules := Modules, harden := false} when Modules > 0, Evidence),
        ?assertMatch(#{done := false}, hardened(Child, interactive_code_loading)),
        0 = headroom_child:fill(Child, fds),
        ?assertError(undef, headroom_child:call(Child, fun() -> base64:encode(<<"abc">>) end)),
        ok = headroom_child:undo(Child, fds),
        ok = headroom_child:call(Child, fun() -> paste(Fix) end),
        ?assertEqual(none, hazard(Child, interactive_code_loading)),
        0 = headroom_child:fill(Child, fds),
        ?assertEqual(<<"YWJj">>, headroom_child:call(Child, fun() -> base64:encode(<<"abc">>) end))
    end),
    %% Nothing is loaded later, so nothing can fail to: the tests' own modules neither.
    Embedded = ["-mode", "embedded", "-eval", "{module, _} = code:load_file(headroom_child)."],
    headroom_child:with(#{args => Embedded, app => stopped}, fun(Child) ->
        ok = headroom_child:call(Child, application, load, [headroom]),
        {ok, Modules} = headroom_child:call(Child, application, get_key, [headroom, modules]),
        [{module, _} = headroom_child:call(Child, code, load_file, [Module]) || Module <- Modules],
        ?assertEqual(none, hazard(Child, interactive_code_loading)),
        ?assertEqual(none, hazard(Child, formatters_not_loaded))
    end).

paste(Line) ->
    {ok, Tokens, _} = erl_scan:string(binary_to_list(Line)),
    {ok, Exprs} = erl_parse:parse_exprs(Tokens),
    {value, _, _} = erl_eval:exprs(Exprs, []),
    ok.

%%% A file that is opened by file_server_2 when the process table is full: the node goes down

file_server() ->
    headroom_child:with(#{args => ["+P", "1024"], load => [?MODULE]}, fun(Child) ->
        ?assertMatch(#{level := notice, evidence := #{harden := false}}, hazard(Child, file_server_needs_process)),
        ?assertMatch(#{done := false}, hardened(Child, file_server_needs_process)),
        0 = headroom_child:fill(Child, processes),
        ?assertMatch(#{level := warning, resource := processes}, hazard(Child, file_server_needs_process)),
        ?assertMatch({ok, _}, headroom_child:call(Child, file, open, ["/dev/null", [raw, read]])),
        {Status, Output} = ends(Child, fun open_by_server/0),
        ?assertNotEqual(0, Status),
        ?assert(has(Output, "application_terminated,kernel,shutdown") orelse has(Output, "{kernel,shutdown"))
    end).

%% The caller hears of the server's end first.
open_by_server() ->
    try file:open("/dev/null", [read]) of
        Opened -> {opened, Opened}
    catch
        exit:_ -> receive after 100000 -> still_alive end
    end.

%%% One connection that waits for the distribution while no descriptor is free: a core is burnt

distribution() ->
    Port = headroom_scratch:port(),
    Options = #{nofile => 128, load => [?MODULE],
                args => ["-name", "hazards" ++ integer_to_list(Port) ++ "@127.0.0.1", "-setcookie", "hazards",
                         "-start_epmd", "false", "-erl_epmd_port", integer_to_list(Port),
                         "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "+S", "2:2"]},
    headroom_child:with(Options, fun(Child) ->
        ?assertMatch(#{level := notice, evidence := #{harden := false, listeners := 1}},
                     hazard(Child, dist_listener_spins)),
        ?assertMatch(#{done := false}, hardened(Child, dist_listener_spins)),
        0 = headroom_child:fill(Child, fds),
        AtRest = reductions(Child),
        ?assert(AtRest < ?AT_REST),
        {ok, Waiting} = gen_tcp:connect({127, 0, 0, 1}, Port, []),
        ?assertMatch(#{level := warning}, hazard(Child, dist_listener_spins)),
        ?assert(spins(Child, ?SPINNING, 60)),
        ok = headroom_child:undo(Child, fds),
        ok = gen_tcp:close(Waiting),
        ?assert(settles(Child, 60))
    end),
    headroom_child:with(#{}, fun(Child) -> ?assertEqual(none, hazard(Child, dist_listener_spins)) end).

%% What net_kernel does in a second.
reductions(Child) ->
    headroom_child:call(Child, fun() ->
        NetKernel = whereis(net_kernel),
        {reductions, Before} = process_info(NetKernel, reductions),
        receive after 1000 -> ok end,
        {reductions, After} = process_info(NetKernel, reductions),
        After - Before
    end).

%% Not within one second: a machine that has little time for the node has little for this, too.
spins(_, Left, _) when Left =< 0 -> true;
spins(_, _, 0) -> false;
spins(Child, Left, Tries) -> spins(Child, Left - reductions(Child), Tries - 1).

settles(_, 0) -> false;
settles(Child, Tries) -> reductions(Child) < ?AT_REST orelse settles(Child, Tries - 1).

%%% A limit that somebody raised after boot: sockets above are deaf

soft_above_max_fds() ->
    headroom_child:with(#{nofile => {128, 1024}, load => [?MODULE]}, fun(Child) ->
        ?assertEqual(none, hazard(Child, soft_above_max_fds)),
        ok = headroom_outside:set_soft(Child, 1024),
        ?assertMatch(#{level := warning, evidence := #{harden := false}}, hazard(Child, soft_above_max_fds)),
        ?assertMatch(#{done := false}, hardened(Child, soft_above_max_fds)),
        800 = headroom_child:fill(Child, {fds, 800}),
        {ok, Port} = headroom_child:call(Child, fun listen/0),
        {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, []),
        %% The connection is there, the listener never hears of it.
        ?assertEqual({error, timeout}, headroom_child:call(Child, fun accept/0)),
        ok = gen_tcp:close(Client)
    end).

listen() ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    put(listener, Listener),
    {Pid, _} = Acceptor = spawn_monitor(fun() -> exit(gen_tcp:accept(Listener, 2000)) end),
    put(acceptor, Acceptor),
    %% One that is there before somebody waits for it is seen at once.
    ok = await_waiting(Pid),
    inet:port(Listener).

await_waiting(Pid) ->
    case process_info(Pid, status) of
        {status, waiting} -> ok;
        _ -> receive after 10 -> await_waiting(Pid) end
    end.

accept() ->
    {Pid, Ref} = get(acceptor),
    receive {'DOWN', Ref, process, Pid, Outcome} -> Outcome end.

%%% Mnesia that starts while the kernel has no file left: its log is deleted

mnesia_log() ->
    case {code:lib_dir(mnesia), headroom_cc:compile("headroom_shim.c", ["-shared", "-fPIC", "-ldl"])} of
        {{error, bad_name}, _} -> skip("no mnesia");
        {_, {skipped, Why}} -> skip(Why);
        {_, {ok, Library}} -> mnesia_log(Library)
    end.

skip(Why) -> io:format(user, "~n~s: ~s, Mnesia's log was not put to the test~n", [?MODULE, Why]).

mnesia_log(Library) ->
    Directory = headroom_scratch:path("mnesia"),
    Copy = Directory ++ "-copy",
    Options = fun(Dir) ->
        Quoted = "\"" ++ Dir ++ "\"",
        #{load => [?MODULE], args => ["-mnesia", "dir", Quoted, "core_dir", Quoted]}
    end,
    Without = (Options(Directory))#{env => [{"LD_PRELOAD", Library}, {"HEADROOM_SHIM_NAME", "LATEST.LOG"}]},
    try
        %% Killed with 50 records in the log.
        headroom_child:with(Options(Directory), fun(Child) ->
            ok = headroom_child:call(Child, fun write_records/0),
            ?assertMatch(#{evidence := #{mnesia := on_disc}}, hazard(Child, mnesia_log_deleted_at_enfile))
        end),
        ?assert(filelib:is_file(filename:join(Directory, "LATEST.LOG"))),
        %% Without the error they are there: killing alone loses nothing.
        [] = os:cmd("cp -R " ++ Directory ++ " " ++ Copy),
        headroom_child:with(Options(Copy), fun(Child) ->
            ?assertEqual(50, headroom_child:call(Child, fun records/0))
        end),
        headroom_child:with(Without, fun(Child) ->
            ok = headroom_child:call(Child, application, load, [mnesia]),
            #{level := notice, evidence := Evidence} = hazard(Child, mnesia_log_deleted_at_enfile),
            ?assertEqual(#{mnesia => stopped, directory => list_to_binary(Directory), harden => false},
                         maps:without([free_kernel_files], Evidence)),
            ?assertMatch(#{done := false}, hardened(Child, mnesia_log_deleted_at_enfile)),
            _ = headroom_child:call(Child, fun() -> try mnesia:start() catch _:_ -> failed end end),
            ?assert(logged(Child, "Corrupt logfile deleted"))
        end),
        %% A healthy start finds nothing of them.
        headroom_child:with(Options(Directory), fun(Child) ->
            ?assertEqual(0, headroom_child:call(Child, fun records/0))
        end)
    after
        [file:del_dir_r(Dir) || Dir <- [Directory, Copy]],
        file:delete(Library)
    end.

write_records() ->
    ok = mnesia:create_schema([node()]),
    ok = mnesia:start(),
    {atomic, ok} = mnesia:create_table(record, [{disc_copies, [node()]}]),
    [ok = mnesia:sync_dirty(fun() -> mnesia:write({record, N, N}) end) || N <- lists:seq(1, 50)],
    ok = mnesia:sync_log().

records() ->
    ok = mnesia:start(),
    ok = mnesia:wait_for_tables([record], 100000),
    mnesia:table_info(record, size).

%%% What all of them use

hazard(Child, Id) ->
    case [Hazard || #{id := Found} = Hazard <- headroom_child:call(Child, headroom, hazards, []), Found =:= Id] of
        [Hazard] -> Hazard;
        [] -> none
    end.

hardened(Child, Id) ->
    {ok, Outcome} = headroom_child:call(Child, headroom, harden, []),
    [Hardened] = [One || #{hazard := Found} = One <- Outcome, Found =:= Id],
    Hardened.

%% Runs what ends the node: its exit status and what it wrote.
ends(Child, Fun) ->
    try headroom_child:call(Child, Fun) of
        Result -> error({still_alive, Result})
    catch
        error:{child_ended, {exit_status, Status, Output}} -> {Status, Output}
    end.

release() -> list_to_integer(erlang:system_info(otp_release)).

has(Text, Part) -> string:find(Text, Part) =/= nomatch.

%% The handler writes in its own time.
logged(Child, Text) -> logged(Child, Text, 1000).

logged(_, _, 0) -> false;
logged(Child, Text, Tries) ->
    has(headroom_child:output(Child), Text) orelse begin timer:sleep(50), logged(Child, Text, Tries - 1) end.
