%% {release_on, ...}: the reserve comes back without a console, without a process and without a scheduler of the VM.
-module(headroom_guard_tests).

-include_lib("eunit/include/eunit.hrl").

call(Child, Function, Args) -> headroom_child:call(Child, headroom, Function, Args).

with(Args, Test) ->
    {timeout, 600, fun() ->
        headroom_pair:with(#{nofile => {256, 256}, load => [?MODULE], args => Args}, Test)
    end}.

reserve(On) -> ["-headroom", "reserve", "#{fds=>16,ports=>8}", "release_on", On].

%% What an operator of a node with one core has: its table is full, the waiting shell makes the listener spin at the highest
%% priority, and no console and no process of that node answers any more. The shell must get in all the same.
a_waiting_shell_gets_in_on_one_scheduler_test_() ->
    with(["+S", "1:1" | reserve("waiting")], fun lets_the_operator_in/2).

on_two_schedulers_test_() ->
    with(["+S", "2:2" | reserve("waiting")], fun lets_the_operator_in/2).

lets_the_operator_in(Node, Operator) ->
    #{reserved := #{fds := 16, ports := 8}, nofile := #{soft := 240}} = call(Node, snapshot, []),
    0 = headroom_child:fill(Node, fds),
    Connecting = headroom_child:call(Operator, fun headroom_pair:begin_to_connect/0),
    ?assertEqual(true, headroom_child:call(Operator, fun() -> headroom_pair:result(Connecting, infinity) end)),
    %% What is shown is what is there now, and the ports went with the descriptors.
    #{reserved := #{fds := 0}, nofile := #{soft := 256}} = call(Node, snapshot, []),
    ok = headroom_child:call(Node, fun() -> headroom_pair:await(fun() -> headroom_held:ports() =:= 0 end) end),
    ok = headroom_pair:await(fun() ->
        binary:match(headroom_child:output(Node), <<"headroom gave its reserve back by itself">>) =/= nomatch
    end),
    ?assertEqual({ok, #{fds => 0, ports => 0}}, call(Node, release, [])),
    ?assertEqual(0, guards(Node)).

%% A full table alone, or a connection that is accepted, is no reason: else clients would have the reserve before the
%% operator comes.
nobody_waits_test_() ->
    with(reserve("waiting"), fun(Node, Operator) ->
        ?assertEqual(1, guards(Node)),
        true = headroom_child:call(Operator, net_kernel, connect_node, [headroom_pair:full()]),
        0 = headroom_child:fill(Node, fds),
        timer:sleep(1000),
        #{reserved := #{fds := 16, ports := 8}, nofile := #{soft := 240}} = call(Node, snapshot, []),
        %% Taken by hand, it is nobody's to guard.
        ?assertEqual({ok, #{fds => 16, ports => 8}}, call(Node, release, [])),
        gone(Node)
    end).

%% Where no other node and no shell comes in by the distribution.
given_back_when_full_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{nofile => {256, 256}, load => [?MODULE, headroom_pair], args => ["+Q", "1024" | reserve("full")]},
                            fun(Node) ->
            0 = headroom_child:fill(Node, fds),
            gone(Node),
            #{reserved := #{fds := 0}, nofile := #{soft := 256}} = call(Node, snapshot, []),
            ok = headroom_child:undo(Node, fds),
            %% A port table cannot be helped by a thread, and the clock does it.
            {ok, _} = call(Node, reserve, [#{ports => 8}]),
            0 = headroom_child:fill(Node, ports),
            ok = headroom_child:call(Node, fun() -> headroom_pair:await(fun() -> headroom_held:ports() =:= 0 end) end)
        end)
    end}.

%% A thread that outlives its code ends the node; one that is lost with a library is missed in the incident.
it_ends_with_the_application_and_comes_with_a_library_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{nofile => {256, 256}, load => [?MODULE, headroom_pair], args => reserve("full")}, fun(Node) ->
            [begin
                 ok = headroom_child:call(Node, fun again/0),
                 ok = headroom_child:call(Node, fun() -> headroom_pair:await(fun() -> threads() =:= 1 end) end)
             end || _ <- lists:seq(1, 5)],
            ok = headroom_child:call(Node, application, stop, [headroom]),
            gone(Node),
            #{reserved := #{fds := 0}, nofile := #{soft := 256}} = call(Node, snapshot, []),
            {ok, _} = headroom_child:call(Node, application, ensure_all_started, [headroom]),
            ok = headroom_child:call(Node, fun() -> headroom_pair:await(fun() -> threads() =:= 1 end) end),
            %% Unloaded altogether, with the thread still there.
            ok = headroom_child:call(Node, fun() ->
                true = code:delete(headroom_nif),
                _ = code:purge(headroom_nif),
                0 = threads(),
                ok
            end)
        end)
    end}.

again() ->
    true = code:delete(headroom_nif),
    _ = code:purge(headroom_nif),
    {module, headroom_nif} = code:load_file(headroom_nif),
    ok.

%% An option that is misspelt would be missed in the incident only.
bad_options_stop_the_start_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{app => stopped}, fun(Child) ->
            [begin
                 ok = headroom_child:call(Child, application, set_env, [headroom, release_on, Option]),
                 ?assertMatch({error, {headroom, {{bad_option, release_on, <<"neither false, waiting nor full">>}, _}}},
                              headroom_child:call(Child, application, ensure_all_started, [headroom]))
             end || Option <- [true, on, <<"full">>, [full], #{full => 1}]]
        end)
    end}.

gone(Node) ->
    ok = headroom_pair:await(fun() -> guards(Node) =:= 0 end).

guards(Node) -> threads(integer_to_list(headroom_child:os_pid(Node))).

threads() -> threads(os:getpid()).

threads(Pid) ->
    Names = [file:read_file(File) || File <- filelib:wildcard("/proc/" ++ Pid ++ "/task/*/comm")],
    length([found || {ok, <<"headroom_guard", _/binary>>} <- Names]).
