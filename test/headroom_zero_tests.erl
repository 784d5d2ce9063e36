%% Nothing is left: every call answers, with true numbers, on its first use after the exhaustion.
-module(headroom_zero_tests).

-include_lib("eunit/include/eunit.hrl").

-define(DATA_USES, [gen_tcp, socket, file, port_program]).

%% The incident that headroom is for. An answer that opens, loads or spawns anything is none.
no_descriptors_test_() ->
    [in_child(Road ++ " " ++ integer_to_list(Limit), Options#{nofile => Limit}, fun(Child) ->
         no_descriptors(Child, Limit)
     end) || {Road, Options} <- headroom_roads:all(), Limit <- [64, 128, 256]].

no_descriptors(Child, Limit) ->
    0 = headroom_child:fill(Child, fds),
    Snapshot = all_answer(Child),
    ?assertMatch(#{used := Limit, limit := Limit, free := 0, percent := 100.0}, resource(fds, Snapshot)),
    ?assertMatch(#{level := critical, binding := fds, fds := #{open := Limit, free := 0, own := Own}} when Own > 3, Snapshot),
    ?assertEqual([critical], [Level || #{id := fds_exhausted, level := Level} <- maps:get(findings, Snapshot)]),
    [?assertEqual(#{free => 0, bound_by => fds}, headroom_child:call(Child, headroom, capacity, [Use]))
     || Use <- ?DATA_USES],
    ?assertMatch({critical, [#{id := fds_exhausted} | _]}, headroom_child:call(Child, headroom, health, [])),
    crashes_are_logged(Child).

%% Up to OTP 25 the default handler is taken away for good when an event cannot be formatted: a mute node.
crashes_are_logged(Child) ->
    [ok = headroom_child:call(Child, headroom_crashes, run, [Shape]) || {Shape, _} <- headroom_crashes:shapes()],
    ok = headroom_child:call(Child, logger_std_h, filesync, [default]),
    ?assertMatch({ok, #{formatter := {logger_formatter, _}}},
                 headroom_child:call(Child, logger, get_handler_config, [default])),
    Log = headroom_child:output(Child),
    [?assertMatch({Shape, {_, _}}, {Shape, binary:match(Log, list_to_binary(Text))})
     || {Shape, Text} <- headroom_crashes:shapes()],
    [?assertEqual({Bad, nomatch}, {Bad, binary:match(Log, Bad)})
     || Bad <- [<<"FORMATTER CRASHED">>, <<"removed_failing_handler">>, <<"removed_failing_filter">>]].

%% "Three are left" decides whether a remote shell can be opened; it must be three.
three_descriptors_test_() ->
    [in_child(Road, Options#{nofile => 128}, fun(Child) ->
         3 = headroom_child:fill(Child, {fds, 3}),
         Snapshot = all_answer(Child),
         ?assertMatch(#{used := 125, limit := 128, free := 3, percent := 97.6}, resource(fds, Snapshot)),
         ?assertMatch(#{level := critical, fds := #{open := 125, free := 3}}, Snapshot),
         ?assert(has_finding(fds_nearly_exhausted, critical, Snapshot)),
         ?assertMatch(#{gen_tcp := #{free := 3, bound_by := fds}, port_program := #{free := 0, bound_by := fds}},
                      maps:get(capacity, Snapshot)),
         %% The kernel agrees: three more, and not a fourth.
         ?assertEqual([ok, ok, ok, emfile],
                      headroom_child:call(Child, fun() -> [opened() || _ <- lists:seq(1, 4)] end))
     end) || {Road, Options} <- headroom_roads:all()].

opened() ->
    case prim_file:open("/dev/null", [read]) of
        {ok, File} -> put(File, open), ok;
        {error, Reason} -> Reason
    end.

%% A full port table closes each new connection; descriptors are plenty.
no_ports_test_() ->
    [in_child(Road, Options#{args => ["+Q", "1024"]}, fun(Child) ->
         0 = headroom_child:fill(Child, ports),
         Snapshot = all_answer(Child),
         ?assertMatch(#{used := 1024, limit := 1024, free := 0, percent := 100.0}, resource(ports, Snapshot)),
         ?assertMatch(#{level := critical, binding := ports, boot := #{port_limit_source := flag}}, Snapshot),
         ?assert(has_finding(ports_exhausted, critical, Snapshot)),
         #{gen_tcp := Tcp, port_program := Program, socket := #{free := Sockets}} = maps:get(capacity, Snapshot),
         ?assertEqual({#{free => 0, bound_by => ports}, #{free => 0, bound_by => ports}}, {Tcp, Program}),
         ?assert(Sockets > 0)
     end) || {Road, Options} <- headroom_roads:all()].

three_ports_test_() ->
    in_child("", #{args => ["+Q", "1024"]}, fun(Child) ->
        3 = headroom_child:fill(Child, {ports, 3}),
        Snapshot = all_answer(Child),
        ?assertMatch(#{used := 1021, free := 3, percent := 99.7}, resource(ports, Snapshot)),
        ?assertMatch(#{gen_tcp := #{free := 3, bound_by := ports}}, maps:get(capacity, Snapshot))
    end).

%% No process can be spawned; the ones that there are get their answers.
no_processes_test_() ->
    [in_child(Road, Options#{args => ["+P", "1024"]}, fun(Child) ->
         0 = headroom_child:fill(Child, processes),
         Snapshot = all_answer(Child),
         ?assertMatch(#{used := 1024, limit := 1024, free := 0, percent := 100.0}, resource(processes, Snapshot)),
         ?assertMatch(#{level := critical, binding := processes}, Snapshot),
         ?assert(has_finding(processes_exhausted, critical, Snapshot))
     end) || {Road, Options} <- headroom_roads:all()].

%% All at once, as in a node that leaks connections with a process for each.
nothing_left_test_() ->
    [in_child(Road, Options#{nofile => 64, args => ["+Q", "1024", "+P", "1024"]}, fun(Child) ->
         [0 = headroom_child:fill(Child, Kind) || Kind <- [fds, ports, processes]],
         Snapshot = all_answer(Child),
         Exhausted = [Id || #{id := Id, level := critical} <- maps:get(findings, Snapshot)],
         ?assertEqual([fds_exhausted, ports_exhausted, processes_exhausted], Exhausted)
     end) || {Road, Options} <- headroom_roads:all()].

%% OTP refuses no table: an alarm here would be false.
ets_tables_test_() ->
    [in_child(Road, Options, fun(Child) ->
         0 = headroom_child:fill(Child, {ets_tables, 9000}),
         Snapshot = all_answer(Child),
         ?assertMatch(#{used := 9000, limit := 8192, enforced := false, percent := 109.8},
                      resource(ets_tables, Snapshot)),
         ?assertMatch(#{level := ok}, Snapshot),
         ?assert(has_finding(ets_tables_above_advised, notice, Snapshot)),
         ?assertEqual(ok, headroom_child:call(Child, headroom, health, []))
     end) || {Road, Options} <- headroom_roads:all()].

%% A file system that hangs blocks these threads. Printing to the node's own `user' needs one of them since OTP 26.
no_dirty_io_threads_test_() ->
    [in_child(Road, Options, fun(Child) ->
         0 = headroom_child:fill(Child, dirty_io),
         Answers = headroom_child:call(Child, headroom_public, call_all, [[data]]),
         ?assertEqual([], headroom_public:failures(Answers)),
         {ok, Printed} = headroom_child:capture(Child, unicode, fun() -> headroom:report() end),
         ?assertMatch({_, _}, binary:match(Printed, <<"kernel_files">>)),
         ok = headroom_child:undo(Child, dirty_io)
     end) || {Road, Options} <- headroom_roads:all()].

%% Each public call answers and prints, to a device and to the node's own output. Gives the snapshot.
all_answer(Child) ->
    Answers = headroom_child:call(Child, headroom_public, call_all, [[data, prints]]),
    ?assertEqual([], headroom_public:failures(Answers)),
    {Printing, Printed} = headroom_child:capture(Child, unicode, fun() -> headroom_public:call_all([prints]) end),
    ?assertEqual([], headroom_public:failures(Printing)),
    ?assertMatch({_, _}, binary:match(Printed, <<"kernel_files">>)),
    ?assertMatch({_, _}, binary:match(headroom_child:output(Child), <<"kernel_files">>)),
    [Snapshot] = [Snapshot || {{snapshot, [], _}, {ok, Snapshot}} <- Answers],
    Snapshot.

resource(Name, #{resources := Resources}) ->
    [Resource] = [Resource || #{name := Found} = Resource <- Resources, Found =:= Name],
    Resource.

has_finding(Id, Level, #{findings := Findings}) ->
    lists:any(fun(Finding) -> maps:with([id, level], Finding) =:= #{id => Id, level => Level} end, Findings).

in_child(Title, Options, Test) ->
    Loaded = [?MODULE, headroom_public | headroom_crashes:needed()],
    Env = maps:get(env, Options, []),
    {Title, {timeout, 600, fun() ->
        headroom_child:with(Options#{load => Loaded}, fun(Child) ->
            Forced = headroom_child:call(Child, headroom_nif, open_count, []) =:= scan_needed,
            %% Also where the run is forced, or the kernel does not count.
            ?assertEqual(Env =/= [] orelse headroom_nif:open_count() =:= scan_needed, Forced),
            Test(Child),
            Changes = headroom_child:call(Child, headroom_public, call_all, [[changes]]),
            ?assertEqual([], headroom_public:failures(Changes))
        end)
    end}}.
