%% The plan of the Erlang side, kept: modules in order, and none calls one above itself.
-module(headroom_floors_tests).

-include_lib("eunit/include/eunit.hrl").

%% From the ground up. A module may call those on floors before its own.
floors() ->
    [[headroom_nif],
     [headroom_config, headroom_deadline, headroom_held, headroom_own_file, headroom_preload],
     [headroom_beam, headroom_exposure, headroom_helper, headroom_history, headroom_owners],
     [headroom_ask, headroom_guard],
     [headroom_harden, headroom_inventory, headroom_nofile, headroom_print, headroom_requirement, headroom_reserve],
     [headroom_trend],
     [headroom_cluster, headroom_health, headroom_prometheus, headroom_status_file, headroom_voice],
     [headroom_signal, headroom_watch],
     [headroom],
     [headroom_door],
     [headroom_app]].

%% A call that runs back up is how a circle begins: such modules can be neither understood nor changed alone.
no_module_calls_one_above_itself_test_() ->
    {timeout, 600, fun() ->
        Floors = maps:from_list([{Module, Floor} || {Floor, Modules} <- numbered(), Module <- Modules]),
        Wrong = [{Caller, Called} || {Caller, Called} <- calls(), Caller =/= Called,
                                     maps:get(Caller, Floors, none) =< maps:get(Called, Floors, none)],
        ?assertEqual([], Wrong)
    end}.

%% A module without a floor, or a floor without its module, would keep nothing.
every_module_has_a_floor_test_() ->
    {timeout, 600, fun() ->
        _ = application:load(headroom),
        {ok, Modules} = application:get_key(headroom, modules),
        ?assertEqual(lists:sort(Modules), lists:sort(lists:append(floors())))
    end}.

numbered() ->
    lists:zip(lists:seq(1, length(floors())), floors()).

calls() ->
    {ok, _} = xref:start(?MODULE),
    try
        ok = xref:set_default(?MODULE, [{warnings, false}, {verbose, false}]),
        {ok, _} = xref:add_directory(?MODULE, ebin()),
        {ok, Calls} = xref:q(?MODULE, "strict ME"),
        All = lists:append(floors()),
        [Call || {Caller, Called} = Call <- Calls, lists:member(Caller, All), lists:member(Called, All)]
    after
        xref:stop(?MODULE)
    end.

ebin() -> filename:dirname(code:which(headroom)).
