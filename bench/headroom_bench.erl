%% `make bench`: what headroom's calls cost beside the bare system calls and beside its peers, in one run and in turn. Ratios are
%% what carries over to another machine. It judges nothing.
-module(headroom_bench).

-export([main/1]).

-define(ROUNDS, 11).
-define(POLLS, 1000000).

main(Counts) ->
    ok = headroom_measure:unwatched(),
    {Start, {ok, _}} = timer:tc(fun() -> application:ensure_all_started(headroom) end),
    #{otp_release := Otp, kernel := Kernel} = headroom:snapshot(),
    Peers = peers(),
    io:format("OTP ~ts, ~ts; microseconds of CPU time a call, median of ~b rounds in turn~n", [Otp, Kernel, ?ROUNDS]),
    io:format("start of the application ~.1f ms, most of which loads code~n", [Start / 1000]),
    Tables = [measure(list_to_integer(Count), Peers) || Count <- Counts],
    print(Tables),
    texts(),
    poll(),
    halt(0).

measure(Wanted, Peers) ->
    Open = headroom_measure:hold(Wanted),
    Fstats = fun() -> headroom_bench_nif:fstats(100) end,
    Cheap = [{"fstat, in a loop", Fstats},
             {"bare: fstat + getrlimit", fun headroom_bench_nif:bare2/0},
             {"bare: and file-nr", fun headroom_bench_nif:bare3/0},
             {"headroom open_count", fun headroom_nif:open_count/0},
             {"headroom:health/0", fun headroom:health/0},
             {"headroom_health:response/0", fun headroom_health:response/0},
             {"headroom:capacity/0", fun headroom:capacity/0},
             {"headroom:check/1", fun() -> headroom:check(#{fds => 1000}) end},
             {"headroom:snapshot/0", fun headroom:snapshot/0},
             {"headroom:snapshot(json)", fun() -> headroom:snapshot(json) end},
             {"headroom:diagnose/2", fun() -> headroom:diagnose(emfile, accept) end},
             {"headroom:report_text/0", fun headroom:report_text/0}],
    Times = headroom_measure:interleaved(?ROUNDS, Cheap ++ Peers),
    Names = [Name || {Name, _} <- Cheap ++ Peers],
    {Open, [{Name, case Name of "fstat, in a loop" -> maps:get(Name, Times) / 100; _ -> maps:get(Name, Times) end}
            || Name <- Names] ++ outside()}.

%% Those of the peers that are here.
peers() ->
    [{"procfs crate, count", fun headroom_bench_nif:procfs_count/0},
     {"procfs crate, limits", fun headroom_bench_nif:procfs_limits/0},
     {"procfs crate, list", fun headroom_bench_nif:procfs_list/0},
     {"read_file_info of /proc/self/fd", fun() -> prim_file:read_file_info("/proc/self/fd") end},
     {"list_dir of /proc/self/fd", fun() -> prim_file:list_dir("/proc/self/fd") end},
     {"erlang:system_info(check_io)", fun() -> erlang:system_info(check_io) end}] ++
        [{"RabbitMQ get_used_fd", Call} || Call <- rabbitmq()] ++
        [{"recon:port_types/0", fun() -> recon:port_types() end} || code:ensure_loaded(recon) =:= {module, recon}].

%% RabbitMQ does not export its count: its own code, compiled again with that.
rabbitmq() ->
    case code:which(rabbit_mgmt_external_stats) of
        non_existing ->
            [];
        Beam ->
            {ok, {Module, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(Beam, [abstract_code]),
            {ok, Module, Code} = compile:forms(Forms, [binary, export_all, nowarn_export_all]),
            {module, Module} = code:load_binary(Module, Beam, Code),
            [fun() -> Module:get_used_fd() end || erlang:function_exported(Module, get_used_fd, 0)]
    end.

%% Programs, as a person runs them: wall time, since most of it is not this process's.
outside() ->
    Pid = os:getpid(),
    Programs = [{"lsof", "lsof -nP -p " ++ Pid}, {"ss", "ss -tnp"}, {"ls", "ls /proc/" ++ Pid ++ "/fd"}],
    [{"$ " ++ Command, wall(Command)} || {Program, Command} <- Programs, os:find_executable(Program) =/= false].

wall(Command) ->
    Once = fun(_) -> {Taken, _} = timer:tc(fun() -> os:cmd(Command ++ " 2>&1 | tail -n 1") end), Taken end,
    headroom_measure:median(lists:map(Once, lists:seq(1, 5))).

print([{_, First} | _] = Tables) ->
    io:format("~n~-34s", ["descriptors open"]),
    [io:format("~20b", [Open]) || {Open, _} <- Tables],
    io:format("~n~-34s", [""]),
    [io:format("~11s~9s", ["us", "x bare"]) || _ <- Tables],
    io:format("~n"),
    [begin
         io:format("~-34s", [Name]),
         [io:format("~11.2f~9.1f", [float(Us), Us / proplists:get_value("bare: fstat + getrlimit", Times)])
          || {_, Times} <- Tables, Us <- [proplists:get_value(Name, Times)]],
         io:format("~n")
     end || {Name, _} <- First],
    io:format("$: a program, wall time. procfs crate: in this VM.~n").

%% Why a call failed, told by a report whose reason stands behind that much of a state. Up to 4 kB a normal scheduler reads it,
%% and must have it within its millisecond.
texts() ->
    Reports = [{byte_size(Text), fun() -> headroom:diagnose(Text) end}
               || Size <- [100, 4000, 64000, 1000000], Text <- [report(Size)]],
    Times = headroom_measure:interleaved(3, Reports),
    io:format("~n~12s ~14s   diagnose of a report~n", ["bytes", "microseconds"]),
    [io:format("~12b ~14.1f~n", [Size, maps:get(Size, Times)]) || {Size, _} <- Reports].

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
    Start = headroom_bench_nif:cpu(),
    repeat(fun headroom:health/0, ?POLLS),
    Taken = headroom_bench_nif:cpu() - Start,
    true = erlang:garbage_collect(),
    After = footprint(),
    io:format("~n~b health checks: ~b ms~n", [?POLLS, Taken div 1000000]),
    [io:format("  ~-24s ~12b -> ~12b~n", [Name, maps:get(Name, Before), maps:get(Name, After)])
     || Name <- [open_descriptors, atoms, memory_bytes, resident_pages]].

repeat(_Call, 0) -> ok;
repeat(Call, N) ->
    _ = Call(),
    repeat(Call, N - 1).

footprint() ->
    {ok, Open} = headroom_nif:open_count(),
    {ok, Statm} = file:read_file("/proc/self/statm"),
    [_, Resident | _] = binary:split(Statm, <<" ">>, [global]),
    #{open_descriptors => Open, atoms => erlang:system_info(atom_count), memory_bytes => erlang:memory(total),
      resident_pages => binary_to_integer(Resident)}.
