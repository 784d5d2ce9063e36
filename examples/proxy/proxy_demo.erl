%% The story that headroom exists for, in less than a minute and on loopback alone: thousands of clients, a proxy whose
%% accept fails, and everybody suspects the kernel. The node runs with `+Q 1024' and with descriptors to spare.
-module(proxy_demo).

-export([main/0]).

%% Whatever happens, it ends.
-define(LONGEST, 50000).
%% Between the first failure and the question, so that the clients keep coming while it is asked.
-define(MEANWHILE, 1500).

main() ->
    _ = spawn(fun() -> receive after ?LONGEST -> give_up("it took too long") end end),
    {ok, _} = application:ensure_all_started(headroom),
    Load = open_load(),
    Backend = backend(Load),
    Proxy = proxy:start(Backend, self()),
    say("A proxy listens on port ~b. Its port table has ~b slots, its process may open ~s descriptors.",
        [Proxy, erlang:system_info(port_limit), soft(headroom:snapshot())]),
    say("3000 clients come, some hundreds a second. Each takes two ports: its own socket and the one to the backend.", []),
    true = port_command(Load, [integer_to_list(Proxy), "\n"]),
    Reason = first_failure(Load),
    receive after ?MEANWHILE -> ok end,
    say("", []),
    say("1> headroom:explain({error, ~p}, accept).", [Reason]),
    ok = headroom:explain({error, Reason}, accept),
    #{verdict := port_table, basis := observed} = headroom:diagnose({error, Reason}, accept),
    "all came" = line(Load),
    true = port_command(Load, "stop\n"),
    Count = line(Load),
    say("", []),
    say("The clients' side: ~s.", [Count]),
    halt(0).

%% A node of its own, so that the clients' sockets are not the proxy's ports.
open_load() ->
    Erl = filename:join([code:root_dir(), "bin", "erl"]),
    Args = ["-noshell", "-boot", "start_clean", "-pa", filename:dirname(code:which(?MODULE)),
            "-s", "proxy_load", "main"],
    open_port({spawn_executable, Erl}, [{args, Args}, {line, 200}, exit_status, use_stdio]).

backend(Load) ->
    receive
        {Load, {data, {eol, "backend " ++ Port}}} -> list_to_integer(Port);
        {Load, {exit_status, Status}} -> give_up(io_lib:format("the clients' node ended with ~b", [Status]))
    end.

%% The proxy's log. Only the first failure: from then on there is one for each client.
first_failure(Load) ->
    receive
        {failed_accept, Reason} ->
            logger:error("Failed TCP accept: ~p", [Reason]),
            Reason;
        {Load, {exit_status, Status}} ->
            give_up(io_lib:format("the clients' node ended with ~b", [Status]))
    end.

line(Load) ->
    receive
        {Load, {data, {eol, Line}}} -> Line;
        {Load, {exit_status, Status}} -> give_up(io_lib:format("the clients' node ended with ~b", [Status]))
    end.

soft(#{nofile := #{soft := Soft}}) -> integer_to_list(Soft).

say(Format, Args) ->
    io:format(Format ++ "~n", Args).

-spec give_up(iodata()) -> no_return().
give_up(Why) ->
    io:format(standard_error, "demo: ~s~n", [Why]),
    halt(1).
