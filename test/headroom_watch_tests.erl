-module(headroom_watch_tests).

-include_lib("eunit/include/eunit.hrl").

-export([leak/1, saw_tooth/1]).

-define(COOKIE, "headroom_watch_tests").

%% A clock ten times as fast: what takes three minutes in production takes 18 seconds here.
fast() -> fast("").

fast(More) ->
    ["-headroom", "watch", "#{interval=>100,report_every=>600000}" ++ More].

%% A leak must be called one while there is time, with the time that is left; a saw-tooth beside it must not.
leak_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{nofile => 1024, load => [?MODULE], args => fast()}, fun(Child) ->
            Leak = headroom_child:call(Child, fun() -> spawn(?MODULE, leak, [100]) end),
            _ = headroom_child:call(Child, fun() -> spawn(?MODULE, saw_tooth, [0]) end),
            %% 15 seconds are the least; a loaded machine takes its time.
            Watched = fun() -> headroom_child:call(Child, headroom, trend_data, []) end,
            IsFound = fun(#{resources := Found}) -> maps:get(verdict, trend(fds, Found)) =:= growing end,
            #{resources := Resources} = await_value(Watched, IsFound, 1500),
            {Opened, Free} = headroom_child:call(Child, fun() ->
                Leak ! {self(), opened},
                #{fds := #{free := Free}} = headroom:snapshot(),
                receive {Leak, Opened} -> {Opened, Free} end
            end),
            #{verdict := growing, full := #{in_ms := In, earliest_ms := Earliest}, per_hour := PerHour} =
                trend(fds, Resources),
            %% The leak opens what it can on a loaded machine: its own count says how fast.
            {Count, Milliseconds} = Opened,
            Truth = Free * Milliseconds / Count,
            %% Twice as fast or as slow it may have become meanwhile; how exact a trend is, the core's own tests show.
            ?assert(In < 2 * Truth andalso Truth < 2 * In, {In, Truth}),
            ?assert(Earliest =< In),
            Speed = 3600000 * Count / Milliseconds,
            ?assert(PerHour < 2 * Speed andalso Speed < 2 * PerHour, {PerHour, Speed}),
            ?assertNotMatch(#{verdict := growing}, trend(processes, Resources)),
            %% Who it is: with numbers, and not whoever holds most.
            #{grower := #{group := Group, from := From, to := To}} =
                await_value(Watched, fun(#{grower := Grower}) -> Grower =/= undefined end),
            has([<<"headroom_watch_tests:leak">>], Group),
            ?assert(To > From),
            {ok, Report} = headroom_child:capture(Child, latin1, fun headroom:report/0),
            has([<<"trend    fds has grown for ">>, <<"headroom_watch_tests:leak">>], Report),
            {ok, Printed} = headroom_child:capture(Child, latin1, fun headroom:trend/0),
            has([<<"fds has grown for ">>, <<"growing">>, <<"full in ">>, <<" grew most: from ">>], Printed),
            ?assertEqual([], [C || <<C>> <= Printed, C > 126]),
            Svg = headroom_child:call(Child, headroom, chart, [svg]),
            has([<<"<svg ">>, <<"</svg>">>, <<"fds has grown">>], Svg)
        end)
    end}.

trend(Name, Resources) ->
    [Trend] = [Trend || #{name := Found} = Trend <- Resources, Found =:= Name],
    Trend.

%% Opens a socket in each interval, and says how many in which time.
leak(Interval) ->
    Start = erlang:monotonic_time(millisecond),
    leak(Interval, Start, 0).

leak(Interval, Start, Opened) ->
    receive
        {From, opened} ->
            From ! {self(), {Opened, erlang:monotonic_time(millisecond) - Start}},
            leak(Interval, Start, Opened)
    after Interval ->
        {ok, _} = gen_udp:open(0, [{ip, {127, 0, 0, 1}}]),
        leak(Interval, Start, Opened + 1)
    end.

saw_tooth(100) ->
    [exit(Pid, kill) || Pid <- erase(teeth)],
    saw_tooth(0);
saw_tooth(N) ->
    Before = case get(teeth) of undefined -> []; Pids -> Pids end,
    put(teeth, [spawn(fun() -> receive after infinity -> ok end end) | Before]),
    receive after 15 -> saw_tooth(N + 1) end.

%% The log must say what happened and what helps, once, with nothing left to open; and the signal must bring the report
%% and give back the reserve, where no shell can get in.
voice_at_zero_test_() ->
    {timeout, 600, fun() ->
        Options = #{nofile => 128, args => fast() ++ ["-headroom", "reserve", "16", "+P", "1024", "+Q", "1024"], load => [?MODULE]},
        headroom_child:with(Options, fun(Child) ->
            [0, 0, 0] = [headroom_child:fill(Child, Resource) || Resource <- [fds, ports, processes]],
            await(fun() -> headroom_child:output(Child) end, <<"headroom: ok -> critical: ">>),
            Before = await(fun() -> headroom_child:output(Child) end, <<"RESOURCE ">>),
            has([<<"All 112 descriptors are taken">>, <<"now: headroom:release(). held by: ">>, <<" of 112 descriptors\n">>], Before),
            %% Samples go on.
            #{samples := First, resources := Resources} = headroom_child:call(Child, headroom, trend_data, []),
            [#{limit := 112, held_by := <<_, _/binary>>}] = maps:get(at_zero, trend(fds, Resources)),
            {0, _} = headroom_sh:run("kill -USR2 " ++ integer_to_list(headroom_child:os_pid(Child))),
            await(fun() -> headroom_child:output(Child) end, <<"watched for ">>),
            Sampled = fun() -> maps:get(samples, headroom_child:call(Child, headroom, trend_data, [])) end,
            _ = await_value(Sampled, fun(Second) -> Second > First end),
            ?assertMatch(#{reserved := #{fds := 0, ports := 0}}, headroom_child:call(Child, headroom, snapshot, [])),
            %% Why a call failed is known afterwards, too.
            [ok = headroom_child:undo(Child, Resource) || Resource <- [processes, ports, fds]],
            ?assertMatch(#{basis := recorded, verdict := nofile},
                         headroom_child:call(Child, headroom, diagnose, [emfile, file])),
            await(fun() -> headroom_child:output(Child) end, <<" -> ok: closest to its limit: ">>),
            %% A VM that does not handle the signal dies of it.
            ok = headroom_child:call(Child, application, stop, [headroom]),
            {0, _} = headroom_sh:run("kill -USR2 " ++ integer_to_list(headroom_child:os_pid(Child))),
            timer:sleep(200),
            ?assertEqual(here, headroom_child:call(Child, fun() -> here end))
        end)
    end}.

%% Alarms and events are how others hear of it: each at the turn, and the alarm gone when the limit is.
told_test_() ->
    {timeout, 60, fun() ->
        headroom_child:with(#{nofile => 128, args => fast(), load => [?MODULE]}, fun(Child) ->
            ok = headroom_child:call(Child, fun load_telemetry/0),
            ok = headroom_child:call(Child, fun() -> application:start(sasl) end),
            Alarms = fun() -> [Id || {Id, _} <- headroom_child:call(Child, alarm_handler, get_alarms, [])] end,
            Events = fun(Kind) -> headroom_child:call(Child, fun() -> ets:lookup(events, [headroom, Kind]) end) end,
            _ = await_value(fun() -> Events(sample) end, fun(Found) -> Found =/= [] end),
            ?assertEqual([], Alarms()),
            [{_, #{used := _, limit := _}, #{resource := _}} | _] = Events(sample),
            0 = headroom_child:fill(Child, fds),
            [{headroom, level}] = await_value(Alarms, fun(Found) -> Found =/= [] end),
            [{_, #{level := 2}, #{from := ok, to := critical, message := <<"headroom: ok -> critical", _/binary>>}}] =
                await_value(fun() -> Events(level) end, fun(Found) -> Found =/= [] end),
            ok = headroom_child:undo(Child, fds),
            _ = await_value(Alarms, fun(Found) -> Found =:= [] end),
            [_, {_, #{level := 0}, #{from := critical, to := ok}}] =
                await_value(fun() -> Events(level) end, fun(Found) -> length(Found) =:= 2 end)
        end)
    end}.

%% What is called of telemetry, which is no dependency: a table keeps the events.
load_telemetry() ->
    Owner = spawn(fun() ->
        events = ets:new(events, [named_table, public, duplicate_bag]),
        receive after infinity -> ok end
    end),
    true = is_pid(Owner),
    Forms = [begin {ok, Tokens, _} = erl_scan:string(Text), {ok, Form} = erl_parse:parse_form(Tokens), Form end
             || Text <- ["-module(telemetry).", "-export([execute/3]).",
                         "execute(Event, Measured, About) -> true = ets:insert(events, {Event, Measured, About}), ok."]],
    {ok, telemetry, Beam} = compile:forms(Forms),
    {module, telemetry} = code:load_binary(telemetry, "telemetry.erl", Beam),
    ok.

%% A clock that is killed or suspended must come back, and what it remembered with it.
killed_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{args => fast(), load => [?MODULE]}, fun(Child) ->
            Samples = fun() ->
                #{samples := Samples, skipped := Skipped} = headroom_child:call(Child, headroom, trend_data, []),
                {Samples, Skipped}
            end,
            await_value(Samples, fun({N, _}) -> N >= 5 end),
            {Before, _} = Samples(),
            true = headroom_child:call(Child, fun() -> exit(whereis(headroom_watch), kill) end),
            await_value(Samples, fun({N, _}) -> N >= Before + 3 end),
            {_, NotYet} = Samples(),
            true = headroom_child:call(Child, fun() -> erlang:suspend_process(whereis(headroom_watch)) end),
            timer:sleep(1000),
            true = headroom_child:call(Child, fun() -> erlang:resume_process(whereis(headroom_watch)) end),
            await_value(Samples, fun({_, Skipped}) -> Skipped >= NotYet + 5 end),
            %% Nor must a log handler that is stuck stop it.
            true = headroom_child:call(Child, fun() -> erlang:suspend_process(whereis(headroom_voice)) end),
            {Stuck, _} = Samples(),
            await_value(Samples, fun({N, _}) -> N >= Stuck + 3 end)
        end)
    end}.

%% Who does not want to be watched is not: no process, no memory, and that is said.
not_watched_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{args => ["-headroom", "watch", "false", "-headroom", "signal", "false"]}, fun(Child) ->
            ?assertEqual({error, not_watched}, headroom_child:call(Child, headroom, trend_data, [])),
            ?assertEqual(undefined, headroom_child:call(Child, erlang, whereis, [headroom_watch])),
            Metrics = headroom_child:call(Child, headroom, metrics, []),
            ?assertEqual([], [Name || #{name := <<"headroom_samples", _/binary>> = Name} <- Metrics])
        end)
    end}.

%% A misspelt option must not leave a node unwatched.
options_test_() ->
    {timeout, 600, fun() ->
        Check = fun(Key, Value) ->
            ok = application:set_env(headroom, Key, Value),
            Result = headroom_config:load(),
            ok = application:unset_env(headroom, Key),
            Result
        end,
        ?assertMatch({error, {bad_option, {watch, interval}, _}}, Check(watch, #{interval => 1})),
        ?assertMatch({error, {bad_option, {watch, every}, _}}, Check(watch, #{every => 1000})),
        ?assertMatch({error, {bad_option, watch, _}}, Check(watch, yes)),
        ?assertMatch({error, {bad_option, signal, _}}, Check(signal, sigusr1)),
        ?assertEqual(ok, Check(watch, #{interval => 60000}))
    end}.

%% What Prometheus reads must be what it accepts, and unknown must not be 0.
metrics_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{args => fast()}, fun(Child) ->
            Response = fun() -> headroom_child:call(Child, headroom_health, metrics_response, []) end,
            IsWatched = fun({200, _, Body}) -> binary:match(Body, <<"headroom_samples_total ">>) =/= nomatch end,
            {200, Headers, Text} = await_value(Response, IsWatched),
            ?assertMatch(<<"text/plain; version=0.0.4", _/binary>>, proplists:get_value(<<"content-type">>, Headers)),
            has([<<"# TYPE process_open_fds gauge\n">>, <<"\nprocess_max_fds ">>, <<"headroom_used{resource=\"ports\"} ">>,
                 <<"# TYPE headroom_exhausted_total counter\n">>, <<"headroom_samples_total ">>], Text),
            ?assertEqual(nomatch, binary:match(Text, <<"NaN">>)),
            Names = [Name || #{name := Name} <- headroom_child:call(Child, headroom, metrics, [])],
            [has([<<"# HELP ", Name/binary, " ">>], Text) || Name <- Names]
        end)
    end}.

%% One look at a cluster: the node at zero must answer, the one without headroom and the one that is gone be shown as that.
cluster_test_() ->
    {timeout, 600, fun() ->
        Node = fun(Name, Port, More) ->
            Args = ["-name", Name ++ "@127.0.0.1", "-setcookie", ?COOKIE, "-start_epmd", "false", "-epmd_module",
                    "headroom_epmd", "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "connect_all", "false",
                    "inet_dist_listen_min", Port, "inet_dist_listen_max", Port],
            maps:merge(#{load => [?MODULE, headroom_epmd], env => [{"HEADROOM_DIST_PORT", Port}],
                         args => Args ++ maps:get(args, More, [])}, maps:remove(args, More))
        end,
        [A, B, C] = [integer_to_list(headroom_scratch:port()) || _ <- [a, b, c]],
        Full = #{nofile => 128, args => fast() ++ ["+P", "1024", "+Q", "1024"]},
        headroom_child:with(Node("a", A, #{args => fast()}), fun(Asker) ->
            headroom_child:with(Node("b", B, Full), fun(AtZero) ->
                headroom_child:with(Node("c", C, #{app => stopped}), fun(_Without) ->
                    [true = connect(Asker, Name, Port) || {Name, Port} <- [{'b@127.0.0.1', B}, {'c@127.0.0.1', C}]],
                    [0, 0, 0] = [headroom_child:fill(AtZero, Resource) || Resource <- [fds, ports, processes]],
                    Nodes = ['a@127.0.0.1', 'b@127.0.0.1', 'c@127.0.0.1', 'd@127.0.0.1'],
                    [First, Second, Third, Fourth] =
                        headroom_child:call(Asker, headroom, cluster_data, [#{nodes => Nodes, timeout => 60000}]),
                    ?assertMatch(#{node := 'a@127.0.0.1', state := watched, level := ok}, First),
                    ?assertMatch(#{node := 'b@127.0.0.1', state := watched, level := critical}, Second),
                    ?assertMatch(#{state := no_headroom}, Third),
                    ?assertMatch(#{state := down}, Fourth),
                    true = headroom_child:call(AtZero, fun() -> erlang:suspend_process(whereis(headroom_watch)) end),
                    ?assertMatch([#{state := too_slow}],
                                 headroom_child:call(Asker, headroom, cluster_data,
                                                     [#{nodes => ['b@127.0.0.1'], timeout => 200}])),
                    true = headroom_child:call(AtZero, fun() -> erlang:resume_process(whereis(headroom_watch)) end),
                    {ok, Printed} = headroom_child:capture(Asker, latin1, fun headroom:cluster/0),
                    has([<<"NODE ">>, <<"a@127.0.0.1 ">>, <<"b@127.0.0.1  CRITICAL">>, <<"no_headroom">>], Printed)
                end)
            end)
        end)
    end}.

%% The node of the tests has no epmd: each is told where the other listens.
connect(Asker, Node, Port) ->
    headroom_child:call(Asker, fun() ->
        true = os:putenv("HEADROOM_DIST_PORT", Port),
        net_kernel:connect_node(Node)
    end).

has(Parts, Text) ->
    [?assertNotEqual(nomatch, binary:match(Text, Part), {Part, Text}) || Part <- Parts].

await(Text, Part) ->
    Found = await_value(Text, fun(Now) -> binary:match(Now, Part) =/= nomatch end),
    Found.

await_value(Value, Is) ->
    await_value(Value, Is, 2000).

await_value(Value, _Is, 0) ->
    error({never, Value()});
await_value(Value, Is, Tries) ->
    Now = Value(),
    case Is(Now) of
        true -> Now;
        false -> timer:sleep(50), await_value(Value, Is, Tries - 1)
    end.
