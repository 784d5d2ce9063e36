%% A node of its own for tests that exhaust something, under real limits.
%%
%%   headroom_child:with(#{nofile => 128, load => [?MODULE]}, fun(Child) ->
%%       0 = headroom_child:fill(Child, fds),
%%       #{level := critical} = headroom_child:call(Child, fun() -> headroom:snapshot() end)
%%   end)
%%
%% The node is reached over a pipe, and one process of it, started at boot, runs what it is asked to: it answers with no
%% free descriptor, port or process. What runs there finds only modules that are loaded: those of funs are named in
%% `load'. Nothing more than this module is loaded for the rig's own sake: headroom's preloading is what is tested.
%% The node ends with `with/2', with the process that started it, and with the node of the tests.
-module(headroom_child).

-export([with/2, start/1, stop/1]).
-export([call/2, call/3, call/4, capture/3, output/1, os_pid/1]).
-export([fill/2, undo/2]).
-export([serve/0, hold/0, block/1, record/1]).

%% Long: a machine that is busy is no fault, and one that hangs is found all the same.
-define(TIMEOUT, 120000).
%% Variables that would change the emulator's flags or limits. HEADROOM_FORCE_SCAN is handed on: it forces a whole run.
-define(CLEAN, ["ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "ERL_LIBS", "ERL_MAX_PORTS", "ERTS_MAX_PORTS",
                "ERL_MAX_ETS_TABLES", "HEADROOM_ON_UNMET",
                %% Where one of these is set the door is open: a descriptor and a port more.
                "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"]).

-type options() :: #{nofile => pos_integer() | {Soft :: pos_integer(), Hard :: pos_integer()},
                     args => [string()],               % of erl: flags of the emulator, application parameters
                     env => [{string(), string() | false}],
                     app => started | stopped,         % headroom; started by default
                     ebin => file:filename(),          % the folder of headroom's modules
                     load => [module()],               % modules of the funs that will be called
                     prefix => [string()]}.            % a command that runs erl: unshare, setpriv, env...
-opaque child() :: pid().
-type resource() :: fds | {fds, Free :: non_neg_integer()} | ports | {ports, Free :: non_neg_integer()}
                  | processes | {ets_tables, Total :: pos_integer()} | dirty_io.
-export_type([options/0, child/0, resource/0]).

%%% In the node of the tests

%% Starts a node, gives it to the fun and ends it, also when the fun fails.
-spec with(options(), fun((child()) -> Result)) -> Result.
with(Options, Fun) ->
    Child = start(Options),
    try
        Fun(Child)
    after
        stop(Child)
    end.

-spec start(options()) -> child().
start(Options) ->
    User = self(),
    {Child, Ref} = spawn_monitor(fun() -> own(User, Options) end),
    receive
        {Child, started} -> erlang:demonitor(Ref, [flush]);
        {'DOWN', Ref, process, Child, Reason} -> erlang:error({no_child, Reason})
    end,
    _ = [call(Child, code, ensure_loaded, [Module]) || Module <- maps:get(load, Options, [])],
    case maps:get(app, Options, started) of
        started -> {ok, _} = call(Child, application, ensure_all_started, [headroom]);
        stopped -> ok
    end,
    Child.

%% The node is gone when this returns.
-spec stop(child()) -> ok.
stop(Child) ->
    Ref = erlang:monitor(process, Child),
    Child ! stop,
    receive {'DOWN', Ref, process, Child, _} -> ok end.

%% Runs it in the waiting process of the node. An exception there is raised here.
-spec call(child(), fun(() -> Result)) -> Result.
call(Child, Fun) -> call(Child, erlang, apply, [Fun, []]).

-spec call(child(), fun(() -> Result), timeout()) -> Result.
call(Child, Fun, Timeout) -> outcome(request(Child, {run, erlang, apply, [Fun, []]}, Timeout)).

-spec call(child(), module(), atom(), [term()]) -> term().
call(Child, Module, Function, Args) -> outcome(request(Child, {run, Module, Function, Args}, ?TIMEOUT)).

%% As call/2, with a group leader of this encoding: the result, and what was printed.
-spec capture(child(), latin1 | unicode, fun(() -> Result)) -> {Result, binary()}.
capture(Child, Encoding, Fun) ->
    {Outcome, Printed} = request(Child, {capture, Encoding, Fun}, ?TIMEOUT),
    {outcome(Outcome), unicode:characters_to_binary(Printed)}.

%% What the node wrote to its standard output and error so far.
-spec output(child()) -> binary().
output(Child) -> request(Child, output, ?TIMEOUT).

-spec os_pid(child()) -> pos_integer().
os_pid(Child) -> request(Child, os_pid, ?TIMEOUT).

%% Takes what is left: raw files of /dev/null, ports of a driver without descriptors, processes that wait, each dirty
%% I/O thread by the opening of a FIFO. Answers how many are left free (`dirty_io': 0).
-spec fill(child(), resource()) -> non_neg_integer().
fill(Child, dirty_io) ->
    Fifo = request(Child, fifo, ?TIMEOUT),
    {0, _} = headroom_sh:run("mkfifo " ++ Fifo),
    0 = call(Child, fun() -> take({dirty_io, Fifo}) end);
fill(Child, Resource) ->
    call(Child, fun() -> take(Resource) end).

%% Gives back what fill/2 took.
-spec undo(child(), fds | ports | processes | ets_tables | dirty_io) -> ok.
undo(Child, dirty_io) ->
    Fifo = request(Child, fifo, ?TIMEOUT),
    %% A writer is what the openings wait for; opened for both, it waits for nobody.
    {0, _} = headroom_sh:run(": <> " ++ Fifo),
    ok = file:delete(Fifo),
    call(Child, fun() -> give(dirty_io) end);
undo(Child, Kind) ->
    call(Child, fun() -> give(Kind) end).

outcome({ok, Result}) -> Result;
outcome({Class, Reason, Stacktrace}) -> erlang:raise(Class, Reason, Stacktrace).

request(Child, What, Timeout) ->
    Ref = erlang:monitor(process, Child),
    Child ! {request, self(), Ref, What},
    receive
        {Ref, Answer} ->
            erlang:demonitor(Ref, [flush]),
            Answer;
        {'DOWN', Ref, process, Child, Reason} ->
            erlang:error({child_ended, Reason})
    after Timeout ->
        erlang:demonitor(Ref, [flush]),
        Output = request(Child, output, infinity),
        stop(Child),
        erlang:error({child_timeout, Output})
    end.

%% The process that holds the pipe. It outlives nothing: neither the process that asked for it nor the node.
own(User, Options) ->
    Ref = erlang:monitor(process, User),
    Log = log(),
    Port = open(Options, Log),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    State = #{port => Port, os_pid => OsPid, log => Log, user => Ref},
    try
        receive
            {Port, {data, _Ready}} -> ok;
            {Port, {exit_status, Status}} -> exit({exit_status, Status, read(Log)})
        after ?TIMEOUT ->
            exit({no_answer, read(Log)})
        end,
        User ! {self(), started},
        relay(State, queue:new())
    after
        {_, _} = headroom_sh:run("kill -9 " ++ integer_to_list(OsPid)),
        await_end(Port, OsPid),
        _ = [file:delete(File) || File <- [Log, fifo(Log)]]
    end.

relay(#{port := Port, os_pid := OsPid, log := Log, user := UserRef} = State, Waiting) ->
    receive
        {request, From, Ref, output} ->
            From ! {Ref, read(Log)},
            relay(State, Waiting);
        {request, From, Ref, fifo} ->
            From ! {Ref, fifo(Log)},
            relay(State, Waiting);
        {request, From, Ref, os_pid} ->
            From ! {Ref, OsPid},
            relay(State, Waiting);
        {request, From, Ref, What} ->
            true = erlang:port_command(Port, term_to_binary(What)),
            relay(State, queue:in({From, Ref}, Waiting));
        {Port, {data, Answer}} ->
            {{value, {From, Ref}}, Rest} = queue:out(Waiting),
            From ! {Ref, binary_to_term(Answer)},
            relay(State, Rest);
        {Port, {exit_status, Status}} = Ended ->
            self() ! Ended,   % for await_end/2
            exit({exit_status, Status, read(Log)});
        {'DOWN', UserRef, process, _, _} ->
            ok;
        stop ->
            ok
    end.

%% Killed: what shares its namespace or waits for it must find it gone.
await_end(Port, OsPid) ->
    receive
        {Port, {exit_status, _}} -> ok
    after 5000 ->
        headroom_sh:run("kill -9 " ++ integer_to_list(OsPid))
    end.

%% With `nouse_stdio' the program has the pipe as descriptors 3 and 4. Each step replaces the one before it, so that
%% there is one OS process.
open(Options, Log) ->
    {Soft, Hard} = nofile(maps:get(nofile, Options, "$(ulimit -Sn)")),
    Script = lists:concat(["ulimit -Sn ", Soft, " && ulimit -Hn ", Hard, " && exec \"$@\" </dev/null >", Log, " 2>&1"]),
    Ebin = maps:get(ebin, Options, filename:dirname(code:where_is_file("headroom.app"))),
    Modules = lists:usort([filename:dirname(code:which(Module)) || Module <- [?MODULE | maps:get(load, Options, [])]]),
    Paths = lists:append([["-pa", Path] || Path <- [Ebin | Modules]]),
    Command = maps:get(prefix, Options, [])
        ++ [filename:join([code:root_dir(), "bin", "erl"]), "-noinput", "-noshell", "-boot", "start_clean"]
        ++ maps:get(args, Options, []) ++ Paths ++ ["-s", ?MODULE_STRING, "serve"],
    Env = [{Name, false} || Name <- ?CLEAN] ++ [{"ERL_CRASH_DUMP_SECONDS", "0"} | maps:get(env, Options, [])],
    open_port({spawn_executable, "/bin/sh"},
              [{args, ["-c", Script, "sh" | Command]}, {env, Env}, nouse_stdio, {packet, 4}, binary, exit_status]).

nofile({Soft, Hard}) -> {Soft, Hard};
nofile(Soft) -> {Soft, "$(ulimit -Hn)"}.

log() ->
    Name = io_lib:format("headroom-~s-~b.log", [os:getpid(), erlang:unique_integer([positive])]),
    filename:join(os:getenv("TMPDIR", "/tmp"), lists:flatten(Name)).

fifo(Log) -> filename:rootname(Log) ++ ".fifo".

read(File) ->
    case file:read_file(File) of
        {ok, Text} -> Text;
        {error, Reason} -> Reason
    end.

%%% In the child: nothing but what the emulator brings along

%% Called by `-s'.
serve() ->
    Recorder = spawn(?MODULE, record, [[]]),
    spawn(fun() ->
        Port = open_port({fd, 3, 4}, [{packet, 4}, binary, eof]),
        await_boot(),
        true = erlang:port_command(Port, <<"ready">>),
        loop(Port, Recorder)
    end).

%% A process of the boot that ended later would leave a place in a full table.
await_boot() ->
    case init:get_status() of
        {started, _} -> ok;
        _ -> receive after 5 -> await_boot() end
    end.

loop(Port, Recorder) ->
    receive
        {Port, {data, Request}} ->
            Answer = answer(binary_to_term(Request), Recorder),
            true = erlang:port_command(Port, term_to_binary(Answer)),
            loop(Port, Recorder);
        {Port, eof} ->
            erlang:halt(0, [{flush, false}])
    end.

answer({run, Module, Function, Args}, _Recorder) ->
    run(Module, Function, Args);
answer({capture, Encoding, Fun}, Recorder) ->
    Leader = group_leader(),
    [] = ask(Recorder, {start, Encoding}),
    true = group_leader(Recorder, self()),
    Outcome = run(erlang, apply, [Fun, []]),
    true = group_leader(Leader, self()),
    {Outcome, ask(Recorder, stop)}.

run(Module, Function, Args) ->
    try
        {ok, apply(Module, Function, Args)}
    catch
        Class:Reason:Stacktrace -> {Class, Reason, Stacktrace}
    end.

ask(Process, What) ->
    Process ! {self(), What},
    receive {Process, Answer} -> Answer end.

%% A device that keeps what is printed, as it was sent.
record(Printed) ->
    receive
        {From, {start, Encoding}} ->
            put(encoding, Encoding),
            From ! {self(), []},
            record([]);
        {From, stop} ->
            From ! {self(), lists:reverse(Printed)},
            record([]);
        {io_request, From, Ref, {put_chars, _, Chars}} ->
            From ! {io_reply, Ref, ok},
            record([Chars | Printed]);
        {io_request, From, Ref, {put_chars, _, Module, Function, Args}} ->
            From ! {io_reply, Ref, ok},
            record([apply(Module, Function, Args) | Printed]);
        {io_request, From, Ref, getopts} ->
            From ! {io_reply, Ref, [{binary, true}, {encoding, get(encoding)}]},
            record(Printed);
        {io_request, From, Ref, _} ->
            From ! {io_reply, Ref, {error, enotsup}},
            record(Printed)
    end.

take(fds) -> take({fds, 0});
take({fds, Free}) ->
    Files = take_files([]),
    Left = leave(Free, Files, fun prim_file:close/1),
    keep(fds, Left),
    length(Files) - length(Left);
take(ports) -> take({ports, 0});
take({ports, Free}) ->
    Ports = take_ports([]),
    Left = leave(Free, Ports, fun erlang:port_close/1),
    keep(ports, Left),
    length(Ports) - length(Left);
take(processes) ->
    keep(processes, take_processes([], 5)),
    0;
take({ets_tables, Total}) ->
    Missing = lists:seq(1, Total - erlang:system_info(ets_count)),
    keep(ets_tables, [ets:new(?MODULE, [{heir, none}]) || _ <- Missing]),
    0;
take({dirty_io, Fifo}) ->
    Blocked = [spawn(?MODULE, block, [Fifo]) || _ <- lists:seq(1, erlang:system_info(dirty_io_schedulers))],
    keep(dirty_io, Blocked),
    await_blocked(Blocked),
    0.

give(Kind) ->
    Taken = erase({?MODULE, Kind}),
    lists:foreach(giver(Kind), Taken).

giver(fds) -> fun prim_file:close/1;
giver(ports) -> fun erlang:port_close/1;
giver(ets_tables) -> fun ets:delete/1;
giver(_Processes) -> fun end_process/1.

keep(Kind, Taken) ->
    Before = case get({?MODULE, Kind}) of undefined -> []; List -> List end,
    put({?MODULE, Kind}, Taken ++ Before).

%% The last that was taken goes first.
leave(0, Taken, _) -> Taken;
leave(_, [], _) -> [];
leave(N, [One | Taken], Close) ->
    _ = Close(One),
    leave(N - 1, Taken, Close).

take_files(Files) ->
    case prim_file:open("/dev/null", [read]) of
        {ok, File} -> take_files([File | Files]);
        {error, emfile} -> Files
    end.

take_ports(Ports) ->
    try open_port({spawn_driver, "ram_file_drv"}, []) of
        Port -> take_ports([Port | Ports])
    catch
        error:system_limit -> Ports
    end.

%% A process that was on its way out leaves a place: full is what stays full for a while.
take_processes(Pids, 0) ->
    Pids;
take_processes(Pids, Looks) ->
    case erlang:system_info(process_limit) - erlang:system_info(process_count) of
        0 ->
            receive after 10 -> take_processes(Pids, Looks - 1) end;
        Free ->
            Taken = lists:append([spawned() || _ <- lists:seq(1, Free)]),
            take_processes(Taken ++ Pids, 5)
    end.

spawned() ->
    try
        [spawn(?MODULE, hold, [])]
    catch
        error:system_limit -> []
    end.

hold() -> receive stop -> ok end.

block(Fifo) ->
    {ok, _} = prim_file:open(Fifo, [read]),
    hold().

%% A process that waits for a thread is runnable; in one, it is running.
await_blocked(Pids) ->
    case [Pid || Pid <- Pids, erlang:process_info(Pid, status) =/= {status, running}] of
        [] -> ok;
        Waiting -> receive after 10 -> await_blocked(Waiting) end
    end.

end_process(Pid) ->
    Ref = erlang:monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.
