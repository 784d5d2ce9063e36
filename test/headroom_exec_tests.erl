%% `headroom exec' with a real emulator: the limits that it promises are those that the VM has.
-module(headroom_exec_tests).

-include_lib("eunit/include/eunit.hrl").

%% The container default of today: a soft limit of 1024 below a much higher hard limit.
exec(Arguments, Options, Test) ->
    {timeout, 600, fun() ->
        Prefix = [headroom_command:path(), "exec" | Arguments] ++ ["--"],
        headroom_child:with(Options#{nofile => 1024, prefix => Prefix, load => [?MODULE]}, Test)
    end}.

nofile(Child) -> maps:get(nofile, headroom_child:call(Child, headroom, snapshot, [])).
beam(Child) -> maps:get(beam, headroom_child:call(Child, headroom, snapshot, [])).

%% If this failed, a node in a container would stay at 1024 with the answer installed.
the_vm_watches_what_was_raised_test_() ->
    exec([], #{}, fun(Child) ->
        #{soft := Soft, hard := Hard, nr_open := NrOpen, max_fds := MaxFds} = nofile(Child),
        ?assertEqual(lists:min([Hard, NrOpen, 1048576]), MaxFds),
        ?assertEqual({true, MaxFds}, {MaxFds > 1024, Soft}),
        #{ports := {_, PortLimit}} = beam(Child),
        ?assertEqual(power_of_two(max(65536, MaxFds)), PortLimit),
        ?assertEqual(if MaxFds > 65536 -> nofile; true -> default end, source(Child)),
        %% The point of it: a socket above 1024 is heard.
        100 = headroom_child:fill(Child, {fds, 100}),
        ?assertEqual({ok, <<"heard">>}, headroom_child:call(Child, fun above_1024/0)),
        %% Programs that the VM starts have it, too; one that was raised later would not reach them.
        ok = headroom_child:undo(Child, fds),
        ?assertEqual(integer_to_list(MaxFds) ++ "\n", headroom_child:call(Child, os, cmd, ["ulimit -Sn"]))
    end).

power_of_two(N) -> power_of_two(N, 1).
power_of_two(N, Power) when Power >= N -> Power;
power_of_two(N, Power) -> power_of_two(N, Power * 2).

source(Child) ->
    #{boot := #{port_limit_source := Source}} = headroom_child:call(Child, headroom, snapshot, []),
    Source.

above_1024() ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, binary, {active, false}]),
    {ok, Port} = inet:port(Listener),
    {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary], 60000),
    {ok, Server} = gen_tcp:accept(Listener, 60000),
    [true = Fd > 1024 || Socket <- [Client, Server], {ok, Fd} <- [inet:getfd(Socket)]],
    ok = gen_tcp:send(Server, "heard"),
    receive {tcp, Client, Data} -> {ok, Data} after 60000 -> deaf end.

%% A number that was asked for must be the one that is had: no more, and for the port table too.
what_was_asked_for_test_() ->
    exec(["--quiet", "--strict", "--nofile", "3000", "--ports", "4096"], #{}, fun(Child) ->
        ?assertMatch(#{soft := 3000, max_fds := 3000}, nofile(Child)),
        ?assertMatch(#{ports := {_, 4096}}, beam(Child)),
        ?assertEqual(env, source(Child)),
        ?assertEqual(nomatch, binary:match(headroom_child:output(Child), <<"headroom:">>))
    end).

%% The line goes where the program's own errors go, and the process is the one that was started.
in_place_test_() ->
    exec([], #{}, fun(Child) ->
        ?assertMatch({_, _}, binary:match(headroom_child:output(Child), <<"headroom: nofile 1024 -> ">>)),
        OsPid = headroom_child:call(Child, os, getpid, []),
        ?assertEqual(integer_to_list(headroom_child:os_pid(Child)), OsPid)
    end).
