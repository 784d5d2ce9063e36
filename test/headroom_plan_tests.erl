%% `plan/1' and `headroom plan' against a gateway that really carries the sessions.
-module(headroom_plan_tests).

-include_lib("eunit/include/eunit.hrl").

-define(SESSIONS, 5000).
-define(OPTIONS, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {backlog, 1024}]).

%% The gateway of the plan's defaults: a socket of the client, one to the server behind, a process. If the plan were wrong here,
%% a node would be built for the wrong number of sessions.
five_thousand_sessions_test_() ->
    {timeout, 600, fun() ->
        Options = #{nofile => 20000, load => [?MODULE, gen_tcp, inet, inet_tcp, prim_inet]},
        headroom_child:with(Options, fun(Gateway) ->
            headroom_child:with(Options, fun(Load) ->
                #{needs := Needs} = headroom_child:call(Gateway, headroom, plan, [#{sessions => ?SESSIONS}]),
                Backend = headroom_child:call(Load, fun backend/0),
                Front = headroom_child:call(Gateway, fun() -> gateway(Backend) end),
                ?SESSIONS = headroom_child:call(Load, fun() -> clients(Front) end, 500000),
                Used = in_use(Gateway, 500),
                [near(Name, Planned, maps:get(Name, Used)) || #{name := Name, used := Planned} <- Needs],
                [near(Name, outside(Name), maps:get(Name, Used)) || Name <- [fds, ports, processes]]
            end)
        end)
    end}.

%% Within five percent.
near(Name, Planned, Used) ->
    ?assert(abs(Planned - Used) * 20 =< Used, {Name, Planned, Used}).

%% What the command plans, which knows nothing of the node.
outside(Name) ->
    Command = [headroom_command:shell(), " plan --json --sessions ", integer_to_list(?SESSIONS)],
    {0, Json} = headroom_sh:run(Command),
    Pattern = ["\"name\":\"", atom_to_list(Name), "\",\"used\":([0-9]+)"],
    {match, [Number]} = re:run(Json, Pattern, [{capture, all_but_first, binary}]),
    binary_to_integer(Number).

%% The gateway connects to the server behind after it accepted: the last ones a moment later.
in_use(Gateway, Tries) ->
    #{resources := Resources} = headroom_child:call(Gateway, headroom, snapshot, []),
    Used = maps:from_list([{Name, Count} || #{name := Name, used := Count} <- Resources]),
    case Used of
        #{ports := Ports} when Ports >= 2 * ?SESSIONS -> Used;
        _ when Tries > 0 -> timer:sleep(200), in_use(Gateway, Tries - 1)
    end.

backend() ->
    {ok, Listener} = gen_tcp:listen(0, ?OPTIONS),
    served(Listener, fun(Socket) -> gen_tcp:recv(Socket, 0) end).

gateway(Backend) ->
    {ok, Listener} = gen_tcp:listen(0, ?OPTIONS),
    served(Listener, fun(Client) ->
        {ok, Server} = gen_tcp:connect({127, 0, 0, 1}, Backend, [binary, {active, false}]),
        {ok, _} = gen_tcp:recv(Client, 0),
        gen_tcp:close(Server)
    end).

%% The port of a listener that a process of its own accepts from; each session is a process.
served(Listener, Session) ->
    Acceptor = spawn(fun() -> receive go -> accept(Listener, Session) end end),
    ok = gen_tcp:controlling_process(Listener, Acceptor),
    Acceptor ! go,
    {ok, Port} = inet:port(Listener),
    Port.

accept(Listener, Session) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = spawn(fun() -> receive go -> Session(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener, Session).

%% Held by the process that connected, which stays.
clients(Front) ->
    Sockets = [connected(Front, 50) || _ <- lists:seq(1, ?SESSIONS)],
    length(Sockets).

connected(Front, Tries) ->
    case gen_tcp:connect({127, 0, 0, 1}, Front, [binary, {active, false}], 60000) of
        {ok, Socket} -> Socket;
        {error, _} when Tries > 0 -> timer:sleep(100), connected(Front, Tries - 1)
    end.

%% A wrong question gets a word, not a plan for something else.
bad_questions_test_() ->
    {timeout, 600, fun() ->
        {ok, _} = application:ensure_all_started(headroom),
        ?assertMatch({error, {bad_plan, undefined, _}}, headroom:plan(#{})),
        ?assertMatch({error, {bad_plan, session, _}}, headroom:plan(#{session => 5})),
        ?assertMatch({error, {bad_plan, sessions, _}}, headroom:plan(#{sessions => -5})),
        ?assertMatch({error, {bad_plan, undefined, _}}, headroom:plan(#{sessions => 5, upstreams => 0})),
        ?assertError(badarg, headroom:plan(sessions))
    end}.
