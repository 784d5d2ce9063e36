%% Drives an ejabberd that script/integration started, and asserts what headroom says of it.
%%
%% Not in the unit tests: it needs Debian's ejabberd, and ten seconds of connections on loopback.
-module(ejabberd_run).

-export([shipped/0, port_limit/0, leak/0]).

-define(LOOPBACK, {127, 0, 0, 1}).
%% Never more than 100 connections a second.
-define(PAUSE, 10).

%% As Debian ships it: a port table of 32000, rounded up.
shipped() ->
    run(fun(#{node := Node} = Env) ->
        #{beam := #{ports := {_, Ports}}, nofile := #{max_fds := MaxFds}} = Snapshot = ask(Node, snapshot, []),
        32768 = Ports,
        #{boot := #{port_limit_source := env, erl_max_ports := <<"32000">>}} = Snapshot,
        io:put_chars(ask(Node, report_text, [])),
        case MaxFds > Ports of
            true ->
                [_] = notices(Snapshot, ports_below_nofile);
            false ->
                %% The hard limit of this machine is what keeps the finding away.
                [] = notices(Snapshot, ports_below_nofile),
                io:format("(nofile is ~b here, not above the port table: ports_below_nofile is for the next run)~n",
                          [MaxFds])
        end,
        {200, <<"{\"level\":\"ok\",\"findings\":[]}">>} = probe(connect_http(Env), Env),
        {404, _} = get(connect_http(Env), Env, "/headroom/other"),
        answers_xmpp(Env)
    end).

%% With fewer ports than descriptors, under clients that stay: the level is critical before the first of them is refused.
port_limit() ->
    run(fun(#{node := Node} = Env) ->
        #{beam := #{ports := {_, 1024}}} = Snapshot = ask(Node, snapshot, []),
        [_] = notices(Snapshot, ports_below_nofile),
        io:put_chars(ask(Node, report_text, [])),
        Http = connect_http(Env),
        {200, _} = probe(Http, Env),

        {Clients, Levels} = fill(Env, Http, [], []),
        io:format("~b clients stay connected, then one is refused. Until then the probe said:~n~s",
                  [length(Clients), [io_lib:format("  ~b clients: ~s~n", [N, Level]) || {N, Level} <- Levels]]),
        [{_, <<"ok">>}, {_, <<"warning">>}, {_, <<"critical">>}] = Levels,

        {503, Critical} = probe(Http, Env),
        io:format("refused; /headroom answers 503:~n  ~ts~n", [Critical]),
        {critical, _} = ask(Node, health, []),
        #{verdict := port_table, basis := observed} = ask(Node, diagnose, [{error, system_limit}, accept]),
        io:put_chars(ask(Node, explain_text, [{error, system_limit}, accept])),

        ok = await(fun() -> logged(Env) =:= <<"critical">> end),
        lists:foreach(fun gen_tcp:close/1, Clients),
        ok = await(fun() -> ask(Node, health, []) =:= ok end),
        {200, _} = probe(Http, Env),
        answers_xmpp(Env),
        changes_logged(Env)
    end).

%% Clients that leave while nobody of ejabberd closes: the listener that leaks is the first line, of those that it has.
leak() ->
    run(fun(#{node := Node, c2s := Port} = Env) ->
        Address = iolist_to_binary(["127.0.0.1:", integer_to_list(Port)]),
        Clients = [begin {ok, Client} = connect_xmpp(Env), Client end || _ <- lists:seq(1, 20)],
        Http = [connect_http(Env) || _ <- lists:seq(1, 30)],
        #{holders := Before} = ask(Node, inventory, [#{sample => 100}]),
        Served = [Pid || #{listener := Listener, sample := Samples} <- Before, Listener =:= Address,
                         #{pid := Pid} <- Samples],
        20 = length(Served),
        %% What is asked of them waits, and so does the end of their connections.
        [ok = rpc:call(Node, sys, suspend, [Pid]) || Pid <- Served],
        [ok = gen_tcp:send(Client, " ") || Client <- Clients],
        timer:sleep(500),
        lists:foreach(fun gen_tcp:close/1, Clients),
        ok = await(fun() ->
            #{holders := [First | _]} = ask(Node, inventory, []),
            maps:with([listener, count, close_wait, why], First)
                =:= #{listener => Address, count => 20, close_wait => 20, why => close_wait}
        end),
        #{holders := [#{group := Group, application := ejabberd, message := Message} | _]} = ask(Node, inventory, []),
        io:format("~ts at ~ts: ~ts~n", [Group, Address, Message]),
        lists:foreach(fun gen_tcp:close/1, Http)
    end).

run(Scenario) ->
    Env = #{node => list_to_atom(env("NODE")),
            http => list_to_integer(env("HTTP_PORT")),
            c2s => list_to_integer(env("C2S_PORT")),
            log => env("LOG")},
    try
        pong = net_adm:ping(maps:get(node, Env)),
        Scenario(Env),
        halt(0)
    catch
        Class:Reason:Stacktrace ->
            io:format("FAILED ~p~n", [{Class, Reason, Stacktrace}]),
            halt(1)
    end.

env(Name) ->
    Value = os:getenv("HEADROOM_IT_" ++ Name),
    true = is_list(Value),
    Value.

%% Over a connection that is older than the exhaustion.
ask(Node, Function, Args) ->
    rpc:call(Node, headroom, Function, Args, 10000).

notices(#{findings := Findings}, Wanted) ->
    [Finding || #{id := Id, level := notice} = Finding <- Findings, Id =:= Wanted].

await(Condition) -> await(Condition, 300).

await(Condition, Tries) when Tries > 0 ->
    case Condition() of
        true -> ok;
        false -> timer:sleep(100), await(Condition, Tries - 1)
    end.

%%% Clients

%% Opens clients until one is refused, with the levels that the probe said on the way.
fill(Env, Http, Clients, Levels) when length(Clients) < 1024 ->
    timer:sleep(?PAUSE),
    {_, Body} = probe(Http, Env),
    {match, [Level]} = re:run(Body, "\"level\":\"([a-z]+)\"", [{capture, all_but_first, binary}]),
    Seen = seen({length(Clients), Level}, Levels),
    case connect_xmpp(Env) of
        {ok, Client} -> fill(Env, Http, [Client | Clients], Seen);
        refused -> {Clients, lists:reverse(Seen)}
    end.

seen({_, Level}, [{_, Level} | _] = Levels) -> Levels;
seen(New, Levels) -> [New | Levels].

answers_xmpp(Env) ->
    {ok, Client} = connect_xmpp(Env),
    ok = gen_tcp:close(Client).

%% A full port table takes the connection and closes it at once: what counts is an answer.
connect_xmpp(#{c2s := Port}) ->
    Header = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
             " xmlns:stream='http://etherx.jabber.org/streams'>",
    {ok, Socket} = gen_tcp:connect(?LOOPBACK, Port, [binary, {active, false}], 5000),
    _ = gen_tcp:send(Socket, Header),
    case await_features(Socket, <<>>) of
        ok -> {ok, Socket};
        refused -> ok = gen_tcp:close(Socket), refused
    end.

await_features(Socket, Received) ->
    case gen_tcp:recv(Socket, 0, 10000) of
        {ok, Data} ->
            Stream = <<Received/binary, Data/binary>>,
            case binary:match(Stream, <<"<stream:features">>) of
                nomatch -> await_features(Socket, Stream);
                _ -> ok
            end;
        {error, Reason} when Reason =:= closed; Reason =:= econnreset ->
            refused
    end.

%%% The probe, over one connection that is kept: with a full port table there is no other

connect_http(#{http := Port}) ->
    {ok, Socket} = gen_tcp:connect(?LOOPBACK, Port, [binary, {active, false}, {packet, http_bin}], 5000),
    Socket.

probe(Socket, Env) -> get(Socket, Env, "/headroom").

get(Socket, #{http := Port}, Path) ->
    ok = inet:setopts(Socket, [{packet, http_bin}]),
    ok = gen_tcp:send(Socket, io_lib:format("GET ~s HTTP/1.1\r\nHost: localhost:~b\r\n\r\n", [Path, Port])),
    {ok, {http_response, _, Status, _}} = gen_tcp:recv(Socket, 0, 5000),
    Headers = headers(Socket),
    %% A prober that finds two takes the one it likes.
    1 = length([Type || {'Content-Type', Type} <- Headers]),
    Length = binary_to_integer(proplists:get_value('Content-Length', Headers, <<"0">>)),
    ok = inet:setopts(Socket, [{packet, raw}]),
    {Status, body(Socket, Length)}.

headers(Socket) ->
    case gen_tcp:recv(Socket, 0, 5000) of
        {ok, {http_header, _, Name, _, Value}} -> [{Name, Value} | headers(Socket)];
        {ok, http_eoh} -> []
    end.

body(_Socket, 0) ->
    <<>>;
body(Socket, Length) ->
    {ok, Body} = gen_tcp:recv(Socket, Length, 5000),
    Body.

%%% The log

%% Each line begins where the one before ended, so none is missing and none is said twice.
changes_logged(#{log := Log} = Env) ->
    ok = await(fun() -> logged(Env) =:= <<"ok">> end),
    Changes = changes(Log),
    io:format("changes of level in the log: ~p~n", [Changes]),
    _ = lists:foldl(fun({From, To}, From) when From =/= To -> To end, <<"ok">>, Changes),
    [{<<"ok">>, <<"warning">>}, {<<"warning">>, <<"critical">>} | _] = Changes,
    {ok, Text} = file:read_file(Log),
    io:format("ejabberd about the refused client: ~s~n",
              [hd(binary:split(hd(tl(binary:split(Text, <<"Failed TCP accept">>))), <<"\n">>))]).

%% The level that the log has last.
logged(#{log := Log}) ->
    {_, Level} = lists:last(changes(Log)),
    Level.

changes(Log) ->
    {ok, Text} = file:read_file(Log),
    case re:run(Text, "headroom: ([a-z]+) -> ([a-z]+)", [global, {capture, all_but_first, binary}]) of
        {match, Found} -> [{From, To} || [From, To] <- Found];
        nomatch -> [{none, none}]
    end.
