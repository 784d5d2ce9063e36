%% The servers that most nodes run: Debian's Ranch and Cowboy, from the package rabbitmq-server, with a handler that does not
%% close. Skipped where they are not, or where they were compiled for a younger OTP.
-module(headroom_ranch_tests).

-include_lib("eunit/include/eunit.hrl").

-export([start_link/3, serve/2, init/2]).

-define(LOOPBACK, {127, 0, 0, 1}).

%% All connections have the same supervisor, so it is the listener that tells the leaking server from the others.
the_leaking_listener_is_the_first_line_test_() ->
    case folders() of
        {skipped, Why} ->
            io:format(user, "~n~s: ~s~n", [?MODULE, Why]),
            {Why, []};
        {ok, Folders} ->
            {"Ranch and Cowboy", {timeout, 600, fun() ->
                Paths = lists:append([["-pa", Folder] || Folder <- Folders]),
                headroom_child:with(#{nofile => 1024, load => [?MODULE], args => Paths}, fun leaking/1)
            end}}
    end.

leaking(Child) ->
    {Chat, Web} = headroom_child:call(Child, fun serving/0),
    ok = until(fun() ->
        #{holders := [#{listener := Listener, count := 20, close_wait := 15, why := close_wait} | _]} =
            headroom_child:call(Child, fun() -> headroom:inventory() end),
        Listener =:= Chat
    end, 100),
    #{holders := Holders, orphans := [], zombies := []} = headroom_child:call(Child, fun() -> headroom:inventory() end),
    ?assertMatch([#{count := 30, close_wait := 0, application := ranch}],
                 [Group || #{listener := Listener} = Group <- Holders, Listener =:= Web]),
    {ok, Printed} = headroom_child:capture(Child, unicode, fun() -> headroom:holders() end),
    [Line | _] = binary:split(Printed, <<"\n\n">>),
    Text = iolist_to_binary(re:replace(Line, "\\n +", " ", [global])),
    ?assertMatch({_, _}, binary:match(Text, <<" at ", Chat/binary, ": 15 of 20 in CLOSE_WAIT">>)),
    ?assertMatch({0, _}, binary:match(Text, <<"ranch_sup headroom_ranch_tests:serve/2 (ranch)">>)).

folders() ->
    Plugins = filelib:wildcard("/usr/lib/rabbitmq/lib/*/plugins/{ranch,cowboy,cowlib}-*/ebin"),
    Loads = [code:load_abs(filename:join(Folder, Module)) || Folder <- Plugins, Module <- ["ranch"],
                                                             lists:prefix("ranch-", filename:basename(filename:dirname(Folder)))],
    case {length(Plugins), Loads} of
        {3, [{module, _}]} -> {ok, Plugins};
        {3, _} -> {skipped, "Debian's Ranch is for another OTP"};
        _ -> {skipped, "no Ranch and Cowboy here: the package rabbitmq-server has them"}
    end.

%%% In the child

serving() ->
    {ok, _} = application:ensure_all_started(cowboy),
    Options = #{socket_opts => [{ip, ?LOOPBACK}, {port, 0}]},
    Routes = cowboy_router:compile([{'_', [{"/", ?MODULE, []}]}]),
    {ok, _} = cowboy:start_clear(web, Options, #{env => #{dispatch => Routes}}),
    {ok, _} = ranch:start_listener(chat, ranch_tcp, Options, ?MODULE, []),
    Chats = [connect(chat) || _ <- lists:seq(1, 20)],
    Webs = [connect(web) || _ <- lists:seq(1, 30)],
    [begin
         ok = gen_tcp:send(Socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
         {ok, <<"HTTP/1.1 200", _/binary>>} = gen_tcp:recv(Socket, 0, 10000)
     end || Socket <- Webs],
    lists:foreach(fun gen_tcp:close/1, lists:sublist(Chats, 15)),
    put(held, {Chats, Webs}),
    {address(chat), address(web)}.

connect(Name) ->
    {ok, Socket} = gen_tcp:connect(?LOOPBACK, ranch:get_port(Name), [binary, {active, false}]),
    Socket.

address(Name) -> iolist_to_binary(["127.0.0.1:", integer_to_list(ranch:get_port(Name))]).

%% A protocol of Ranch that forgets its sockets.
start_link(Name, _Transport, _Options) -> {ok, proc_lib:spawn_link(?MODULE, serve, [Name, self()])}.

serve(Name, _Supervisor) ->
    {ok, _} = ranch:handshake(Name),
    receive stop -> ok end.

%% A handler of Cowboy.
init(Request, State) ->
    {ok, cowboy_req:reply(200, #{}, <<"ok">>, Request), State}.

until(Holds, Tries) ->
    try true = Holds(), ok
    catch
        error:_ when Tries > 0 -> receive after 100 -> until(Holds, Tries - 1) end
    end.
