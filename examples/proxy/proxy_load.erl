%% The other end of the demo, in a node of its own: an echo server as the backend, and clients of the proxy.
%%
%% Prints `backend PORT', reads the proxy's port, opens the clients at a steady pace, prints `all came', and what became
%% of them when another line says so. It ends with its standard input.
-module(proxy_load).

-export([main/0]).

-define(CLIENTS, 3000).
%% So many are opened, then there is a pause of some milliseconds: about 700 a second.
-define(BATCH, 20).
-define(PAUSE, 25).
-define(LOOPBACK, {127, 0, 0, 1}).

main() ->
    {ok, Backend} = gen_tcp:listen(0, [binary, {active, false}, {ip, ?LOOPBACK}, {backlog, 1024}]),
    {ok, Port} = inet:port(Backend),
    Echo = spawn(fun() -> receive go -> echo(Backend) end end),
    ok = gen_tcp:controlling_process(Backend, Echo),
    Echo ! go,
    io:format("backend ~b~n", [Port]),
    Proxy = list_to_integer(string:trim(io:get_line(""))),
    Caller = self(),
    _ = spawn(fun() -> _ = io:get_line(""), Caller ! stop end),
    {Served, Closed, Open} = clients(Proxy, ?CLIENTS, #{}, {0, 0}),
    io:format("~b clients: ~b were served, ~b were accepted and closed at once, ~b still wait for an answer~n",
              [?CLIENTS, Served, Closed, Open]),
    halt(0, [{flush, true}]).

%% Each client says one word, so each that gets an answer was served.
clients(_Proxy, 0, Open, Counts) ->
    io:format("all came~n"),
    watch(Open, Counts, infinity);
clients(Proxy, Left, Open, Counts) ->
    Sockets = [Socket || {ok, Socket} <- [connect(Proxy) || _ <- lists:seq(1, min(?BATCH, Left))]],
    More = maps:merge(Open, maps:from_list([{Socket, waiting} || Socket <- Sockets])),
    case watch(More, Counts, ?PAUSE) of
        {more, Still, Now} -> clients(Proxy, Left - min(?BATCH, Left), Still, Now);
        Done -> Done
    end.

connect(Proxy) ->
    case gen_tcp:connect(?LOOPBACK, Proxy, [binary, {active, true}], 2000) of
        {ok, Socket} ->
            _ = gen_tcp:send(Socket, <<"hello">>),
            {ok, Socket};
        Error ->
            Error
    end.

watch(Open, {Served, Closed} = Counts, Timeout) ->
    receive
        {tcp, Socket, _} -> watch(Open#{Socket => served}, {Served + 1, Closed}, Timeout);
        {tcp_closed, Socket} when map_get(Socket, Open) =:= waiting ->
            watch(maps:remove(Socket, Open), {Served, Closed + 1}, Timeout);
        {tcp_closed, _} -> watch(Open, Counts, Timeout);
        {tcp_error, _, _} -> watch(Open, Counts, Timeout);
        stop -> {Served, Closed, length([waiting || waiting <- maps:values(Open)])}
    after Timeout ->
        {more, Open, Counts}
    end.

echo(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Server = spawn(fun() -> receive go -> answer(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Server),
    Server ! go,
    echo(Listener).

answer(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> _ = gen_tcp:send(Socket, Data), answer(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.
