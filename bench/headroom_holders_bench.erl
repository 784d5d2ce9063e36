%% Prints what an inventory costs at several numbers of gen_tcp sockets, each with a process of its own: the kernel's half,
%% the rest (the join with the VM) and its share of that half, the whole; what users of recon write, recon:port_types/0 and a
%% walk over the ports with their owners, all in time of the processor; and the longest gap that a process saw meanwhile which
%% only asks for the time, by the clock. It judges nothing.
%%   erl +P 100000 ... -run headroom_holders_bench main N...
-module(headroom_holders_bench).

-export([main/1, conn/0, probe/3]).

-define(ROUNDS, 5).

main(Counts) ->
    {ok, _} = application:ensure_all_started(headroom),
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {active, false}, {backlog, 1024}]),
    io:format("OTP ~s; milliseconds~n~8s ~8s ~8s ~9s ~10s ~10s ~10s ~8s~n",
              [erlang:system_info(otp_release), "sockets", "look", "join", "join/look", "inventory", "port_types", "port walk",
               "gap"]),
    lists:foldl(fun(Count, Held) -> measure(list_to_integer(Count), Listener, Held) end, 0, Counts),
    halt(0, [{flush, false}]).

measure(Count, Listener, Held) ->
    {ok, Port} = inet:port(Listener),
    [pair(Listener, Port) || _ <- lists:seq(1, (Count - Held) div 2)],
    Look = fastest(fun() -> look({start, 900000}) end),
    {Inventory, Gap} = probed(fun() -> fastest(fun headroom:inventory/0) end),
    Join = Inventory - Look,
    io:format("~8b ~8.1f ~8.1f ~9.2f ~10.1f ~10s ~10.1f ~8.1f~n",
              [Count, Look, Join, Join / Look, Inventory, port_types(), fastest(fun walk/0), Gap]),
    Count.

pair(Listener, Port) ->
    {ok, Near} = gen_tcp:connect({127, 0, 0, 1}, Port, [{active, false}]),
    {ok, Far} = gen_tcp:accept(Listener),
    [ok = gen_tcp:controlling_process(Socket, proc_lib:spawn(?MODULE, conn, [])) || Socket <- [Near, Far]].

conn() -> receive stop -> ok end.

look(State) ->
    case headroom_nif:look(State) of
        {more, Next, _} -> look(Next);
        {done, _} -> ok;
        busy -> look(State)
    end.

%% RabbitMQ's package brings recon along.
port_types() ->
    case code:ensure_loaded(recon) of
        {module, recon} -> io_lib:format("~.1f", [fastest(fun() -> apply(recon, port_types, []) end)]);
        {error, _} -> "-"
    end.

%% The walk over inet ports with their owners.
walk() ->
    Ports = [{erlang:port_info(Port, name), erlang:port_info(Port, connected), inet:getstat(Port), inet:peername(Port)}
             || Port <- erlang:ports(), erlang:port_info(Port, name) =:= {name, "tcp_inet"}],
    [{Owner, process_info(Owner, [registered_name, initial_call, dictionary])} || {_, {connected, Owner}, _, _} <- Ports].

%% Milliseconds of the processor, all threads of the node together: others on the machine hardly change them.
fastest(Fun) ->
    lists:min([headroom_measure:once(Fun) / 1000 || _ <- lists:seq(1, ?ROUNDS)]).

%% The longest time, in milliseconds, between two looks of another process at the clock.
probed(Fun) ->
    Self = self(),
    Probe = spawn_link(fun() -> probe(Self, erlang:monotonic_time(microsecond), 0) end),
    Result = Fun(),
    Probe ! stop,
    receive {Probe, Gap} -> {Result, Gap / 1000} end.

probe(To, Last, Longest) ->
    receive
        stop -> To ! {self(), Longest}
    after 1 ->
        Now = erlang:monotonic_time(microsecond),
        probe(To, Now, max(Longest, Now - Last))
    end.
