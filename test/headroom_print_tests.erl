-module(headroom_print_tests).

-include_lib("eunit/include/eunit.hrl").

%% An operator whose shell is gone, or whose terminal is full, must not bring the caller down.
device_test_() ->
    [{Name, fun() -> ?assertEqual(ok, with_leader(Leader(), Call)) end}
     || {What, Call} <- [{"report", fun headroom:report/0}, {"explain", fun() -> headroom:explain(emfile) end}],
        {Kind, Leader} <- [{"dead", fun dead/0}, {"failing", fun failing/0}],
        Name <- [What ++ " to a device that is " ++ Kind]].

%% What is swallowed is the device's failure alone: a wrong word is still the caller's mistake.
wrong_operation_test_() ->
    {timeout, 600, fun() ->
        ?assertError(badarg, with_leader(dead(), fun() -> headroom:explain(emfile, acept) end))
    end}.

with_leader(Leader, Call) ->
    Before = group_leader(),
    group_leader(Leader, self()),
    try Call() after group_leader(Before, self()) end.

dead() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, _} -> Pid end.

failing() ->
    spawn_link(fun Loop() ->
        receive {io_request, From, As, _} -> From ! {io_reply, As, {error, enospc}}, Loop() end
    end).
