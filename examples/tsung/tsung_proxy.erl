%% The proxy of examples/proxy with its backend in one node, for Tsung to fill: it prints its port, says what health/0 was
%% until accept failed, explains the failure, and ends once the clients have left and all is well.
%%
%%   erl +Q 1024 -noinput -pa EBIN... -s tsung_proxy main
-module(tsung_proxy).

-export([main/0]).

-define(LONGEST, 150000).
-define(PAUSE, 20).

main() ->
    _ = spawn(fun() -> receive after ?LONGEST -> io:format("it took too long~n"), halt(1) end end),
    {ok, _} = application:ensure_all_started(headroom),
    io:format("proxy ~b~n", [proxy:start(backend(), self())]),
    {Reason, Levels} = until_failure([ok]),
    io:format("accept failed with ~p; the level was ~p~n", [Reason, lists:reverse(Levels)]),
    [critical | _] = Levels,
    ok = headroom:explain({error, Reason}, accept),
    #{verdict := port_table, basis := observed} = headroom:diagnose({error, Reason}, accept),
    well_again(),
    io:format("the clients have left: ~p~n", [headroom:health()]),
    halt(0).

%% The levels until then, the last one first.
until_failure([Last | _] = Levels) ->
    receive
        {failed_accept, Reason} -> {Reason, Levels}
    after ?PAUSE ->
        case level() of
            Last -> until_failure(Levels);
            Level -> until_failure([Level | Levels])
        end
    end.

well_again() ->
    receive
        {failed_accept, _} -> well_again()
    after ?PAUSE ->
        level() =:= ok orelse well_again()
    end.

level() ->
    case headroom:health() of
        ok -> ok;
        {Level, _Findings} -> Level
    end.

%% Answers each word with itself.
backend() ->
    {ok, Listener} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {backlog, 1024}]),
    {ok, Port} = inet:port(Listener),
    Acceptor = spawn(fun() -> receive go -> accept(Listener) end end),
    ok = gen_tcp:controlling_process(Listener, Acceptor),
    Acceptor ! go,
    Port.

accept(Listener) ->
    case gen_tcp:accept(Listener) of
        {ok, Socket} ->
            Echo = spawn(fun() -> receive go -> echo(Socket) end end),
            ok = gen_tcp:controlling_process(Socket, Echo),
            Echo ! go;
        {error, _} ->
            ok
    end,
    accept(Listener).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> _ = gen_tcp:send(Socket, Data), echo(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.
