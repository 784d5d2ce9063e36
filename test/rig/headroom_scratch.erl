%% A path and a port that nobody uses.
-module(headroom_scratch).

-export([path/1, port/0]).

%% In the folder for temporary files; nothing is there yet, and whoever makes it deletes it.
-spec path(string()) -> file:filename().
path(Kind) ->
    Name = io_lib:format("headroom-~s-~b.~s", [os:getpid(), erlang:unique_integer([positive]), Kind]),
    filename:join(os:getenv("TMPDIR", "/tmp"), lists:flatten(Name)).

%% Of the loopback.
-spec port() -> inet:port_number().
port() ->
    {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listener),
    ok = gen_tcp:close(Listener),
    Port.
