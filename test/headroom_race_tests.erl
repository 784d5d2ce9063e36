%% Many ask while the numbers move: a count that is no number of its moment, or a crash under load, shows here.
-module(headroom_race_tests).

-include_lib("eunit/include/eunit.hrl").

-define(NOFILE, 1024).
-define(ASKERS, 4).
-define(CHURNERS, 3).
%% At most so many descriptors does one of them hold.
-define(HELD, 20).
%% So often does each of them do it, however long that takes.
-define(LEAST, 20).

%% Ten seconds by default, thirty where a machine waits and not a person (CI), or as many as HEADROOM_TEST_SECONDS says.
seconds() ->
    case {os:getenv("HEADROOM_TEST_SECONDS"), os:getenv("CI")} of
        {false, CI} when CI =:= false; CI =:= "" -> 10;
        {false, _} -> 30;
        {Seconds, _} -> list_to_integer(Seconds)
    end.

answers_while_descriptors_come_and_go_test_() ->
    {inparallel, [in_child(Road, Options, fun race/1) || {Road, Options} <- headroom_roads:all()]}.

race(Child) ->
    #{fds := #{open := Before}} = headroom_child:call(Child, headroom, snapshot, []),
    Run = fun() -> run(Before, erlang:monotonic_time(second) + seconds()) end,
    {Asked, Churned} = headroom_child:call(Child, Run, 500000),
    [?assertMatch({ok, Count} when Count >= ?LEAST, Outcome) || Outcome <- Asked],
    [?assertMatch({ok, Count} when Count >= ?LEAST, Outcome) || Outcome <- Churned],
    %% Nothing is left behind by the asking.
    timer:sleep(1010),
    ?assertMatch(#{fds := #{open := Before}}, headroom_child:call(Child, headroom, snapshot, [])).

%%% Run in the child

run(Before, End) ->
    Churners = [worker(fun() -> churn(Kind, End, 0) end) || Kind <- lists:sublist([tcp, socket, file], ?CHURNERS)],
    Askers = [worker(fun() -> ask(Before, End, 0) end) || _ <- lists:seq(1, ?ASKERS)],
    {[outcome(Asker) || Asker <- Askers], [outcome(Churner) || Churner <- Churners]}.

worker(Fun) -> spawn_monitor(fun() -> exit({ok, Fun()}) end).

outcome({Pid, Ref}) -> receive {'DOWN', Ref, process, Pid, Outcome} -> Outcome end.

ask(Before, End, Count) ->
    #{level := ok, findings := Findings, unreadable := Unreadable,
      fds := #{open := Open, free := Free, highest := Highest, own := Own, age_ms := Age},
      resources := [#{name := fds, used := Open, limit := ?NOFILE, free := Free}, #{name := ports, used := Ports} | _],
      nofile := #{soft := ?NOFILE}} = headroom:snapshot(),
    %% The registry of the socket module is asked with a deadline, which a machine that is busy enough misses: that is said.
    true = Unreadable =:= [] orelse Unreadable =:= [#{what => sockets, reason => timeout}],
    true = Own > 3,
    [] = [Id || #{id := Id, level := Level} <- Findings, Level =/= notice],
    true = Open >= Before andalso Open =< Before + ?CHURNERS * ?HELD,
    true = Open + Free =:= ?NOFILE,
    true = is_integer(Highest) andalso Highest < ?NOFILE,
    true = Age >= 0 andalso Age =< 1100,
    true = Ports > 0 andalso Ports =< 20 + ?CHURNERS * ?HELD,
    ok = headroom:health(),
    case Count < ?LEAST orelse erlang:monotonic_time(second) < End of
        true -> ask(Before, End, Count + 1);
        false -> Count
    end.

churn(Kind, End, Count) ->
    ok = come_and_go(Kind),
    case Count < ?LEAST orelse erlang:monotonic_time(second) < End of
        true -> churn(Kind, End, Count + 1);
        false -> Count
    end.

%% Both ends of connections over loopback, sockets of the socket module, files.
come_and_go(tcp) ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {active, false}]),
    {ok, Port} = inet:port(Listener),
    Pairs = [begin
                 {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, [{active, false}, {linger, {true, 0}}]),
                 {ok, Server} = gen_tcp:accept(Listener),
                 [Client, Server]
             end || _ <- lists:seq(1, 8)],
    [ok = gen_tcp:close(Socket) || Socket <- [Listener | lists:append(Pairs)]],
    ok;
come_and_go(socket) ->
    Sockets = [begin {ok, Socket} = socket:open(inet, dgram, udp), Socket end || _ <- lists:seq(1, 16)],
    [ok = socket:close(Socket) || Socket <- Sockets],
    ok;
come_and_go(file) ->
    Files = [begin {ok, File} = prim_file:open("/dev/null", [read]), File end || _ <- lists:seq(1, 16)],
    [ok = prim_file:close(File) || File <- Files],
    ok.

in_child(Title, Options, Test) ->
    {Title, {timeout, 600, fun() -> headroom_child:with(Options#{nofile => ?NOFILE, load => [?MODULE]}, Test) end}}.
