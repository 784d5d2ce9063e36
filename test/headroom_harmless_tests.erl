%% harden/0 starts a program, which is the one thing here that can end a node: whatever is missing for it, the node lives
%% and is told what was missing.
-module(headroom_harmless_tests).

-include_lib("eunit/include/eunit.hrl").

-export([thief/2]).

%% Each thing that a program needs, gone: a node that is hardened when it starts must not die of it.
exhausted_test_() ->
    [{Title, {timeout, 600, fun() ->
        headroom_child:with(Options#{load => [?MODULE]}, fun(Child) ->
            ok = Exhaust(Child),
            note(Child, Words)
        end)
     end}} || {Title, Options, Exhaust, Words} <-
        [{"descriptors", #{nofile => 128}, filled(fds), ["descriptors"]},
         {"ports", #{args => ["+Q", "1024"]}, filled(ports), ["ports"]},
         {"processes", #{args => ["+P", "1024"]}, filled(processes), ["processes"]},
         {"OS processes", headroom_user:unprivileged(), fun headroom_user:no_os_process/1, ["eagain", "pids.max"]}],
        Options =/= skipped].

%% Pipe pages, and the kernel's files where they are not counted: the kernel refuses a pipe, injected here.
no_pipe_test_() ->
    {timeout, 600, fun() ->
        case headroom_cc:compile("headroom_shim.c", ["-shared", "-fPIC", "-ldl"]) of
            {skipped, Why} ->
                io:format(user, "skipped: ~s", [Why]);
            {ok, Library} ->
                Folder = headroom_scratch:path("shim"),
                ok = file:make_dir(Folder),
                Env = [{"LD_PRELOAD", Library}, {"HEADROOM_SHIM", Folder}],
                headroom_child:with(#{env => Env, load => [?MODULE]}, fun(Child) ->
                    ok = file:write_file(filename:join(Folder, "pipe"), ""),
                    note(Child, ["enfile", "pipe pages"])
                end),
                _ = [file:delete(File) || File <- [filename:join(Folder, "pipe"), Library]],
                file:del_dir(Folder)
        end
    end}.

%% The same when the environment asks for it: the application starts.
at_start_test_() ->
    case headroom_user:unprivileged() of
        skipped -> [];
        Options ->
            {timeout, 600, fun() ->
                Stopped = Options#{app => stopped, args => ["-headroom", "harden", "true"], load => [?MODULE]},
                headroom_child:with(Stopped, fun(Child) ->
                    ok = headroom_user:no_os_process(Child),
                    ?assertMatch({ok, _}, headroom_child:call(Child, application, ensure_all_started, [headroom])),
                    ?assert(says(Child, <<"could not harden the node">>, 400))
                end)
            end}
    end.

%% What is logged is written a moment later.
says(Child, Words, Tries) ->
    case binary:match(headroom_child:output(Child), Words) of
        nomatch when Tries > 0 -> timer:sleep(25), says(Child, Words, Tries - 1);
        Found -> Found =/= nomatch
    end.

%% What takes the last descriptor while the node is hardened must not find a helper that is just about to start: where the
%% rest of the work is seen, the helper runs or is left alone.
thief_test_() ->
    [{lists:concat(["as soon as ", Trigger, " is seen"]), {timeout, 600, fun() ->
        headroom_child:with(#{nofile => 256, load => [?MODULE]}, fun(Child) ->
            {ok, Hardened} = headroom_child:call(Child, fun() -> robbed(Trigger) end),
            ?assertMatch([_], [H || #{hazard := resolver_not_started} = H <- Hardened]),
            ?assertEqual(ok, headroom_child:call(Child, fun() -> ok end))
        end)
     end}} || Trigger <- [headroom_preload, headroom_helper, headroom_nif, inet_gethost_native]].

%% A file system that hangs holds the code server; what waits for it must come back and say so.
blocked_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{load => [?MODULE]}, fun(Child) ->
            0 = headroom_child:fill(Child, dirty_io),
            {ok, Hardened} = headroom_child:call(Child, fun() -> headroom:harden() end),
            Note = note_of(resolver_not_started, Hardened),
            ?assertMatch({match, _}, re:run(Note, "in time")),
            ok = headroom_child:undo(Child, dirty_io),
            %% It was stuck, not broken.
            {ok, Again} = headroom_child:call(Child, fun() -> headroom:harden() end),
            ?assertEqual([true], [Done || #{hazard := resolver_not_started, done := Done} <- Again])
        end)
    end}.

%% A caller's own messages are its own, and no port of the trial stays.
leaves_nothing_behind_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{load => [?MODULE]}, fun(Child) ->
            {Messages, Ports} = headroom_child:call(Child, fun() ->
                Trap = process_flag(trap_exit, true),
                Before = erlang:ports(),
                {ok, _} = headroom:harden(),
                {messages, Got} = process_info(self(), messages),
                true = process_flag(trap_exit, Trap),
                {Got, [erlang:port_info(Port, name) || Port <- erlang:ports() -- Before]}
            end),
            ?assertEqual([], Messages),
            ?assertMatch([{name, _}], Ports)
        end)
    end}.

%% Told, and alive.
note(Child, Words) ->
    {ok, Hardened} = headroom_child:call(Child, fun() -> headroom:harden() end),
    ?assertEqual([false], [Done || #{hazard := resolver_not_started, done := Done} <- Hardened]),
    Note = note_of(resolver_not_started, Hardened),
    [?assertNotEqual({nomatch, Word, Note}, {string:find(Note, Word), Word, Note}) || Word <- Words],
    ?assertMatch(#{node := _}, headroom_child:call(Child, headroom, snapshot, [])).

note_of(Id, Hardened) ->
    [Note] = [Note || #{hazard := Hazard, note := Note} <- Hardened, Hazard =:= Id],
    Note.

filled(Resource) ->
    fun(Child) -> 0 = headroom_child:fill(Child, Resource), ok end.

%% Hardens, while a process that comes first everywhere waits for a module on the stack of whoever hardens, and then takes
%% every descriptor.
robbed(Trigger) ->
    Thief = spawn_opt(?MODULE, thief, [self(), Trigger], [{priority, max}]),
    Answer = headroom:harden(),
    true = exit(Thief, kill),
    Answer.

thief(Victim, Trigger) ->
    Spawned = {initial_call, {erlang, apply, 2}},
    Pids = [Victim | [Pid || Pid <- processes(), erlang:process_info(Pid, initial_call) =:= Spawned]],
    Seen = [Pid || Pid <- Pids, {current_stacktrace, Stack} <- [erlang:process_info(Pid, current_stacktrace)],
                   lists:keymember(Trigger, 1, Stack)],
    case Seen of
        [] -> thief(Victim, Trigger);
        _ -> take_files([])
    end.

take_files(Files) ->
    case prim_file:open("/dev/null", [read]) of
        {ok, File} -> take_files([File | Files]);
        {error, emfile} -> receive Files -> ok end
    end.
