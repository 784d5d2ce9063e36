%% Prints what headroom's calls cost beside the bare system calls and beside a listing of /proc/self/fd, at several
%% numbers of open descriptors. Times are those of the fastest batch; it judges nothing.
%%   erl ... -run headroom_bench main FLOOR     FLOOR: the file that native/headroom_bench wrote
-module(headroom_bench).

-export([main/1]).

-define(BATCHES, 30).
-define(POLLS, 1000000).

main([Path]) ->
    {ok, Floors} = file:consult(Path),
    {ok, _} = application:ensure_all_started(headroom),
    #{otp_release := Otp, kernel := Kernel} = headroom:snapshot(),
    io:format("OTP ~ts, ~ts, ~b schedulers; microseconds a call~n~n",
              [Otp, Kernel, erlang:system_info(schedulers_online)]),
    io:format("~8s ~10s ~10s ~7s ~10s ~10s ~10s ~11s ~9s~n",
              ["open", "bare fstat", "open_count", "ratio", "bare 3", "health/0", "snapshot/0", "list_dir", "ratio"]),
    Held = lists:foldl(fun measure/2, [], Floors),
    lists:foreach(fun file:close/1, Held),
    io:format("~nratio: open_count to bare fstat, list_dir to open_count; bare 3: fstat, getrlimit, read of file-nr~n"),
    texts(),
    poll(),
    halt(0).

%% One line of the table, with as many descriptors open as the floor had, or the few more that a node has at least.
measure({Wanted, Fstat, Getrlimit, Pread}, Held0) ->
    {ok, Before} = headroom_nif:open_count(),
    Held = open(Wanted - Before, Held0),
    {ok, Open} = headroom_nif:open_count(),
    Count = fastest(fun headroom_nif:open_count/0, 2000),
    Health = fastest(fun headroom:health/0, 500),
    Snapshot = fastest(fun headroom:snapshot/0, 100),
    List = fastest(fun() -> file:list_dir("/proc/self/fd") end, 2),
    io:format("~8b ~10.3f ~10.3f ~7.1f ~10.3f ~10.3f ~10.1f ~11.1f ~9b~n",
              [Open, Fstat / 1000, Count, Count / (Fstat / 1000), (Fstat + Getrlimit + Pread) / 1000, Health, Snapshot,
               List, round(List / Count)]),
    Held.

open(N, Held) when N =< 0 -> Held;
open(N, Held) ->
    {ok, File} = file:open("/dev/null", [read, raw]),
    open(N - 1, [File | Held]).

%% Microseconds a call in the fastest batch: what others do on the machine only ever adds.
fastest(Call, Calls) ->
    Batch = fun(_) ->
                    Start = erlang:monotonic_time(nanosecond),
                    repeat(Call, Calls),
                    (erlang:monotonic_time(nanosecond) - Start) / Calls / 1000
            end,
    lists:min(lists:map(Batch, lists:seq(1, ?BATCHES))).

repeat(_Call, 0) -> ok;
repeat(Call, N) ->
    _ = Call(),
    repeat(Call, N - 1).

%% Why a call failed, told by a report whose reason stands behind that much of a state. Up to 4 kB a normal scheduler reads it,
%% and must have it within its millisecond.
texts() ->
    io:format("~n~12s ~14s   diagnose of a report~n", ["bytes", "microseconds"]),
    [io:format("~12b ~14.1f~n", [byte_size(Text), fastest(fun() -> headroom:diagnose(Text) end, Calls)])
     || {Size, Calls} <- [{100, 50}, {4000, 20}, {64000, 4}, {1000000, 1}], Text <- [report(Size)]].

report(Size) ->
    State = binary:copy(<<"{connection,\"198.51.100.7\",<<\"text\">>,[1,2,3]},">>, Size div 50),
    <<"** Generic server x terminating\n** When Server state == [", State/binary, "x]\n** Reason for termination ==\n"
      "** {emfile,[{erlang,open_port,[{spawn,\"cat\"},[]],[]}]}\n">>.

%% A poller's life: what a million health checks leave behind. The first ones and the first look are not counted: they load
%% modules and warm the heap.
poll() ->
    repeat(fun headroom:health/0, 10000),
    _ = footprint(),
    true = erlang:garbage_collect(),
    Before = footprint(),
    Start = erlang:monotonic_time(millisecond),
    repeat(fun headroom:health/0, ?POLLS),
    Taken = erlang:monotonic_time(millisecond) - Start,
    true = erlang:garbage_collect(),
    After = footprint(),
    io:format("~n~b health checks with few descriptors open: ~b ms~n", [?POLLS, Taken]),
    [io:format("  ~-24s ~12b -> ~12b~n", [Name, maps:get(Name, Before), maps:get(Name, After)])
     || Name <- [open_descriptors, atoms, memory_bytes, resident_pages]].

footprint() ->
    {ok, Open} = headroom_nif:open_count(),
    {ok, Statm} = file:read_file("/proc/self/statm"),
    [_, Resident | _] = binary:split(Statm, <<" ">>, [global]),
    #{open_descriptors => Open, atoms => erlang:system_info(atom_count), memory_bytes => erlang:memory(total),
      resident_pages => binary_to_integer(Resident)}.
