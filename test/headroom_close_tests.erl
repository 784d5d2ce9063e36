%% What close/1 does to others: nothing, whatever happens between its look and its act.
-module(headroom_close_tests).

-include_lib("eunit/include/eunit.hrl").

-export([targets/2, conn/0]).

-define(LOOPBACK, {127, 0, 0, 1}).

%% The owner gives the socket away at the last moment: neither it nor the new owner has anything to do with the offer.
an_owner_that_changed_is_left_alone_test_() ->
    in_child("handed over", fun(Child) ->
        Closed = call(Child, fun() ->
            Conns = [First | _] = connections(3, []),
            Innocent = spawn(fun idle/0),
            put(all, [Innocent | Conns]),
            close(fun() -> First ! {give, Innocent, self()}, receive given -> ok end end)
        end),
        ?assertMatch({ok, #{asked := 2, moved := 1, left := 0}}, Closed),
        ok = call(Child, fun() -> await_alive(2, get(all)) end)
    end).

%% The process of a socket stays, and the one that it works for is another one now.
a_user_that_changed_is_left_alone_test_() ->
    in_child("handed over behind the backend", fun(Child) ->
        Closed = call(Child, fun() ->
            Conns = [First | _] = connections(1, [{inet_backend, socket}]),
            Innocent = spawn(fun idle/0),
            put(all, [Innocent | Conns]),
            close(fun() -> First ! {give, Innocent, self()}, receive given -> ok end end)
        end),
        ?assertEqual({ok, #{asked => 0, closed => 0, moved => 1, left => 0}}, Closed),
        ?assert(call(Child, fun() -> lists:all(fun is_process_alive/1, get(all)) end))
    end).

%% Its number is another connection's now.
a_descriptor_that_is_given_out_anew_is_left_alone_test_() ->
    in_child("given out anew", fun(Child) ->
        {Closed, Same} = call(Child, fun() ->
            Conns = [First | _] = connections(1, []),
            put(all, Conns),
            First ! {fd, self()},
            Fd = receive {fd, Was} -> Was end,
            Result = close(fun() ->
                First ! {anew, self()},
                receive {anew, Is} -> put(same, Is =:= Fd) end
            end),
            {Result, get(same)}
        end),
        ?assert(Same),
        ?assertEqual({ok, #{asked => 0, closed => 0, moved => 1, left => 0}}, Closed),
        ?assert(call(Child, fun() -> lists:all(fun is_process_alive/1, get(all)) end))
    end).

%% Whoever asks is not ended, though all that it has is of that kind.
the_one_who_asks_is_not_offered_test_() ->
    in_child("one's own", fun(Child) ->
        {Offers, Closed} = call(Child, fun() ->
            {ok, Listener} = gen_tcp:listen(0, [{ip, ?LOOPBACK}, {active, false}]),
            {ok, Port} = inet:port(Listener),
            {ok, Near} = gen_tcp:connect(?LOOPBACK, Port, []),
            {ok, Far} = gen_tcp:accept(Listener),
            [ok = gen_tcp:close(Socket) || Socket <- [Listener, Near]],
            put(far, Far),
            Offers = await_offers(),
            {Offers, [headroom:close(Offer) || Offer <- Offers]}
        end),
        ?assertMatch([#{why := close_wait, how := nothing, gives := 0, line := undefined}], Offers),
        ?assertEqual([{error, nothing_to_close}], Closed),
        ?assertMatch({connected, _}, call(Child, fun() -> erlang:port_info(get(far), connected) end))
    end).

%% Nobody has it, so nobody can be asked, and its number may be somebody else's in the next moment.
nothing_without_an_owner_is_closed_test_() ->
    in_child("no owner", fun(Child) ->
        {Offers, Closed, Stands} = call(Child, fun() ->
            {ok, Socket} = socket:open(inet, stream, tcp, #{use_registry => false}),
            {ok, Fd} = socket:getopt(Socket, otp, fd),
            Offers = headroom:relief(),
            Closed = [headroom:close(Offer) || Offer <- Offers]
                ++ [headroom:close({Why, <<"no owner">>}) || Why <- [owner_gone, close_wait, idle]],
            {Offers, Closed, socket:getopt(Socket, otp, fd) =:= {ok, Fd}}
        end),
        ?assertMatch([#{why := undefined, how := nothing, gives := 1, line := undefined}], Offers),
        ?assertEqual([{error, nothing_to_close} | lists:duplicate(3, {error, no_such_group})], Closed),
        ?assert(Stands)
    end).

%% The line that is printed does it, however odd the name is.
the_line_can_be_typed_test_() ->
    in_child("a line", fun(Child) ->
        Line = call(Child, fun() ->
            Self = self(),
            spawn(fun() ->
                register('o"dd n\x{e4}me\n', self()),
                Self ! {held, connections(2, [])},
                idle()
            end),
            receive {held, _} -> ok end,
            [#{line := Line}] = await_offers(),
            Line
        end),
        {ok, Tokens, _} = erl_scan:string(binary_to_list(Line)),
        {ok, [{call, _, {remote, _, {atom, _, headroom}, {atom, _, close}}, [Argument]}]} = erl_parse:parse_exprs(Tokens),
        {value, Group, _} = erl_eval:expr(Argument, []),
        ?assertMatch({ok, #{asked := 2, moved := 0}}, call(Child, fun() -> headroom:close(Group) end))
    end).

garbage_test_() ->
    [?_assertError(badarg, headroom:close(Garbage))
     || Garbage <- [nothing, <<"group">>, {close_wait, "text"}, {close_wait, group}, {count, <<"group">>}, {other, <<>>},
                    {close_wait, <<1:3>>}, #{}, #{why => close_wait}, #{why => other, group => <<>>}, {<<>>, close_wait},
                    {close_wait, <<>>, now}, [{close_wait, <<>>}]]]
    ++ [?_assertEqual({error, no_such_group}, headroom:close({Why, Group}))
        || Why <- [owner_gone, close_wait, idle], Group <- [<<>>, <<"nobody">>, <<255, 0, 1>>, binary:copy(<<"x">>, 1000000)]].

%%% In the child

%% Stands where headroom_inventory calls the library for what is to be closed.
targets(Sight, Core) ->
    Targets = headroom_nif:holders(targets, Sight, Core),
    case erase(between) of
        undefined -> ok;
        Between -> Between()
    end,
    Targets.

%% Closes what is offered; what happens in between comes after the look.
close(Between) ->
    [Offer] = await_offers(),
    put(between, Between),
    headroom:close(Offer).

await_offers() ->
    case [Offer || #{why := close_wait} = Offer <- headroom:relief()] of
        [] -> receive after 20 -> await_offers() end;
        Offers -> Offers
    end.

%% Those that were asked end when they are scheduled.
await_alive(Count, Pids) ->
    case length([Pid || Pid <- Pids, is_process_alive(Pid)]) of
        Count -> ok;
        More when More > Count -> receive after 20 -> await_alive(Count, Pids) end
    end.

%% So many connections that the other side has closed, each with a process of its own.
connections(Count, Backend) ->
    {ok, Listener} = gen_tcp:listen(0, Backend ++ [{ip, ?LOOPBACK}, {active, false}, {backlog, 128}]),
    {ok, Port} = inet:port(Listener),
    Pairs = [begin
                 {ok, Near} = gen_tcp:connect(?LOOPBACK, Port, [{active, false}]),
                 {ok, Far} = gen_tcp:accept(Listener),
                 Pid = proc_lib:spawn(?MODULE, conn, []),
                 ok = gen_tcp:controlling_process(Far, Pid),
                 Pid ! {socket, Far},
                 {Near, Pid}
             end || _ <- lists:seq(1, Count)],
    ok = gen_tcp:close(Listener),
    [ok = gen_tcp:close(Near) || {Near, _} <- Pairs],
    receive after 100 -> ok end,
    [Pid || {_, Pid} <- Pairs].

conn() -> receive {socket, Socket} -> conn(Socket) end.

conn(Socket) ->
    receive
        {give, Pid, From} ->
            ok = gen_tcp:controlling_process(Socket, Pid),
            From ! given,
            conn(Socket);
        {fd, From} ->
            From ! {fd, fd(Socket)},
            conn(Socket);
        {anew, From} ->
            Fd = fd(Socket),
            ok = gen_tcp:close(Socket),
            Others = opened_until(Fd, []),
            From ! {anew, fd(hd(Others))},
            conn(Others)
    end.

%% The kernel gives out the lowest number that is free.
opened_until(Fd, Sockets) when length(Sockets) < 50 ->
    {ok, Socket} = gen_udp:open(0, [{ip, ?LOOPBACK}]),
    case fd(Socket) of
        Fd -> [Socket | Sockets];
        _ -> opened_until(Fd, [Socket | Sockets])
    end;
opened_until(_, Sockets) ->
    Sockets.

fd(Port) when is_port(Port) -> {ok, Fd} = prim_inet:getfd(Port), Fd.

idle() -> receive stop -> ok end.

%%% Common

call(Child, Fun) -> headroom_child:call(Child, Fun).

in_child(Title, Test) ->
    Load = [?MODULE, gen_tcp, gen_udp, gen_tcp_socket, inet_tcp, inet_udp, prim_socket],
    {Title, {timeout, 600, fun() ->
        Code = with_targets(),
        headroom_child:with(#{load => Load}, fun(Child) ->
            {module, _} = call(Child, fun() -> code:load_binary(headroom_inventory, "headroom_inventory.beam", Code) end),
            Test(Child)
        end)
    end}}.

%% headroom_inventory, which asks targets/2 of this module for what is to be closed.
with_targets() ->
    File = code:where_is_file("headroom_inventory.beam"),
    {ok, {_, [{abstract_code, {raw_abstract_v1, Forms}}]}} = beam_lib:chunks(File, [abstract_code]),
    {ok, headroom_inventory, Code} = compile:forms(renamed(Forms), []),
    Code.

renamed({call, Anno, {remote, _, {atom, _, headroom_nif}, {atom, _, holders}}, [{atom, _, targets} | Arguments]}) ->
    {call, Anno, {remote, Anno, {atom, Anno, ?MODULE}, {atom, Anno, targets}}, Arguments};
renamed(Form) when is_tuple(Form) -> list_to_tuple(renamed(tuple_to_list(Form)));
renamed([Form | Forms]) -> [renamed(Form) | renamed(Forms)];
renamed(Form) -> Form.
