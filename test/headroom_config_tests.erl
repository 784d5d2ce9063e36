%% The thresholds of the application's environment: a mistake is named at the start, and what is asked for is in force.
-module(headroom_config_tests).

-include_lib("eunit/include/eunit.hrl").

%% A mistake that is not refused leaves a node whose alarm never comes.
bad_thresholds_stop_the_start_test_() ->
    in_child(fun(Child) ->
        [?assertMatch({Option, {error, {{bad_option, {thresholds, Key}, <<_, _/binary>>}, _}}},
                      {Option, start(Child, Option)})
         || {Key, Option} <- [{fds, #{fds => #{warning => 0}}},
                              {fds, #{fds => #{critical => 101}}},
                              {ports, #{fds => #{warning => 1}, ports => #{warning => 1 bsl 70}}},
                              {ports, #{ports => #{warning => 80.5}}},
                              {ports, #{ports => #{critical_free => -1}}},
                              {ports, #{ports => [warning, 80]}},
                              {processes, #{processes => #{warn => 80}}},
                              {processes, #{processes => #{<<"warning">> => 80}}},
                              {atoms, #{atoms => high}},
                              {atoms, #{atoms => #{warning => 96}}},
                              {default, #{default => #{warning => 90, critical => 80}}},
                              {default, #{default => #{warning => eighty}}},
                              {fd, #{fd => #{warning => 80}}},
                              {<<"fds">>, #{<<"fds">> => #{warning => 80}}},
                              {"fds", #{"fds" => #{warning => 80}}},
                              {'дескрипторы', #{'дескрипторы' => #{warning => 80}}},
                              {<<"ü"/utf8>>, #{<<"ü"/utf8>> => 1}},
                              {<<255>>, #{<<255>> => 1}},
                              {1.5, #{1.5 => #{}}},
                              {[a | b], #{[a | b] => #{}}},
                              {#{}, #{#{} => #{}}}]],
        [?assertMatch({Option, {error, {{bad_option, thresholds, <<"not a map">>}, _}}}, {Option, start(Child, Option)})
         || Option <- [[{fds, #{}}], undefined, 80, <<"fds">>]],
        %% A start that was refused leaves the node as it was, and can be made good.
        ?assertMatch(#{level := ok}, headroom_child:call(Child, headroom, snapshot, [])),
        ?assertEqual(ok, start(Child, #{fds => #{warning => 70}}))
    end).

%% Each row is what somebody would write, and the level that a node with 200 of 256 descriptors taken has then.
thresholds_move_the_levels_test_() ->
    in_child(fun(Child) ->
        #{} = headroom_child:call(Child, headroom, version, []),
        56 = headroom_child:fill(Child, {fds, 56}),
        [begin
             ?assertEqual({Option, ok}, {Option, start(Child, Option)}),
             #{level := Found, resources := [#{used := 200, limit := 256} | _], thresholds := InForce} = Snapshot =
                 headroom_child:call(Child, headroom, snapshot, []),
             ?assertEqual({Option, Level}, {Option, Found}),
             ?assertEqual({Option, Level}, {Option, level(headroom_child:call(Child, headroom, health, []))}),
             ?assertEqual(Level =/= ok, has_finding(fds_nearly_exhausted, Snapshot)),
             ?assertMatch(#{warning := _, critical := _, critical_free := _}, maps:get(fds, InForce)),
             ok = headroom_child:call(Child, application, stop, [headroom])
         end || {Level, Option} <- [{ok, #{}},
                                    {ok, #{default => #{}}},
                                    {warning, #{fds => #{warning => 78}}},
                                    {ok, #{fds => #{warning => 79}}},
                                    {critical, #{fds => #{warning => 70, critical => 78}}},
                                    {critical, #{fds => #{critical_free => 56}}},
                                    {ok, #{fds => #{critical_free => 55}}},
                                    {warning, #{default => #{warning => 50}}},
                                    {ok, #{default => #{warning => 50}, fds => #{warning => 79}}},
                                    {critical, #{default => #{warning => 50, critical => 60}}},
                                    {critical, #{default => #{critical_free => 200}}}]]
    end).

level(ok) -> ok;
level({Level, [_ | _]}) -> Level.

has_finding(Id, #{findings := Findings}) ->
    lists:any(fun(#{id := Found}) -> Found =:= Id end, Findings).

start(Child, Thresholds) ->
    ok = headroom_child:call(Child, application, set_env, [headroom, thresholds, Thresholds]),
    headroom_child:call(Child, application, start, [headroom]).

in_child(Test) ->
    {timeout, 600, fun() ->
        headroom_child:with(#{nofile => 256, app => stopped, load => [?MODULE]}, fun(Child) ->
            ok = headroom_child:call(Child, application, load, [headroom]),
            Test(Child)
        end)
    end}.
