%% A module that is loaded only when it is needed is missing when no descriptor is left to read it with.
-module(headroom_preload_tests).

-include_lib("eunit/include/eunit.hrl").

%% A call that loads a module throws `undef' in the incident.
public_calls_load_nothing_test_() ->
    in_child(#{}, fun(Child) ->
        ?assertEqual([], headroom_child:call(Child, headroom_public, loading, [[data, prints]])),
        {Loading, _} = headroom_child:capture(Child, unicode, fun() -> headroom_public:loading([prints]) end),
        ?assertEqual([], Loading)
    end).

%% OTP 25 takes the default handler away for good when the modules that format an event cannot be loaded.
log_events_load_nothing_test_() ->
    in_child(#{}, fun(Child) ->
        Loading = headroom_child:call(Child, fun() -> loading_shapes() end),
        ?assertEqual([], Loading)
    end).

loading_shapes() ->
    [{Shape, Loaded} || {Shape, _} <- headroom_crashes:shapes(), Loaded <- [loaded_by(Shape)], Loaded =/= []].

loaded_by(Shape) ->
    Before = erlang:loaded(),
    ok = headroom_crashes:run(Shape),
    logged(),
    erlang:loaded() -- Before.

%% The handler's process has formatted and written all that was logged before.
logged() ->
    ok = logger_std_h:filesync(default).

%% An operator who enters the node when no code can be loaded any more would get a dead shell.
remote_shell_loads_nothing_test_() ->
    Cookie = ["-setcookie", "headroom"],
    Name = "headroom" ++ os:getpid() ++ "@127.0.0.1",
    Dist = ["-start_epmd", "false", "-erl_epmd_port", integer_to_list(headroom_scratch:port()) | Cookie],
    Shell = ["-name", "shell" ++ Name, "-dist_listen", "false", "-hidden", "-remsh", Name | Dist],
    {timeout, Time, Test} = in_child(#{args => ["-name", Name | Dist]}, fun(Child) ->
        Before = headroom_child:call(Child, erlang, loaded, []),
        Seen = type_into_shell(Shell, [{"1> ", "headroom:report().\r"},
                                       {"2> ", "headroom:sn\t\^u1.\r"},
                                       {"3> ", "X = [1, a, #{b => <<1>>}, 1.5, \"text\", self()].\r"},
                                       {"4> ", "headroom:snapshot(jsn).\r"},
                                       {"5> ", "no_such_module:f(.\r"},
                                       {"5> ", "lists:map(fun(Y) -> 1 / Y end, [0]).\r"},
                                       {"6> ", "spawn(fun() -> exit(X) end), rr(file), catch throw(X).\r"},
                                       {"7> ", [7]},
                                       {"--> ", "q\r"}]),
        ?assertMatch({_, _}, binary:match(Seen, <<"<- closest">>), Seen),
        ?assertEqual([], headroom_child:call(Child, erlang, loaded, []) -- Before, Seen)
    end),
    {timeout, Time, headroom_machine:needs(terminals, {"a remote shell", Test})}.

%% A real shell on a real terminal, which `script' gives it. Answers what was on the screen.
type_into_shell(Args, Steps) ->
    Erl = filename:join([code:root_dir(), "bin", "erl"]),
    Command = lists:flatten(lists:join(" ", ["exec", Erl | Args])),
    Port = open_port({spawn_executable, os:find_executable("script")},
                     [{args, ["-qefc", Command, "/dev/null"]}, {env, [{"TERM", "xterm"}]},
                      stderr_to_stdout, binary, exit_status]),
    type(Port, Steps, <<>>, <<>>).

type(Port, [{Prompt, Keys} | Steps], New, Seen) ->
    case binary:split(New, list_to_binary(Prompt)) of
        [Before, Rest] ->
            true = port_command(Port, Keys),
            type(Port, Steps, Rest, <<Seen/binary, Before/binary, (list_to_binary(Prompt))/binary>>);
        [New] ->
            receive
                {Port, {data, Data}} -> type(Port, [{Prompt, Keys} | Steps], <<New/binary, Data/binary>>, Seen);
                {Port, {exit_status, Status}} -> erlang:error({shell_ended, Status, <<Seen/binary, New/binary>>})
            after 100000 ->
                erlang:error({no_prompt, Prompt, <<Seen/binary, New/binary>>})
            end
    end;
type(Port, [], New, Seen) ->
    receive
        {Port, {data, Data}} -> type(Port, [], <<New/binary, Data/binary>>, Seen);
        {Port, {exit_status, 0}} -> <<Seen/binary, New/binary>>
    after 100000 ->
        erlang:error({shell_goes_on, <<Seen/binary, New/binary>>})
    end.

in_child(Options, Test) ->
    Loaded = [?MODULE, headroom_public | headroom_crashes:needed()],
    {timeout, 600, fun() -> headroom_child:with(Options#{load => Loaded}, Test) end}.
