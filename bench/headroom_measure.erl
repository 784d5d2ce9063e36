%% How the benchmarks measure: all calls in turn, round by round, so that what changes on the machine meets all of them; the
%% median of the rounds; CPU time of the OS process, which others do not add to.
-module(headroom_measure).

-export([unwatched/0, hold/1, interleaved/2, once/1, cold/2, median/1]).

-define(BATCH_US, 3000).

%% Before the application starts: the watcher samples and tells each change of the level, which is in no answer's price.
-spec unwatched() -> ok.
unwatched() ->
    ok = application:load(headroom),
    application:set_env(headroom, watch, false).

%% Opens descriptors until so many are open, in a process of their own: the heap of the one that measures stays small.
-spec hold(pos_integer()) -> pos_integer().
hold(Wanted) ->
    Self = self(),
    Holder = case whereis(?MODULE) of
                 undefined ->
                     Pid = spawn(fun() -> holder([]) end),
                     true = register(?MODULE, Pid),
                     Pid;
                 Pid ->
                     Pid
             end,
    Holder ! {hold, Wanted, Self},
    receive {held, Open} -> Open end.

holder(Files) ->
    receive
        {hold, Wanted, From} ->
            {ok, Open} = count(),
            Now = open(Wanted - Open, Files),
            {ok, Reached} = count(),
            From ! {held, Reached},
            holder(Now)
    end.

count() ->
    case headroom_nif:open_count() of
        {ok, Open} -> {ok, Open};
        scan_needed -> {ok, Listed} = file:list_dir("/proc/self/fd"), {ok, length(Listed) - 1}
    end.

open(N, Files) when N > 0 ->
    {ok, File} = file:open("/dev/null", [read, raw]),
    open(N - 1, [File | Files]);
open(N, [File | Files]) when N < 0 ->
    ok = file:close(File),
    open(N + 1, Files);
open(_, Files) ->
    Files.

%% Microseconds a call of each: [{Name, Call}] -> #{Name => median}.
-spec interleaved(pos_integer(), [{term(), fun(() -> term())}]) -> #{term() => float()}.
interleaved(Rounds, Calls) ->
    Sized = [{Name, Call, batch(Call)} || {Name, Call} <- Calls],
    true = erlang:garbage_collect(),
    Samples = [{Name, time(Call, Batch) / Batch} || _ <- lists:seq(1, Rounds), {Name, Call, Batch} <- Sized],
    maps:map(fun(_, Values) -> median(Values) end,
             lists:foldl(fun({Name, Value}, All) -> maps:update_with(Name, fun(Vs) -> [Value | Vs] end, [Value], All) end,
                         #{}, Samples)).

%% So many that a batch takes some milliseconds.
batch(Call) ->
    _ = time(Call, 3),
    max(1, min(2000, round(?BATCH_US / max(0.5, time(Call, 20) / 20)))).

%% Microseconds of so many calls.
time(Call, Times) ->
    Start = headroom_bench_nif:cpu(),
    repeat(Call, Times),
    (headroom_bench_nif:cpu() - Start) / 1000.

repeat(_Call, 0) -> ok;
repeat(Call, N) ->
    _ = Call(),
    repeat(Call, N - 1).

%% Microseconds of one call.
-spec once(fun(() -> term())) -> float().
once(Call) -> time(Call, 1).

%% The way a probe asks: one call after a pause, in which the caches forget.
-spec cold(pos_integer(), [{term(), fun(() -> term())}]) -> #{term() => float()}.
cold(Rounds, Calls) ->
    Samples = [begin timer:sleep(200), {Name, time(Call, 1)} end || _ <- lists:seq(1, Rounds), {Name, Call} <- Calls],
    maps:from_list([{Name, median([Value || {Of, Value} <- Samples, Of =:= Name])} || {Name, _} <- Calls]).

-spec median([number()]) -> number().
median(Values) -> lists:nth((length(Values) + 1) div 2, lists:sort(Values)).
