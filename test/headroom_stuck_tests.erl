%% A process that stands still, or is killed again and again, must not take headroom along: who asks at night gets an answer.
-module(headroom_stuck_tests).

-include_lib("eunit/include/eunit.hrl").

child(Options, Test) ->
    {timeout, 600, fun() ->
        headroom_child:with(Options#{load => [?MODULE, headroom_public]}, Test)
    end}.

%% Each process that an answer could wait for, suspended: all answer, and what is missing is unknown with its reason.
suspended_test_() ->
    [{atom_to_list(Name), child(#{}, fun(Child) ->
         Suspended = headroom_child:call(Child, fun() -> suspend(Name) end),
         Answers = headroom_child:call(Child, fun() -> headroom_public:call_all([data]) end),
         ?assertEqual([], headroom_public:failures(Answers)),
         ?assert(Suspended)
     end)} || Name <- [socket_registry, net_kernel, headroom_reserve, application_controller, inet_db, kernel_sup, logger,
                       rex, code_server, file_server_2]].

suspend(Name) ->
    case whereis(Name) of
        %% Not on every release.
        undefined -> true;
        Pid -> erlang:suspend_process(Pid)
    end.

sockets_are_unknown_test_() ->
    child(#{}, fun(Child) ->
        #{beam := #{sockets := Before}} = headroom_child:call(Child, headroom, snapshot, []),
        ?assert(is_integer(Before)),
        true = headroom_child:call(Child, fun() -> suspend(socket_registry) end),
        #{beam := #{sockets := Sockets}, unreadable := Unreadable, level := Level} =
            headroom_child:call(Child, headroom, snapshot, []),
        ?assertEqual({unknown, ok}, {Sockets, Level}),
        ?assertEqual([timeout], [Reason || #{what := sockets, reason := Reason} <- Unreadable])
    end).

%% Whoever serves the signals may be stuck: the application stops and starts all the same, and a node that is not armed says so.
signals_test_() ->
    child(#{}, fun(Child) ->
        ?assert(headroom_child:call(Child, headroom_held, signal, [])),
        true = headroom_child:call(Child, fun() -> suspend(erl_signal_server) end),
        ok = headroom_child:call(Child, application, stop, [headroom]),
        {ok, _} = headroom_child:call(Child, application, ensure_all_started, [headroom]),
        ?assertEqual({false, ok}, {headroom_child:call(Child, headroom_held, signal, []),
                                   headroom_child:call(Child, headroom, health, [])})
    end).

%% A holder that does not answer: the caller is told, and what it asked for is not taken behind its back.
reserve_gives_up_test_() ->
    child(#{nofile => {1024, 1024}}, fun(Child) ->
        Answer = headroom_child:call(Child, fun() ->
            true = suspend(headroom_reserve),
            Refused = headroom:reserve(64),
            true = erlang:resume_process(whereis(headroom_reserve)),
            _ = sys:get_state(headroom_reserve),
            {Refused, maps:get(reserved, headroom:snapshot())}
        end),
        ?assertMatch({{error, {no_holder, timeout}}, #{fds := 0, ports := 0}}, Answer)
    end).

%% Where the application is permanent the node would end with it.
killed_again_and_again_test_() ->
    child(#{nofile => {1024, 1024}, args => ["+P", "1024"]}, fun(Child) ->
        ok = headroom_child:call(Child, fun() -> kill(headroom_reserve, 200) end),
        ?assertMatch({ok, #{fds := 64}}, headroom_child:call(Child, fun() -> reserve_soon(600) end)),
        %% And with no room for the process that would take its place.
        ok = headroom_child:call(Child, fun() -> exit(whereis(headroom_reserve), kill), ok end),
        0 = headroom_child:fill(Child, processes),
        ok = headroom_child:call(Child, fun() -> receive after 1500 -> ok end end),
        ok = headroom_child:undo(Child, processes),
        ?assertMatch({ok, _}, headroom_child:call(Child, fun() -> reserve_soon(600) end)),
        ?assert(lists:keymember(headroom, 1, headroom_child:call(Child, application, which_applications, [])))
    end).

kill(_Name, 0) ->
    ok;
kill(Name, Times) ->
    case whereis(Name) of
        undefined -> receive after 1 -> kill(Name, Times) end;
        Pid -> exit(Pid, kill), kill(Name, Times - 1)
    end.

reserve_soon(0) -> headroom:reserve(64);
reserve_soon(Tries) ->
    case headroom:reserve(64) of
        {ok, _} = Taken -> Taken;
        {error, _} -> receive after 100 -> reserve_soon(Tries - 1) end
    end.
