%% A TCP proxy as many are written: one acceptor, one process and two sockets a connection, and a log line when accept
%% fails. Each socket is a port: a client takes two.
-module(proxy).

-export([start/2]).

-define(OPTIONS, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {backlog, 1024}, {reuseaddr, true}]).
%% How often and how long it tries to reach the backend while the client waits.
-define(TRIES, 20).
-define(PAUSE, 500).

%% Proxies connections to a port of this machine. The process Observer hears of each failed accept.
-spec start(inet:port_number(), pid()) -> inet:port_number().
start(Backend, Observer) ->
    {ok, Listener} = gen_tcp:listen(0, ?OPTIONS),
    {ok, Port} = inet:port(Listener),
    Acceptor = spawn(fun() -> receive go -> accept(Listener, Backend, Observer) end end),
    ok = gen_tcp:controlling_process(Listener, Acceptor),
    Acceptor ! go,
    Port.

accept(Listener, Backend, Observer) ->
    case gen_tcp:accept(Listener) of
        {ok, Client} ->
            Handler = spawn(fun() -> receive go -> connect(Client, Backend, ?TRIES) end end),
            ok = gen_tcp:controlling_process(Client, Handler),
            Handler ! go;
        {error, Reason} ->
            Observer ! {failed_accept, Reason}
    end,
    accept(Listener, Backend, Observer).

connect(Client, _Backend, 0) ->
    gen_tcp:close(Client);
connect(Client, Backend, Tries) ->
    case gen_tcp:connect({127, 0, 0, 1}, Backend, [binary, {active, true}]) of
        {ok, Upstream} ->
            ok = inet:setopts(Client, [{active, true}]),
            relay(Client, Upstream);
        {error, _} ->
            receive after ?PAUSE -> connect(Client, Backend, Tries - 1) end
    end.

relay(Client, Upstream) ->
    receive
        {tcp, Client, Data} -> forward(Upstream, Data, Client, Upstream);
        {tcp, Upstream, Data} -> forward(Client, Data, Client, Upstream);
        _ClosedOrFailed -> stop(Client, Upstream)
    end.

forward(To, Data, Client, Upstream) ->
    case gen_tcp:send(To, Data) of
        ok -> relay(Client, Upstream);
        {error, _} -> stop(Client, Upstream)
    end.

stop(Client, Upstream) ->
    gen_tcp:close(Client),
    gen_tcp:close(Upstream).
