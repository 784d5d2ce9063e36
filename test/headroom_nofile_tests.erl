%% The soft limit, raised and clamped in nodes with real limits.
-module(headroom_nofile_tests).

-include_lib("eunit/include/eunit.hrl").

child(Options, Test) when is_map(Options) ->
    {timeout, 600, fun() -> headroom_child:with(Options#{load => [?MODULE]}, Test) end};
child(Nofile, Test) ->
    child(#{nofile => Nofile}, Test).

call(Child, Function, Args) -> headroom_child:call(Child, headroom, Function, Args).

nofile(Child) -> maps:get(nofile, call(Child, snapshot, [])).

%% If a descriptor between the lowered limit and `max_fds' were deaf, the one raise that is promised to be safe would lose
%% connections.
sockets_above_the_lowered_limit_carry_data_test_() ->
    child({1024, 1024}, fun(Child) ->
        ok = headroom_outside:set_soft(Child, 200),
        ?assertEqual({ok, #{before => 200, now => 1024, max_fds => 1024, gives => sockets, children => boot_limit}},
                     call(Child, raise_nofile, [max])),
        %% The lowest numbers are taken, so each socket gets one above 200.
        40 = headroom_child:fill(Child, {fds, 40}),
        [?assertEqual({ok, <<"there">>, <<"back">>}, headroom_child:call(Child, fun() -> both_ways(Backend) end))
         || Backend <- [inet, socket]],
        %% In steps, and down is no direction: what is in force stays.
        ok = headroom_outside:set_soft(Child, 200),
        ?assertMatch({ok, #{before := 200, now := 300}}, call(Child, raise_nofile, [300])),
        ?assertMatch({ok, #{before := 300, now := 300, gives := nothing}}, call(Child, raise_nofile, [250])),
        ?assertMatch({ok, #{before := 300, now := 1024}}, call(Child, raise_nofile, [1024])),
        %% The hard limit is no higher, so a restart under the same limits gives no more either.
        ?assertMatch({ok, #{now := 1024, gives := nothing}}, call(Child, raise_nofile, [max]))
    end).

both_ways(Backend) ->
    {ok, Listener} = gen_tcp:listen(0, [{inet_backend, Backend}, {ip, {127, 0, 0, 1}}, binary, {active, false}]),
    {ok, Port} = inet:port(Listener),
    Options = [{inet_backend, Backend}, binary, {active, false}],
    {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, Options, 60000),
    {ok, Server} = gen_tcp:accept(Listener, 60000),
    true = lists:min([fd(Socket) || Socket <- [Listener, Client, Server]]) > 200,
    %% The reader waits before there is something to read: it is the event that is tested.
    There = waiting(Server),
    ok = gen_tcp:send(Client, "there"),
    Heard = result(There),
    Back = waiting(Client),
    ok = gen_tcp:send(Server, "back"),
    Answer = result(Back),
    [ok = gen_tcp:close(Socket) || Socket <- [Client, Server, Listener]],
    {ok, Heard, Answer}.

fd({'$inet', _, {_, Socket}}) -> element(2, socket:getopt(Socket, otp, fd));
fd(Socket) -> element(2, inet:getfd(Socket)).

waiting(Socket) ->
    Self = self(),
    Pid = spawn(fun() -> Self ! {self(), gen_tcp:recv(Socket, 0, 60000)} end),
    receive after 50 -> Pid end.

result(Pid) ->
    receive {Pid, {ok, Data}} -> Data end.

%% A raise past what the VM watches gives sockets that hang and leak for good. Nothing may be set then, and the answer has
%% the lines that would work.
refusals_change_nothing_test_() ->
    child({256, 1024}, fun(Child) ->
        #{nr_open := NrOpen} = Before = nofile(Child),
        ?assertEqual({error, {above_nr_open, NrOpen}}, call(Child, raise_nofile, [NrOpen + 1])),
        ?assertEqual({error, {above_nr_open, NrOpen}}, call(Child, raise_nofile, [1 bsl 100])),
        ?assertEqual({error, {above_hard, 1024}}, call(Child, raise_nofile, [1025])),
        {error, {restart_required, Restart}} = call(Child, raise_nofile, [257]),
        ?assertMatch(#{wanted := 257, max_fds := 256, hard := 1024, fix := [_ | _]}, Restart),
        ?assert(lists:any(fun(Line) -> binary:match(Line, <<"257">>) =/= nomatch end, maps:get(fix, Restart))),
        ?assertMatch({error, {restart_required, #{wanted := max, fix := [_ | _]}}}, call(Child, raise_nofile, [max])),
        ?assertEqual(Before#{file_nr := 0}, (nofile(Child))#{file_nr := 0}),
        [?assertError(badarg, call(Child, raise_nofile, [Bad])) || Bad <- [-1, 1.0, "256", min, undefined]]
    end).

%% An operator who raised the limit from outside must be told before sockets go deaf, and get a way back that keeps the
%% node running.
raised_from_outside_test_() ->
    [{Road, raised_from_outside(Options#{nofile => {256, 4096}})} || {Road, Options} <- headroom_roads:all()].

raised_from_outside(Options) ->
    child(Options, fun(Child) ->
        ok = headroom_outside:set_soft(Child, 1024),
        {warning, [#{id := soft_above_max_fds}]} = call(Child, health, []),
        724 = headroom_child:fill(Child, {fds, 724}),
        {critical, Findings} = call(Child, health, []),
        [Fix] = [Lines || #{id := soft_above_max_fds, level := critical, fix := Lines} <- Findings],
        ?assertEqual(<<"headroom:clamp_nofile().">>, hd(Fix)),
        %% Up is no way out of it.
        {error, {restart_required, #{fix := [First | _]}}} = call(Child, raise_nofile, [max]),
        ?assertEqual(<<"headroom:clamp_nofile().">>, First),
        ?assertEqual({ok, #{before => 1024, now => 256, max_fds => 256}}, call(Child, clamp_nofile, [])),
        ?assertEqual({ok, #{before => 256, now => 256, max_fds => 256}}, call(Child, clamp_nofile, [])),
        {critical, After} = call(Child, health, []),
        ?assertEqual([], [F || #{id := soft_above_max_fds} = F <- After]),
        ?assertEqual({error, emfile}, headroom_child:call(Child, prim_file, open, ["/dev/null", [read]])),
        ok = headroom_child:undo(Child, fds),
        %% Where descriptors are counted one by one, health uses a count for a second.
        _ = call(Child, snapshot, []),
        ?assertEqual(ok, call(Child, health, []))
    end).

%% What is promised to be harmless must be: a lowered limit closes nothing, and programs that the node starts have the limit
%% of its start, since a helper process hands it on that no change here reaches.
lowered_below_what_is_open_test_() ->
    child({1024, 1024}, fun(Child) ->
        ?assertEqual("1024\n", headroom_child:call(Child, os, cmd, ["ulimit -Sn"])),
        700 = headroom_child:fill(Child, {fds, 700}),
        Pair = headroom_child:call(Child, fun open_pair/0),
        ok = headroom_outside:set_soft(Child, 100),
        ?assertEqual({error, emfile}, headroom_child:call(Child, prim_file, open, ["/dev/null", [read]])),
        ?assertEqual(<<"still">>, headroom_child:call(Child, fun() -> send_over(Pair, "still") end)),
        {ok, #{now := 1024}} = call(Child, raise_nofile, [max]),
        ok = headroom_child:undo(Child, fds),
        ok = headroom_outside:set_soft(Child, 500),
        ?assertEqual("1024\n", headroom_child:call(Child, os, cmd, ["ulimit -Sn"])),
        ?assertMatch({ok, #{children := boot_limit}}, call(Child, raise_nofile, [max])),
        ?assertEqual("1024\n", headroom_child:call(Child, os, cmd, ["ulimit -Sn"]))
    end).

open_pair() ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, binary, {active, false}]),
    {ok, Port} = inet:port(Listener),
    {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}], 60000),
    {ok, Server} = gen_tcp:accept(Listener, 60000),
    {Client, Server}.

send_over({Client, Server}, Text) ->
    ok = gen_tcp:send(Client, Text),
    {ok, Data} = gen_tcp:recv(Server, 0, 60000),
    Data.

%% The calls are for a node that has nothing left: none of them may need a descriptor, a port, a process or code that is not
%% loaded.
at_zero_test_() ->
    {timeout, 600, fun() ->
        Options = #{nofile => {128, 128}, args => ["+Q", "1024", "+P", "1024"], load => [?MODULE]},
        headroom_child:with(Options, fun(Child) ->
            {ok, #{fds := 8, ports := 8}} = call(Child, reserve, [#{fds => 8, ports => 8}]),
            %% Nor an answer of the process that holds the reserve.
            ok = headroom_child:call(Child, sys, suspend, [headroom_reserve]),
            [0 = headroom_child:fill(Child, Resource) || Resource <- [fds, ports, processes]],
            Loaded = headroom_child:call(Child, fun() -> length(code:all_loaded()) end),
            ?assertMatch({ok, #{now := 120, gives := nothing}}, call(Child, raise_nofile, [max])),
            ?assertMatch({ok, #{now := 120}}, call(Child, clamp_nofile, [])),
            ?assertEqual({ok, #{fds => 8, ports => 8}}, call(Child, release, [])),
            ?assertEqual({8, 8}, {headroom_child:fill(Child, {fds, 8}), headroom_child:fill(Child, {ports, 8})}),
            ok = headroom_outside:set_soft(Child, 100),
            ?assertMatch({ok, #{now := 128, gives := sockets}}, call(Child, raise_nofile, [max])),
            ?assertEqual(Loaded, headroom_child:call(Child, fun() -> length(code:all_loaded()) end))
        end)
    end}.

%% Calls that read, decide and set without regard to each other leave a limit above `max_fds' less the reserve, or one that
%% a release cannot bring back.
concurrent_calls_leave_one_state_test_() ->
    [{Road, child(Options#{nofile => {1024, 1024}}, fun(Child) ->
        ok = headroom_child:call(Child, fun at_once/0),
        {ok, #{fds := 64, soft := 960}} = call(Child, reserve, [64]),
        ?assertEqual({#{fds => 64, ports => 0}, 960}, held(Child)),
        ?assertEqual({ok, #{fds => 64, ports => 0}}, call(Child, release, [])),
        ?assertEqual({#{fds => 0, ports => 0}, 1024}, held(Child))
    end)} || {Road, Options} <- headroom_roads:all()].

held(Child) ->
    #{reserved := Reserved, nofile := #{soft := Soft}} = call(Child, snapshot, []),
    {Reserved, Soft}.

at_once() ->
    Calls = [fun() -> headroom:reserve(#{fds => 32, ports => 2}) end, fun() -> headroom:reserve(100) end,
             fun() -> headroom:release() end, fun() -> headroom:raise_nofile(max) end,
             fun() -> headroom:clamp_nofile() end, fun() -> headroom:raise_nofile(1000) end],
    Pids = [spawn_monitor(fun() -> [{ok, _} = Call() || _ <- lists:seq(1, 300)] end) || Call <- Calls],
    [receive {'DOWN', Ref, process, Pid, Reason} -> normal = Reason end || {Pid, Ref} <- Pids],
    %% With one call more there is one state: nothing is held, and the whole limit is back.
    {ok, _} = headroom:release(),
    #{nofile := #{soft := 1024}, reserved := #{fds := 0, ports := 0}} = headroom:snapshot(),
    ok.
