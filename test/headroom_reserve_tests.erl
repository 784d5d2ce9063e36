%% The reserve: taken, shown, given back, and worth something when the node is full.
-module(headroom_reserve_tests).

-include_lib("eunit/include/eunit.hrl").

child(Options, Test) ->
    {timeout, 600, fun() ->
        headroom_child:with(maps:merge(#{nofile => {256, 256}, load => [?MODULE]}, Options), Test)
    end}.

call(Child, Function, Args) -> headroom_child:call(Child, headroom, Function, Args).

state(Child) ->
    #{reserved := Reserved, nofile := #{soft := Soft}} = call(Child, snapshot, []),
    {Reserved, Soft}.

%% What the operator counts on must be what is there: in the data, in the report, in the limit.
taken_shown_and_given_back_test_() ->
    child(#{}, fun(Child) ->
        Ports = headroom_child:call(Child, erlang, system_info, [port_count]),
        Open = maps:get(fds, call(Child, snapshot, [])),
        ?assertEqual({ok, #{fds => 64, ports => 16, soft => 192}},
                     call(Child, reserve, [#{fds => 64, ports => 16}])),
        ?assertEqual({#{fds => 64, ports => 16}, 192}, state(Child)),
        has_ports(Child, Ports + 16),
        Report = call(Child, report_text, []),
        [?assertMatch({_, _}, binary:match(Report, Text)) || Text <- [<<"soft 192 (64 reserved)">>, <<"16 ports reserved">>]],
        %% An idle port takes no descriptor: else a reserve of ports would bring the end of the descriptors nearer.
        ?assertEqual(maps:get(open, Open), maps:get(open, maps:get(fds, call(Child, snapshot, [])))),
        %% The second replaces the first, in both directions.
        ?assertEqual({ok, #{fds => 10, ports => 2, soft => 246}}, call(Child, reserve, [#{fds => 10, ports => 2}])),
        ?assertEqual({ok, #{fds => 0, ports => 5, soft => 256}}, call(Child, reserve, [#{ports => 5}])),
        ?assertEqual({ok, #{fds => 20, ports => 0, soft => 236}}, call(Child, reserve, [20])),
        has_ports(Child, Ports),
        ?assertEqual({ok, #{fds => 20, ports => 0}}, call(Child, release, [])),
        ?assertEqual({ok, #{fds => 0, ports => 0}}, call(Child, release, [])),
        ?assertEqual({#{fds => 0, ports => 0}, 256}, state(Child))
    end).

%% A reserve that cannot be had must leave the node as it was, and say how much there is.
more_than_there_is_test_() ->
    child(#{args => ["+Q", "1024"]}, fun(Child) ->
        #{fds := #{free := Free}} = call(Child, snapshot, []),
        ?assertEqual({error, {too_many, #{resource => fds, wanted => Free + 1, room => Free}}},
                     call(Child, reserve, [Free + 1])),
        {ok, _} = call(Child, reserve, [#{fds => 8, ports => 4}]),
        {error, {too_many, #{resource := ports, wanted := 1024, room := Room}}} =
            call(Child, reserve, [#{fds => 9, ports => 1024}]),
        ?assertEqual({#{fds => 8, ports => 4}, 248}, state(Child)),
        ?assertMatch({ok, #{ports := Room}}, call(Child, reserve, [#{ports => Room}])),
        [?assertError(badarg, call(Child, reserve, [Bad]))
         || Bad <- [-1, 1.5, max, [{fds, 1}], #{fds => -1}, #{ports => many}, #{files => 1}]]
    end).

%% A node that keeps a lowered limit, or ports that nobody owns, after the application is gone has been harmed.
the_end_of_the_application_test_() ->
    child(#{}, fun(Child) ->
        Before = headroom_child:call(Child, erlang, system_info, [port_count]),
        {ok, _} = call(Child, reserve, [#{fds => 64, ports => 16}]),
        ok = headroom_child:call(Child, application, stop, [headroom]),
        ?assertEqual({#{fds => 0, ports => 0}, 256}, state(Child)),
        has_ports(Child, Before),
        ?assertMatch({error, {no_holder, noproc}}, call(Child, reserve, [1])),
        ?assertEqual({ok, #{fds => 0, ports => 0}}, call(Child, release, [])),
        {ok, _} = headroom_child:call(Child, application, ensure_all_started, [headroom]),
        ?assertMatch({ok, #{soft := 192}}, call(Child, reserve, [64]))
    end).

the_end_of_the_holder_test_() ->
    child(#{}, fun(Child) ->
        Before = headroom_child:call(Child, erlang, system_info, [port_count]),
        {ok, _} = call(Child, reserve, [#{fds => 64, ports => 16}]),
        headroom_child:call(Child, fun() ->
            Pid = whereis(headroom_reserve),
            exit(Pid, kill),
            await(fun() -> not lists:member(whereis(headroom_reserve), [Pid, undefined]) end),
            sys:get_state(headroom_reserve)
        end),
        ?assertEqual({#{fds => 0, ports => 0}, 256}, state(Child)),
        has_ports(Child, Before),
        ?assertMatch({ok, #{soft := 192}}, call(Child, reserve, [64]))
    end).

%% Killed more often than its supervisor bears: the application ends, and what it held with it.
the_end_of_the_supervisor_test_() ->
    child(#{}, fun(Child) ->
        {ok, _} = call(Child, reserve, [#{fds => 64, ports => 16}]),
        headroom_child:call(Child, fun() ->
            exit(whereis(headroom_sup), kill),
            await(fun() -> not lists:keymember(headroom, 1, application:which_applications()) end)
        end),
        ?assertEqual({#{fds => 0, ports => 0}, 256}, state(Child))
    end).

%% A port that goes with its process ends a moment after it.
has_ports(Child, Count) ->
    Counted = fun() -> headroom_child:call(Child, erlang, system_info, [port_count]) end,
    _ = headroom_pair:await(fun() -> Counted() =:= Count end, 6000),
    ?assertEqual(Count, Counted()).

await(Condition) ->
    case Condition() of
        true -> ok;
        false -> receive after 10 -> await(Condition) end
    end.

%% An upgrade of the library forgets what the old one knew: a reserve must be given back after it all the same. From the
%% same file, and from another one, as in the upgrade of a release.
a_new_library_test_() ->
    [child(#{nofile => {256, 256}}, fun(Child) -> a_new_library(Child, Load) end)
     || Load <- [fun again/0, fun from_another_place/0]].

a_new_library(Child, Load) ->
    {ok, _} = call(Child, reserve, [#{fds => 64, ports => 16}]),
    ok = headroom_child:call(Child, Load),
    ?assertEqual({#{fds => 64, ports => 16}, 192}, state(Child)),
    %% Never into the reserve.
    ?assertMatch({ok, #{now := 192}}, call(Child, raise_nofile, [max])),
    ?assertEqual({ok, #{fds => 64, ports => 16}}, call(Child, release, [])),
    ?assertEqual({#{fds => 0, ports => 0}, 256}, state(Child)).

again() ->
    true = code:delete(headroom_nif),
    _ = code:purge(headroom_nif),
    {module, headroom_nif} = code:load_file(headroom_nif),
    ok.

from_another_place() ->
    Place = filename:join([os:getenv("TMPDIR", "/tmp"), "headroom-" ++ os:getpid(), "headroom"]),
    [Ebin, Priv] = [filename:join(Place, Dir) || Dir <- ["ebin", "priv"]],
    Files = [{code:which(headroom_nif), filename:join(Ebin, "headroom_nif.beam")},
             {filename:join(code:priv_dir(headroom), "headroom_nif.so"), filename:join(Priv, "headroom_nif.so")}],
    try
        [ok = filelib:ensure_dir(To) || {_, To} <- Files],
        [{ok, _} = file:copy(From, To) || {From, To} <- Files],
        true = code:add_patha(Ebin),
        {module, headroom_nif} = code:load_file(headroom_nif),
        %% A library of its own, which has not heard of the reserve.
        undefined = headroom_nif:reserved_fds(),
        ok
    after
        [file:delete(To) || {_, To} <- Files],
        [file:del_dir(Dir) || Dir <- [Ebin, Priv, Place, filename:dirname(Place)]]
    end.

%% The reserve that counts is the one that is there before the incident.
from_the_environment_test_() ->
    Args = ["-headroom", "reserve", "#{fds=>64,ports=>16}"],
    child(#{args => Args}, fun(Child) ->
        ?assertEqual({#{fds => 64, ports => 16}, 192}, state(Child))
    end).

%% Too little room is no reason not to start: the node may be restarted in the middle of an incident.
no_room_at_start_test_() ->
    child(#{args => ["-headroom", "reserve", "100000"]}, fun(Child) ->
        ?assertEqual({#{fds => 0, ports => 0}, 256}, state(Child)),
        %% The log is written after the event, not with it.
        await(fun() -> binary:match(headroom_child:output(Child), <<"too_many">>) =/= nomatch end)
    end).

%% A misspelt option that is ignored would be missed in the incident only.
bad_options_stop_the_start_test_() ->
    child(#{app => stopped}, fun(Child) ->
        [begin
             ok = headroom_child:call(Child, application, set_env, [headroom, reserve, Option]),
             {error, {headroom, {{bad_option, Key, Why}, _}}} =
                 headroom_child:call(Child, application, ensure_all_started, [headroom]),
             ?assert(is_binary(Why))
         end || {Option, Key} <- [{#{files => 1}, {reserve, files}}, {#{fds => -1}, {reserve, fds}},
                                  {#{ports => all}, {reserve, ports}}, {[{fds, 1}], reserve}]],
        ok = headroom_child:call(Child, application, set_env, [headroom, reserve, 5]),
        {ok, _} = headroom_child:call(Child, application, ensure_all_started, [headroom]),
        ?assertEqual({#{fds => 5, ports => 0}, 251}, state(Child))
    end).

%%% A second node

%% The whole promise: a node whose table is full lets nobody in, and after a release from the shell that is there, the
%% operator's own shell gets in and reads the report.
full_descriptor_table_test_() -> {timeout, 600, fun() -> lets_in_after_release(fds) end}.
full_port_table_test_() -> {timeout, 600, fun() -> lets_in_after_release(ports) end}.

lets_in_after_release(Resource) ->
    with_nodes(#{nofile => {256, 256}, args => ["+Q", "1024"], setup => 5}, fun(Node, Operator) ->
        {ok, _} = call(Node, reserve, [#{fds => 8, ports => 8}]),
        Schedulers = headroom_child:call(Node, erlang, system_info, [schedulers_online]),
        0 = headroom_child:fill(Node, Resource),
        ?assertEqual(false, headroom_child:call(Operator, net_kernel, connect_node, ['full@127.0.0.1'])),
        ok = give_back(Node, Resource, 8, Schedulers),
        %% The try that failed may still be in the queue, and is answered first.
        ok = headroom_child:call(Operator, fun() -> await(fun() -> net_kernel:connect_node('full@127.0.0.1') end) end),
        ?assertMatch({ok, {_, _}}, report_over(Operator))
    end).

%% With clients that wait for room, too: the shell began to connect before the release, and the acceptors sleep after an
%% error. On a machine without time they wake up before it: one shell of four gets in at least.
crowded_backlog_test_() ->
    {timeout, 600, fun() -> ?assert(lists:any(fun(_) -> gets_in_beside_clients() end, lists:seq(1, 4))) end}.

gets_in_beside_clients() ->
    with_nodes(#{nofile => {256, 256}}, fun(Node, Operator) ->
        {ok, _} = call(Node, reserve, [#{fds => 16, ports => 16}]),
        Schedulers = headroom_child:call(Node, erlang, system_info, [schedulers_online]),
        Port = headroom_child:call(Node, fun() -> accept_with_pauses(20) end),
        0 = headroom_child:fill(Node, fds),
        ok = headroom_child:call(Operator, fun() -> crowd(Port, 400) end),
        Connecting = headroom_child:call(Operator, fun headroom_pair:begin_to_connect/0),
        ok = give_back(Node, fds, 16, Schedulers),
        Connected = headroom_child:call(Operator, fun() -> headroom_pair:result(Connecting, infinity) end),
        [?assertMatch({ok, {_, _}}, report_over(Operator)) || Connected],
        %% The clients were in the queue, too: they got the rest of it.
        ok = headroom_child:call(Node, fun() -> await(fun() -> accepted() >= 15 end) end),
        Connected
    end).

%% A lone scheduler belongs to the listener that spins while a connection waits: no shell and no console of the node answers
%% then, and only from outside is room given back. With a full port table nothing spins.
give_back(Node, fds, Held, 1) ->
    Release = " release --pid " ++ integer_to_list(headroom_child:os_pid(Node)),
    {0, Said} = headroom_sh:run(headroom_command:shell() ++ Release),
    {match, _} = re:run(Said, "gave back " ++ integer_to_list(Held) ++ ":"),
    ok;
give_back(Node, _, Held, _) ->
    {ok, #{fds := Held, ports := Held}} = call(Node, release, []),
    ok.

report_over(Operator) -> report_over(Operator, 100).

%% A try that was given up earlier may still be answered, and take the connection down with it: then once more.
report_over(Operator, Tries) ->
    {Result, Printed} = headroom_child:capture(Operator, latin1, fun() ->
        rpc:call('full@127.0.0.1', headroom, report, [])
    end),
    case Result of
        {badrpc, nodedown} when Tries > 0 ->
            timer:sleep(250),
            report_over(Operator, Tries - 1);
        _ ->
            {Result, binary:match(Printed, <<"headroom  full@127.0.0.1">>)}
    end.

with_nodes(Options, Test) ->
    headroom_pair:with(Options#{load => [?MODULE]}, Test).

%% In the full node: acceptors that do as ranch does.
accept_with_pauses(Count) ->
    Self = self(),
    Owner = spawn(fun() ->
        {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {backlog, 1024}, {active, false}]),
        _ = [spawn_link(fun() -> accept(Listener) end) || _ <- lists:seq(1, Count)],
        {ok, Port} = inet:port(Listener),
        Self ! {self(), Port},
        receive stop -> ok end
    end),
    receive {Owner, Port} -> Port end.

accept(Listener) ->
    case gen_tcp:accept(Listener) of
        {ok, _} -> accept(Listener);
        {error, _} -> receive after 100 -> accept(Listener) end
    end.

%% Connections that are accepted, that of the second node not among them.
accepted() ->
    Peers = [inet:peername(Port) || Port <- erlang:ports(), erlang:port_info(Port, name) =:= {name, "tcp_inet"}],
    length([Peer || {ok, Peer} <- Peers]) - length(nodes()).

%% In the second node: clients that are connected by the kernel and wait to be accepted.
crowd(Port, Count) ->
    Self = self(),
    Owner = spawn(fun() ->
        Options = [{active, false}],
        Clients = [gen_tcp:connect({127, 0, 0, 1}, Port, Options, 60000) || _ <- lists:seq(1, Count)],
        Self ! {self(), length([Client || {ok, Client} <- Clients])},
        receive stop -> ok end
    end),
    receive {Owner, Count} -> ok end.
