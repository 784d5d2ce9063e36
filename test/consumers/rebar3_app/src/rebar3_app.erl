%% Prints what headroom says about the node that boots it, then stops the node.
-module(rebar3_app).
-behaviour(application).
-behaviour(supervisor).

-export([start/2, stop/1]).
-export([init/1]).

start(_Type, _Args) ->
    {ok, Listed} = file:list_dir("/proc/self/fd"),
    #{level := Level, binding := Binding, resources := Resources} = headroom:snapshot(),
    io:format("level=~p binding=~p~n", [Level, Binding]),
    [io:format("~p used=~p limit=~p~n", [Name, Used, Limit])
     || #{name := Name, used := Used, limit := Limit} <- Resources],
    io:format("listed=~p~n", [length(Listed)]),
    [io:format("library=~ts~n", [Path]) || Path <- libraries()],
    _ = spawn(fun stop_when_booted/0),
    supervisor:start_link({local, rebar3_app}, ?MODULE, []).

stop(_State) -> ok.

init([]) -> {ok, {#{}, []}}.

%% The files that the process has mapped, as the kernel names them.
libraries() ->
    {ok, Maps} = file:read_file("/proc/self/maps"),
    {match, Paths} = re:run(Maps, "/.*headroom_nif\\.so.*", [global, {capture, first, binary}]),
    lists:usort(lists:append(Paths)).

stop_when_booted() ->
    case init:get_status() of
        {started, _} -> init:stop();
        _ -> timer:sleep(10), stop_when_booted()
    end.
