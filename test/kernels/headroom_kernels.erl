%% What needs a kernel of its own: run as the first program of a booted one, as root. Prints a line for each, and at the end
%% whether all passed.
-module(headroom_kernels).

-export([run/0]).

-define(NOBODY, ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]).

run() ->
    {ok, Release} = file:read_file("/proc/sys/kernel/osrelease"),
    Road = headroom_child:with(child(#{}), fun(Child) -> headroom_child:call(Child, headroom_nif, open_count, []) end),
    io:format("kernel ~ts OTP ~s, counts ~p~n",
              [string:trim(Release), erlang:system_info(otp_release), Road]),
    Results = [attempt(Name, Check) || {Name, Check} <- checks()],
    io:format("~s: ~b of ~b~n", [case lists:member(false, Results) of true -> "some failed"; false -> "all passed" end,
                                 length([R || R <- Results, R]), length(Results)]),
    halt(0).

attempt(Name, Check) ->
    Began = erlang:monotonic_time(millisecond),
    {Said, Result} = try Check() of
        Facts -> {io_lib:format("ok      ~s: ~0p", [Name, Facts]), true}
    catch
        Class:Reason:Stacktrace -> {io_lib:format("FAILED  ~s: ~0p ~0p ~0P", [Name, Class, Reason, Stacktrace, 20]), false}
    end,
    io:format("~ts (~b ms)~n", [Said, erlang:monotonic_time(millisecond) - Began]),
    Result.

checks() ->
    [{"counts are those of /proc/self/fd", fun counts/0},
     {"a count is fresh after filling", fun fresh/0},
     {"concurrent changes of the limit", fun concurrent/0},
     {"fs.nr_open below the soft limit, with descriptors taken", fun nr_open_full/0},
     {"fs.nr_open lowered below what is open", fun nr_open_lowered/0},
     {"RLIMIT_NPROC reached", fun nproc/0},
     {"pids.max of the container reached", fun pids_max/0},
     {"pids.max reached, {harden, true}", fun pids_max_at_start/0},
     {"pipe pages used up", fun pipe_pages/0},
     {"the kernel's files used up", fun enfile/0}].

child(Options) -> Options#{load => [?MODULE]}.

nobody(Options) -> child(Options#{prefix => ?NOBODY ++ maps:get(prefix, Options, []), env => [{"HOME", "/tmp"}]}).

set(File, Value) ->
    ok = file:write_file(File, io_lib:format("~b", [Value])).

with_sysctl(File, Value, Fun) ->
    {ok, Before} = file:read_file(File),
    set(File, Value),
    try Fun() after ok = file:write_file(File, Before) end.

%%% The road of the count

counts() ->
    headroom_child:with(child(#{nofile => 600}), fun(Child) ->
        [begin
             Left = headroom_child:fill(Child, {fds, Free}),
             #{fds := #{open := Open, free := Left}} = headroom_child:call(Child, headroom, snapshot, []),
             Open = length(headroom_outside:descriptors(Child)),
             Open
         end || Free <- [500, 100, 0]]
    end).

fresh() ->
    headroom_child:with(child(#{nofile => 120}), fun(Child) ->
        headroom_child:call(Child, fun() ->
            _ = headroom:health(),
            #{fds := #{free := Free}} = headroom:snapshot(),
            Free = length(open_all([])),
            #{level := critical, fds := #{free := 0}} = headroom:snapshot(),
            {error, [_]} = headroom:check(#{fds => #{free => 10}}),
            #{verdict := nofile, basis := observed} = headroom:diagnose(emfile, accept),
            alive(),
            Free
        end)
    end).

open_so_many(0, Files) ->
    put(files, Files),
    ok;
open_so_many(Left, Files) ->
    {ok, File} = prim_file:open("/dev/null", [read]),
    open_so_many(Left - 1, [File | Files]).

open_all(Files) ->
    case prim_file:open("/dev/null", [read]) of
        {ok, File} -> open_all([File | Files]);
        {error, Errno} -> put(files, Files), put(errno, Errno), Files
    end.

concurrent() ->
    headroom_child:with(child(#{nofile => {1024, 1024}}), fun(Child) ->
        headroom_child:call(Child, fun() ->
            Calls = [fun() -> headroom:reserve(#{fds => 32, ports => 2}) end, fun() -> headroom:reserve(100) end,
                     fun headroom:release/0, fun() -> headroom:raise_nofile(max) end, fun headroom:clamp_nofile/0],
            Pids = [spawn_monitor(fun() -> [{ok, _} = Call() || _ <- lists:seq(1, 100)] end) || Call <- Calls],
            [receive {'DOWN', Ref, process, Pid, Reason} -> normal = Reason end || {Pid, Ref} <- Pids],
            length(Pids) * 100
        end, 120000)
    end).

%%% fs.nr_open

nr_open_full() ->
    headroom_child:with(child(#{nofile => 20000}), fun(Child) ->
        with_sysctl("/proc/sys/fs/nr_open", 1000, fun() ->
            headroom_child:call(Child, fun() ->
                Opened = length(open_all([])),
                emfile = get(errno),
                #{fds := #{open := Open}, resources := [#{limit := Limit, free := Free} | _],
                  capacity := #{file := #{free := Files}}, level := Level} = headroom:snapshot(),
                %% Kernels before 5.18 round up: some more are open than the bound that is told.
                true = Free =:= 0 orelse (Free =:= unknown andalso Open > Limit),
                Free = Files,
                true = Level =/= ok,
                #{verdict := Verdict} = headroom:diagnose(emfile, file),
                alive(),
                #{opened => Opened, open => Open, limit => Limit, free => Free, level => Level, verdict => Verdict}
            end, 120000)
        end)
    end).

nr_open_lowered() ->
    headroom_child:with(child(#{nofile => 20000}), fun(Child) ->
        ok = headroom_child:call(Child, fun() -> open_so_many(1500, []) end, 120000),
        with_sysctl("/proc/sys/fs/nr_open", 1000, fun() ->
            #{level := warning, fds := #{open := Open}, resources := [#{limit := 960, free := unknown} | _],
              findings := [#{id := fds_nearly_exhausted, level := warning} | _]} =
                headroom_child:call(Child, headroom, snapshot, []),
            {ok, More} = headroom_child:call(Child, fun() -> prim_file:open("/dev/null", [read]) end),
            true = is_tuple(More),
            Open
        end)
    end).

%%% What a program needs, and nobody counts

%% Harmless, and told.
refused(Child, Errno) ->
    {ok, Hardened} = headroom_child:call(Child, fun headroom:harden/0, 60000),
    [#{done := false, note := Note}] = [H || #{hazard := resolver_not_started} = H <- Hardened],
    {_, _} = binary:match(Note, Errno),
    ok = headroom_child:call(Child, fun alive/0),
    Note.

alive() ->
    _ = headroom:harden(),
    _ = headroom:snapshot(),
    ok.

nproc() ->
    headroom_child:with(nobody(#{}), fun(Child) ->
        "" = headroom_child:call(Child, os, cmd, ["prlimit --pid $PPID --nproc=1:1 2>&1"]),
        refused(Child, <<"eagain">>)
    end).

%% A group of its own, with no room for one more.
in_full_group(Options, Test) ->
    Root = "/tmp/cgroup",
    _ = file:make_dir(Root),
    {0, _} = headroom_sh:run(["mount -t cgroup2 cgroup ", Root, " 2>/dev/null; true"]),
    ok = file:write_file(Root ++ "/cgroup.subtree_control", "+pids"),
    Group = Root ++ "/node",
    ok = file:make_dir(Group),
    try
        headroom_child:with(nobody(Options), fun(Child) ->
            Pid = headroom_child:os_pid(Child),
            Starter = string:trim(headroom_child:call(Child, os, cmd, ["echo $PPID"])),
            [ok = file:write_file(Group ++ "/cgroup.procs", P) || P <- [integer_to_list(Pid), Starter]],
            {ok, Current} = file:read_file(Group ++ "/pids.current"),
            ok = file:write_file(Group ++ "/pids.max", Current),
            Test(Child)
        end)
    after
        _ = timer:sleep(500),
        file:del_dir(Group)
    end.

pids_max() ->
    in_full_group(#{}, fun(Child) -> refused(Child, <<"eagain">>) end).

pids_max_at_start() ->
    in_full_group(#{app => stopped, args => ["-headroom", "harden", "true"]}, fun(Child) ->
        {ok, Started} = headroom_child:call(Child, fun() -> application:ensure_all_started(headroom) end, 60000),
        ok = headroom_child:call(Child, fun alive/0),
        Started
    end).

pipe_pages() ->
    with_sysctl("/proc/sys/fs/pipe-user-pages-soft", 128, fun() ->
        with_sysctl("/proc/sys/fs/pipe-user-pages-hard", 160, fun() ->
            headroom_child:with(nobody(#{}), fun(Child) ->
                Programs = headroom_child:call(Child, fun() -> length(sleepers([])) end),
                {Programs, refused(Child, <<"enfile">>)}
            end)
        end)
    end).

sleepers(Ports) ->
    try open_port({spawn_executable, os:find_executable("sleep")}, [{args, ["1000"]}]) of
        Port -> sleepers([Port | Ports])
    catch
        error:enfile -> put(ports, Ports), Ports
    end.

%%% The kernel's files

enfile() ->
    headroom_child:with(nobody(#{nofile => 20000}), fun(Child) ->
        [Used | _] = string:lexemes(element(2, file:read_file("/proc/sys/fs/file-nr")), "\t\n "),
        with_sysctl("/proc/sys/fs/file-max", binary_to_integer(Used) + 300, fun() ->
            Answer = headroom_child:call(Child, fun() ->
                Opened = length(open_all([])),
                enfile = get(errno),
                #{verdict := kernel_file_max, basis := Basis} = headroom:diagnose(enfile, file),
                {critical, Critical} = headroom:health(),
                true = lists:member(kernel_files_exhausted, [Id || #{id := Id} <- Critical]),
                {error, [_]} = headroom:check(#{kernel_files => #{free => 1}}),
                #{file := #{free := 0, bound_by := kernel_files}} = headroom:capacity(),
                alive(),
                [prim_file:close(File) || File <- get(files)],
                {Opened, Basis}
            end, 60000),
            %% For root the limit is none: it passes.
            Answer
        end)
    end).
