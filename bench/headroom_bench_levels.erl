%% `make bench-levels`: each answer at each level, in the states that are odd, cold, and where the table is counted one by one; and
%% the goals, met or missed. A goal is about the whole of a table, so its worst case is named.
-module(headroom_bench_levels).

-export([main/1]).

-define(ROUNDS, 11).
-define(LEVELS, [ok, warning, critical, full]).

main(["levels" | Counts]) -> with_limit(fun() -> levels([list_to_integer(Count) || Count <- Counts]) end);
main(["odd" | _]) -> with_limit(fun odd/0);
main(["scan" | Counts]) -> with_limit(fun() -> scans([list_to_integer(Count) || Count <- Counts]) end).

with_limit(Run) ->
    ok = headroom_measure:unwatched(),
    {ok, _} = application:ensure_all_started(headroom),
    Run(),
    halt(0).

%%% Levels

levels(Counts) ->
    Exempt = exempt(),
    io:format("~nfile-max ~ts this process; microseconds of CPU time a call, median of ~b rounds in turn~n~n",
              [case Exempt of true -> "does not apply to"; false -> "applies to" end, ?ROUNDS]),
    io:format("~8s ~-9s~8s~8s~8s~10s~10s~8s~10s~8s~n",
              ["open", "level", "bare", "health", "over", "response", "capacity", "check", "snapshot", "record"]),
    Rows = [row(Count, Level, Exempt) || Count <- Counts, Level <- ?LEVELS],
    Fresh = [{Count, Us} || {Count, ok, #{snapshot := Us}} <- Rows],
    {_, Least} = hd(Fresh),
    {_, Most} = lists:last(Fresh),
    goal("health over its bare calls, every level", 5, [Health - Bare || {_, _, #{health := Health, bare := Bare}} <- Rows]),
    goal("response, ok", 3, [Us || {_, ok, #{response := Us}} <- Rows]),
    goal("response, otherwise", 6, [Us || {_, Level, #{response := Us}} <- Rows, Level =/= ok]),
    goal("capacity", 4, [Us || {_, _, #{capacity := Us}} <- Rows]),
    goal("check", 8, [Us || {_, _, #{check := Us}} <- Rows]),
    goal("fresh snapshot, most to fewest descriptors", 1.3, [Most / Least]),
    cold(hd(Counts)).

exempt() ->
    #{nofile := #{exempt_from_file_max := Exempt}} = headroom:snapshot(),
    Exempt =:= true.

row(Count, Level, Exempt) ->
    Open = dense(Count),
    at(Level, Open),
    Level =:= said(headroom:health(), Level) orelse error({level, Level, headroom:health()}),
    Bare = case Exempt of true -> fun headroom_bench_nif:bare2/0; false -> fun headroom_bench_nif:bare3/0 end,
    Times = headroom_measure:interleaved(?ROUNDS, [{bare, Bare} | calls()]),
    #{bare := B, health := H, response := R, capacity := Ca, check := Ch, snapshot := S, record := Re} = Times,
    at(ok, Open),
    io:format("~8b ~-9s~8.2f~8.2f~8.2f~10.2f~10.2f~8.2f~10.2f~8.2f~n", [Open, Level, B, H, H - B, R, Ca, Ch, S, Re]),
    {Count, Level, Times}.

%% Without holes, so that a limit at the number that is open is full.
dense(Count) ->
    at(ok, Count),
    _ = headroom_measure:hold(Count),
    #{fds := #{highest := Highest}} = headroom:snapshot(),
    headroom_measure:hold(max(Count, Highest + 1)).

calls() ->
    [{health, fun headroom:health/0},
     {response, fun headroom_health:response/0},
     {capacity, fun headroom:capacity/0},
     {check, fun() -> headroom:check(#{fds => 10}) end},
     {snapshot, fun headroom:snapshot/0},
     {record, fun() -> headroom_ask:status_record(1) end}].

%% The soft limit and the thresholds that make a level of so many descriptors; the hard limit bounds the first.
at(full, Open) -> limits(Open, 80, 95);
at(critical, Open) -> limits(hard(Open * 100 div 97 + 1), 80, 90);
at(warning, Open) -> limits(hard(Open * 10 div 9 + 1), 80, 99);
at(ok, _Open) -> limits(hard(1 bsl 40), 99, 100).

limits(Soft, Warning, Critical) ->
    Option = #{default => #{warning => Warning, critical => Critical}, fds => #{critical_free => 0}},
    ok = application:set_env(headroom, thresholds, Option),
    ok = headroom_config:load(),
    true = headroom_bench_nif:set_soft(Soft).

hard(Wanted) ->
    #{nofile := #{hard := Hard}} = headroom:snapshot(),
    min(Wanted, Hard).

said(ok, _) -> ok;
said({critical, _}, full) -> full;
said({Level, _}, _) -> Level.

goal(What, Most, Values) ->
    Worst = lists:max(Values),
    io:format("~-6s ~ts: at most ~p, ~.2f at worst~n",
              [case Worst =< Most of true -> "met"; false -> "MISSED" end, What, Most, float(Worst)]).

%% As a probe asks, at ok and at warning.
cold(Count) ->
    Open = dense(Count),
    At = fun(Level) ->
                 at(Level, Open),
                 #{health := Health} = headroom_measure:cold(?ROUNDS, [{health, fun headroom:health/0}]),
                 Health
         end,
    Ok = At(ok),
    Warning = At(warning),
    io:format("~nonce in 200 ms: health ~.1f at ok, ~.1f at warning~n", [Ok, Warning]),
    goal("cold health, warning to ok", 2, [Warning / Ok]).

%%% Odd states: the soft limit was moved after the VM started

odd() ->
    io:format("~n~-64s~10s~10s~10s~n", ["odd states, microseconds", "health", "snapshot", "response"]),
    Hard = hard(1 bsl 40),
    {_, MaxFds} = {fds, headroom_beam:max_fds()},
    Us = [state("soft raised above max_fds", 30, Hard),
          state("and descriptors above it", MaxFds + 500, Hard),
          state("brought back to max_fds", MaxFds + 500, MaxFds),
          state("lowered to 1 024 with 1 500 open", 1500, 1024),
          state("lowered to 1 024 with 3 000 open", 3000, 1024),
          holes("lowered to 1 024 with 3 000 open, then every fifth closed", 3000, 1024),
          state("lowered to 1 024 with 10 000 open", 10000, 1024)],
    goal("health in odd states", 20, Us).

state(What, Count, Soft) ->
    true = headroom_bench_nif:set_soft(hard(1 bsl 40)),
    _ = headroom_measure:hold(Count),
    odd_row(What, Soft).

holes(What, Count, Soft) ->
    true = headroom_bench_nif:set_soft(hard(1 bsl 40)),
    _ = headroom_measure:hold(30),
    Files = [begin {ok, File} = file:open("/dev/null", [read, raw]), File end || _ <- lists:seq(31, Count)],
    [ok = file:close(File) || {Nth, File} <- lists:zip(lists:seq(1, length(Files)), Files), Nth rem 5 =:= 0],
    Us = odd_row(What, Soft),
    [_ = file:close(File) || File <- Files],
    Us.

odd_row(What, Soft) ->
    true = headroom_bench_nif:set_soft(Soft),
    #{health := H, snapshot := S, response := R} =
        headroom_measure:interleaved(?ROUNDS, [{health, fun headroom:health/0},
                                               {snapshot, fun headroom:snapshot/0},
                                               {response, fun headroom_health:response/0}]),
    true = headroom_bench_nif:set_soft(hard(1 bsl 40)),
    io:format("~-64s~10.2f~10.2f~10.2f~n", [What, H, S, R]),
    H.

%%% The table counted one by one, as on kernels before 6.2

scans(Counts) ->
    io:format("~ncounted one by one, microseconds~n~8s~8s~10s~14s~14s~14s~n",
              ["open", "steps", "a scan", "longest step", "health, new", "health, kept"]),
    Rows = [scan(Count) || Count <- Counts],
    [{_, Few, _} | _] = Rows,
    goal("a scan of few descriptors", 60, [Few]),
    goal("one step", 500, [Longest || {_, _, Longest} <- Rows]).

scan(Count) ->
    Open = headroom_measure:hold(Count),
    Runs = [steps(start, []) || _ <- lists:seq(1, 200)],
    Whole = headroom_measure:median([lists:sum(Steps) || Steps <- Runs]),
    Longest = lists:max(lists:append(Runs)),
    timer:sleep(1100),
    New = headroom_measure:once(fun headroom:health/0),
    #{health := Kept} = headroom_measure:interleaved(3, [{health, fun headroom:health/0}]),
    io:format("~8b~8b~10.1f~14.1f~14.1f~14.2f~n", [Open, length(hd(Runs)), Whole, Longest, New, Kept]),
    {Open, Whole, Longest}.

steps(State, Taken) ->
    Start = headroom_bench_nif:cpu(),
    Next = headroom_nif:scan(State),
    Us = (headroom_bench_nif:cpu() - Start) / 1000,
    case Next of
        done -> [Us | Taken];
        _ -> steps(Next, [Us | Taken])
    end.
