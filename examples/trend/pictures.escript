#!/usr/bin/env escript
%% The classic three pictures, in 20 seconds: ETS tables that stay (with a saw-tooth), processes that rise and then stay, and
%% ports that leak one in each tenth of a second. It prints headroom:trend() and writes the picture.
%%
%%   ERL_LIBS=_build/default/lib escript examples/trend/pictures.escript trend.svg

-mode(compile).

main([File]) ->
    ok = application:load(headroom),
    ok = application:set_env(headroom, watch, #{interval => 100}),
    {ok, _} = application:ensure_all_started(headroom),
    _ = [spawn_link(Fun) || Fun <- [fun saw_tooth/0, fun plateau/0, fun leak/0]],
    timer:sleep(20000),
    ok = headroom:trend(),
    ok = file:write_file(File, headroom:chart(svg)),
    io:format("~nwritten: ~ts~n", [File]).

saw_tooth() ->
    Tables = [begin timer:sleep(20), ets:new(tooth, []) end || _ <- lists:seq(1, 40)],
    lists:foreach(fun ets:delete/1, Tables),
    saw_tooth().

plateau() ->
    _ = [begin timer:sleep(20), spawn_link(fun() -> receive after infinity -> ok end end) end || _ <- lists:seq(1, 300)],
    receive after infinity -> ok end.

leak() ->
    timer:sleep(100),
    _ = open_port({spawn_driver, "ram_file_drv"}, []),
    leak().
