%% The command's view from outside: what it says of a node without headroom that is full and stopped must be true, since
%% nobody inside can be asked.
-module(headroom_inspect_tests).

-include_lib("eunit/include/eunit.hrl").

%% Exit status and what was printed.
run(Arguments) ->
    headroom_sh:run(lists:flatten(lists:join(" ", [headroom_command:shell() | Arguments]))).

pid(Child) -> integer_to_list(headroom_child:os_pid(Child)).

signal(Child, Signal) ->
    {0, _} = headroom_sh:run("kill -" ++ Signal ++ " " ++ pid(Child)),
    ok.

child(Options, Test) ->
    {timeout, 600, fun() -> headroom_child:with(maps:merge(#{nofile => 256, load => [?MODULE]}, Options), Test) end}.

%% The first value of a key in JSON, as text.
value(Key, Json) ->
    {match, [Value]} = re:run(Json, ["\"", Key, "\":(\"[^\"]*\"|[^,}\\]]*)"], [{capture, all_but_first, list}]),
    Value.

says(Text, Output) -> ?assertMatch({_, {_, _}}, {Output, binary:match(Output, Text)}).

%% The incident itself: at zero and frozen, the limit is named, and the counts of the tables are those that the VM had.
full_and_stopped_test_() ->
    child(#{app => stopped, args => ["+Q", "2048", "+P", "4096"]}, fun(Child) ->
        40 = headroom_child:call(Child, fun() -> hold_ports(40) end),
        0 = headroom_child:fill(Child, fds),
        {Ports, Processes} = headroom_child:call(Child, fun tables/0),
        ok = signal(Child, "STOP"),
        {0, Ps} = run(["ps"]),
        says(<<"CRITICAL">>, line_of(Child, Ps)),
        {2, Report} = run(["inspect", pid(Child)]),
        [says(Text, Report) || Text <- [<<"fds_exhausted">>, <<"All 256 descriptors are taken">>, <<"node_stopped">>]],
        {2, Json} = run(["inspect", "--json", pid(Child)]),
        ?assertEqual("256", value("max_fds", Json)),
        says(iolist_to_binary(io_lib:format("\"ports\":[~b,2048],\"processes\":[~b,4096]", [Ports, Processes])), Json),
        says(<<"\"emulator_flags\":[\"+Q 2048\",\"+P 4096\"]">>, Json),
        ok = signal(Child, "CONT")
    end).

line_of(Child, Ps) ->
    [Line] = [Line || Line <- binary:split(Ps, <<"\n">>, [global]),
                      re:run(Line, "^ *" ++ pid(Child) ++ " ") =/= nomatch],
    Line.

hold_ports(N) -> length([open_port({spawn_driver, "ram_file_drv"}, []) || _ <- lists:seq(1, N)]).

tables() -> {erlang:system_info(port_count), erlang:system_info(process_count)}.

%% The leak itself: the listener whose clients are gone must be the first line.
the_leaking_listener_is_named_test_() ->
    child(#{app => stopped}, fun(Child) ->
        {Port, Clients} = headroom_child:call(Child, fun leak/0),
        ok = signal(Child, "STOP"),
        {2, Report} = run(["inspect", pid(Child)]),
        says(iolist_to_binary(io_lib:format("tcp at 127.0.0.1:~b: ~b of ~b in CLOSE_WAIT", [Port, Clients, Clients + 1])), Report),
        ok = signal(Child, "CONT")
    end).

%% Forty clients that closed, and one that did not; the process of the rig keeps what it accepted.
leak() ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {active, false}]),
    {ok, Port} = inet:port(Listener),
    Pairs = [begin
                 {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, []),
                 {ok, Server} = gen_tcp:accept(Listener),
                 {Client, Server}
             end || _ <- lists:seq(1, 41)],
    [ok = gen_tcp:close(Client) || {Client, _} <- tl(Pairs)],
    put(leak, Pairs),
    {Port, 40}.

%% Three warnings about what no one outside can see would hide what is seen.
a_healthy_node_is_ok_test_() ->
    child(#{app => stopped}, fun(Child) ->
        {0, Report} = run(["inspect", pid(Child)]),
        says(<<"not seen from outside: ets_tables, atoms, sockets">>, Report),
        ?assertEqual(nomatch, binary:match(Report, <<"WARNING">>)),
        ?assertEqual(nomatch, re:run(Report, "^.{81}", [multiline]))
    end).

%% Another user is told how many are open and what the limits are, and what his rights are missing for.
without_rights_test_() ->
    child(#{app => stopped}, fun(Child) ->
        {0, Report} = as_nobody(["inspect", pid(Child)]),
        says(<<"fds ">>, Report),
        says(<<"not seen from outside: ports, processes, ets_tables, atoms, sockets">>, Report),
        ok = headroom_outside:set_soft(Child, 200),
        {3, Refused} = as_nobody(["release", "--pid", pid(Child)]),
        says(<<"the kernel does not let this user change its limits">>, Refused)
    end).

%% A user of the system with no rights over the node. The command may be in a folder that only its owner enters.
as_nobody(Arguments) ->
    Copy = headroom_scratch:path("command"),
    {ok, _} = file:copy(headroom_command:path(), Copy),
    ok = file:change_mode(Copy, 8#755),
    Words = ["setpriv --reuid 65534 --regid 65534 --clear-groups", Copy | Arguments],
    Result = headroom_sh:run(lists:flatten(lists:join(" ", Words))),
    ok = file:delete(Copy),
    Result.

%% The way in from outside: the reserve comes back, up to what the VM watches, and no further.
release_test_() ->
    child(#{}, fun(Child) ->
        {ok, #{fds := 16}} = headroom_child:call(Child, headroom, reserve, [16]),
        0 = headroom_child:fill(Child, fds),
        ok = signal(Child, "STOP"),
        {0, Released} = run(["release", "--pid", pid(Child)]),
        says(<<"gave back 16: the soft limit went from 240 to 256">>, Released),
        {1, Nothing} = run(["release", "--pid", pid(Child)]),
        says(<<"nothing to give back">>, Nothing),
        ok = headroom_outside:set_soft(Child, 300),
        {1, Above} = run(["release", "--pid", pid(Child)]),
        says(<<"above the 256 that the VM watches">>, Above),
        ok = signal(Child, "CONT"),
        ?assertMatch(#{fds := #{free := Free}} when Free >= 16, headroom_child:call(Child, headroom, snapshot, []))
    end).

%% What is no node, or not there, is said in a sentence, with the status of a command that could not tell.
what_is_no_node_test_() ->
    {timeout, 600, fun() ->
        {3, NoNode} = run(["inspect", "1"]),
        says(<<"process 1 is no BEAM node">>, NoNode),
        {3, NoName} = run(["inspect", "no_such_node@nowhere"]),
        says(<<"no node named no_such_node@nowhere">>, NoName),
        File = headroom_scratch:path("zombie"),
        %% Its parent lives until the look is over, and takes no notice of it.
        Parent = "sh -c 'sleep 0 & echo $! >" ++ File ++ "; exec sleep 600' >/dev/null & parent=$!; ",
        Ends = "until grep -q '^State:.Z' /proc/$(cat " ++ File ++ " 2>/dev/null)/status 2>/dev/null; do sleep 0.05; done; ",
        {3, Ended} = headroom_sh:run([Parent, Ends, headroom_command:shell(), " inspect $(cat ", File, "); said=$?; ",
                                      "kill -9 $parent; exit $said"]),
        ok = file:delete(File),
        says(<<"has ended: it is a zombie">>, Ended)
    end}.

%% Of a node that ends during the look the rest reads as nothing: that must not become a node with no descriptor open.
%% When in the look it ends, the machine decides: whenever it is, nothing but the truth is told.
ends_meanwhile_test_() ->
    [child(#{app => stopped}, fun(Child) ->
        Kill = ["(sleep ", Delay, "; kill -9 ", pid(Child), ") & "],
        {Status, Output} = headroom_sh:run([Kill, headroom_command:shell(), " inspect ", pid(Child)]),
        IsReport = re:run(Output, "^fds +[1-9]", [multiline, {capture, none}]) =:= match,
        ?assert(Status =:= 3 orelse IsReport, {Delay, Status, Output})
    end) || Delay <- ["0.01", "0.04", "0.1"]].

%% Two with one name: whoever acted on the first of them would act on the wrong one.
two_of_one_name_test_() ->
    Args = fun() -> ["-start_epmd", "false", "-erl_epmd_port", integer_to_list(headroom_scratch:port()), "-name", "twin@127.0.0.1"] end,
    child(#{app => stopped, args => Args()}, fun(First) ->
        headroom_child:with(#{app => stopped, args => Args()}, fun(Second) ->
            {3, Several} = run(["inspect", "twin"]),
            [says(list_to_binary(Text), Several) || Text <- ["several nodes are named twin", pid(First), pid(Second)]]
        end)
    end).

%% Where /proc is that of other processes, a number means two of them: nothing may be done to the wrong one.
numbers_of_others_test_() ->
    child(#{}, fun(Child) ->
        {ok, _} = headroom_child:call(Child, headroom, reserve, [16]),
        case headroom_sh:run("unshare --pid --fork true") of
            {0, _} ->
                Elsewhere = fun(Words) -> headroom_sh:run(["unshare --pid --fork ", headroom_command:shell(), " " | Words]) end,
                {0, Report} = Elsewhere(["inspect ", pid(Child)]),
                says(<<"seen by their links alone">>, Report),
                {3, Refused} = Elsewhere(["release --pid ", pid(Child)]),
                says(<<"another pid namespace">>, Refused),
                {3, NotSent} = Elsewhere(["wake ", pid(Child)]),
                says(<<"another pid namespace">>, NotSent);
            _ ->
                ok
        end
    end).
