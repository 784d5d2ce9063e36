-module(headroom_public_tests).

-include_lib("eunit/include/eunit.hrl").

%% A function that is not in the table is tested by no suite that calls "every public function".
table_is_complete_test_() ->
    {timeout, 600, fun() ->
        ?assertEqual([], headroom_public:missing())
    end}.

%% `erl -s headroom', and an operator who loads it into a node that runs: a refusal that went unsaid, or a second call that
%% failed, would leave him without what he came for.
start_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{app => stopped}, fun(Child) ->
            Start = fun() -> headroom_child:call(Child, headroom, start, []) end,
            ok = headroom_child:call(Child, application, load, [headroom]),
            ok = headroom_child:call(Child, application, set_env, [headroom, harden, 17]),
            ?assertMatch({error, {bad_option, harden, _}}, Start()),
            ok = headroom_child:call(Child, application, set_env, [headroom, harden, false]),
            ?assertEqual([ok, ok], [Start(), Start()]),
            ?assertMatch(Pid when is_pid(Pid), headroom_child:call(Child, erlang, whereis, [headroom_sup]))
        end)
    end}.
