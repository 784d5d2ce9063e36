%% @private
%% Runs what may wait for ever, on another process or on a file system, for as long as it is given.
-module(headroom_deadline).

-export([run/2]).

%% The process tells its outcome by its end.
-dialyzer({nowarn_function, run/2}).

%% In a process of its own, which is killed when the time is up: `system_limit' where there is no room for one.
-spec run(fun(() -> Result), non_neg_integer()) -> {ok, Result} | {error, timeout | system_limit | {crashed, term()}}.
run(Fun, Milliseconds) ->
    try spawn_monitor(fun() -> exit(outcome(Fun)) end) of
        {Pid, Ref} ->
            receive
                {'DOWN', Ref, process, Pid, {?MODULE, Outcome}} -> Outcome;
                {'DOWN', Ref, process, Pid, Reason} -> {error, {crashed, Reason}}
            after Milliseconds ->
                true = erlang:demonitor(Ref, [flush]),
                true = exit(Pid, kill),
                {error, timeout}
            end
    catch
        error:system_limit -> {error, system_limit}
    end.

outcome(Fun) ->
    try
        {?MODULE, {ok, Fun()}}
    catch
        _:Reason -> {?MODULE, {error, {crashed, Reason}}}
    end.
