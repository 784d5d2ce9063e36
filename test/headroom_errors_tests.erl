%% Every exhaustion made real in a node of its own, every operation run there, and what it really returned diagnosed there.
%%
%% With HEADROOM_ERROR_TABLES=FILE the tables of docs/errors are written to that file: see script/error-tables.
-module(headroom_errors_tests).

-include_lib("eunit/include/eunit.hrl").

-define(CLIENT, [{active, false}]).

%% A wrong verdict here is a wrong culprit on this release. Each row asserts what fails, and what is made of it.
matrix_test_() ->
    {inorder,
     [{timeout, 600, {atom_to_list(Cause), fun() -> table(Cause, exhausted(Cause)) end}}
      || Cause <- [fds, ports, processes, max_fds]]
     ++ [{timeout, 600, {"enfile", fun() -> injected() end}},
         {timeout, 600, {"inotify", fun() -> inotify() end}}]}.

%%% Limits that can be reached

exhausted(Cause) ->
    headroom_child:with((options(Cause))#{load => [headroom_operations]}, fun(Child) ->
        Ports = headroom_child:call(Child, headroom_operations, warm, []),
        %% There calls that never end are the error; elsewhere one that is slow is none.
        _ = [headroom_child:call(Child, erlang, put, [timeout, 10000]) || Cause =/= max_fds],
        Early = [await(Child) || Cause =/= max_fds],
        ok = exhaust(Cause, Child),
        %% Beyond max_fds the listener too must have a number that is too large.
        [Waiting] = Early ++ [await(Child) || Cause =:= max_fds],
        Rows = [{Call, row(Cause, Child, Call, [{accept_waiting, Waiting} | Ports])}
                || Call <- headroom_operations:all()],
        check(Cause, Rows),
        Rows ++ logged(Cause, Child)
    end).

options(fds) -> #{nofile => 256};
options(ports) -> #{nofile => 4096, args => ["+Q", "1024"]};
options(processes) -> #{args => ["+P", "1024"]};
options(max_fds) -> #{nofile => {256, 4096}}.

exhaust(max_fds, Child) ->
    ok = headroom_outside:set_soft(Child, 2048),
    headroom_child:call(Child, headroom_operations, open_files, [300]);
exhaust(Cause, Child) ->
    0 = headroom_child:fill(Child, Cause),
    ok.

await(Child) ->
    headroom_child:call(Child, headroom_operations, await, [[{ip, {127, 0, 0, 1}}]]).

row(processes, _Child, file_io, _Ports) ->
    {skipped, "it would end the node: the file server dies with the process that it cannot start"};
row(Cause, Child, Call, Ports) ->
    Client = client(proplists:get_value(Call, Ports)),
    %% A process that ended meanwhile made room.
    _ = [headroom_child:fill(Child, processes) || Cause =:= processes],
    Row = headroom_child:call(Child, headroom_operations, diagnosed, [Call]),
    assert_client(Cause, Call, Client),
    Row.

client(undefined) ->
    none;
client(Port) ->
    {ok, Client} = gen_tcp:connect({127, 0, 0, 1}, Port, ?CLIENT),
    Client.

%% What diagnose says about clients is what clients see.
assert_client(Cause, Call, Client) when Call =:= accept; Call =:= accept_waiting; Call =:= accept_ssl ->
    case Cause of
        ports -> ?assertEqual({Call, {error, closed}}, {Call, gen_tcp:recv(Client, 0, 60000)});
        fds -> ?assertEqual({Call, {error, timeout}}, {Call, gen_tcp:recv(Client, 0, 100)});
        enfile -> ?assertEqual({Call, {error, timeout}}, {Call, gen_tcp:recv(Client, 0, 100)});
        _ -> ok
    end;
assert_client(_, _, _) ->
    ok.

check(Cause, Rows) ->
    Failed = [{Call, Verdict} || {Call, {Returned, Verdict}} <- Rows, Returned =/= ok, Returned =/= skipped],
    ?assertEqual([], must_fail(Cause) -- [Call || {Call, _} <- Failed]),
    Expected = {culprit(Cause), observed},
    Wrong = [{Call, Verdict} || {Call, #{verdict := V, basis := B} = Verdict} <- Failed, {V, B} =/= Expected],
    ?assertEqual([], Wrong).

culprit(fds) -> nofile;
culprit(ports) -> port_table;
culprit(processes) -> processes;
culprit(max_fds) -> max_fds.

must_fail(fds) -> headroom_operations:all() -- [sctp_open, peeloff, ets, spawn];
must_fail(ports) -> [listen, listen_ssl, connect, connect_ssl, accept, accept_waiting, accept_ssl, udp_open, open_port,
                     os_cmd];
must_fail(processes) -> [listen_socket, listen_ssl, connect_socket, accept_socket, spawn];
must_fail(max_fds) -> [connect, connect_socket, accept_waiting, open_port, os_cmd].

%% The line that the emulator wrote to the log.
logged(max_fds, Child) ->
    Lines = binary:split(headroom_child:output(Child), <<"\n">>, [global]),
    [Line | _] = [L || L <- Lines, binary:match(L, <<"larger than the largest allowed fd">>) =/= nomatch],
    #{verdict := max_fds, basis := observed} = Verdict =
        headroom_child:call(Child, headroom, diagnose, [Line]),
    [{log_line, {{error, log_line}, Verdict}}];
logged(_, _) ->
    [].

%%% Refusals of the kernel that cannot be brought about here: injected

injected() ->
    case headroom_cc:compile("headroom_shim.c", ["-shared", "-fPIC", "-ldl"]) of
        {ok, Shim} ->
            Results = [injected(Shim, Prefix) || Prefix <- [[], without_privileges()], Prefix =/= skipped],
            ok = file:delete(Shim),
            lists:foreach(fun({Exempt, Rows}) -> table({enfile, Exempt}, Rows) end, lists:usort(Results));
        {skipped, _} = Skipped ->
            table({enfile, unknown}, [{injection, Skipped}])
    end.

injected(Shim, Prefix) ->
    Dir = Shim ++ ".d",
    ok = file:make_dir(Dir),
    Env = [{"LD_PRELOAD", Shim}, {"HEADROOM_SHIM", Dir}],
    try
        headroom_child:with(#{nofile => 512, prefix => Prefix, env => Env, load => [headroom_operations]},
                            fun(Child) -> injected_into(Child, Dir) end)
    after
        ok = file:del_dir(Dir)
    end.

injected_into(Child, Dir) ->
    Ports = headroom_child:call(Child, headroom_operations, warm, []),
    Waiting = await(Child),
    #{nofile := #{exempt_from_file_max := Exempt}} = headroom_child:call(Child, headroom, snapshot, []),
    Rows = [begin
                Switch = filename:join(Dir, System),
                ok = file:write_file(Switch, <<>>),
                Row = row(enfile, Child, Call, [{accept_waiting, Waiting} | Ports]),
                ok = file:delete(Switch),
                {Returned, #{verdict := Verdict, basis := Basis}} = Row,
                ?assertNotEqual(ok, Returned),
                ?assertEqual({Call, expected(System, Exempt)}, {Call, {Verdict, Basis}}),
                {Call, Row}
            end || {System, Calls} <- refused_calls(), Call <- Calls],
    {Exempt, Rows}.

refused_calls() ->
    [{"accept", [accept, accept_waiting, accept_socket, accept_ssl]},
     {"socket", [listen, listen_socket, connect, connect_socket, udp_open, socket]},
     {"open", [file_raw, file_io]},
     {"pipe", [open_port, os_cmd]}].

%% Only accept is refused: the probe gets its file, which neither clears the kernel nor accuses it.
expected("accept", true) -> {kernel_memory, by_elimination};
expected("accept", false) -> {undetermined, none};
%% The probe is refused as well, with room in fs.file-max: it is memory.
expected("socket", _) -> {kernel_memory, probed};
expected("open", true) -> {other_limit, by_elimination};
expected("open", false) -> {kernel_file_max, by_elimination};
expected("pipe", true) -> {kernel_memory, probed};
expected("pipe", false) -> {pipe_pages, probed}.

%% A command that runs another without any capability: to it fs.file-max applies.
without_privileges() ->
    Prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"],
    case os:cmd(lists:flatten(lists:join(" ", Prefix ++ ["true", "&& echo -n ok"]))) of
        "ok" -> Prefix;
        _ -> skipped
    end.

%% In a user namespace of its own, whose limit is no setting of the machine.
inotify() ->
    Row = case headroom_cc:compile("headroom_inotify.c", []) of
        {ok, Program} ->
            Line = os:cmd("unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_inotify_instances && exec " ++ Program ++ "' 2>&1"),
            ok = file:delete(Program),
            case string:find(Line, "Failed to initialize inotify") of
                nomatch ->
                    {skipped, "no user namespace with a limit of its own: " ++ string:trim(Line)};
                _ ->
                    #{verdict := inotify_instances, basis := by_elimination} = Verdict = headroom:diagnose(Line),
                    {{error, string:trim(Line)}, Verdict}
            end;
        {skipped, _} = Skipped ->
            Skipped
    end,
    table(inotify, [{open_port, Row}]).

%%% The tables

table(Cause, Rows) ->
    _ = [io:format(user, "skipped: ~ts ~ts: ~ts~n", [name(Cause), Call, Why]) || {Call, {skipped, Why}} <- Rows],
    case os:getenv("HEADROOM_ERROR_TABLES") of
        false ->
            ok;
        File ->
            Lines = ["\n## ", title(Cause), "\n\n| operation | returned | verdict | basis |\n|---|---|---|---|\n"
                     | [line(Row) || Row <- Rows]],
            ok = file:write_file(File, unicode:characters_to_binary(Lines), [append])
    end.

name({enfile, _}) -> enfile;
name(Cause) -> Cause.

title(fds) -> "No free descriptor (`ulimit -n 256`)";
title(ports) -> "Port table full (`+Q 1024`)";
title(processes) -> "Process table full (`+P 1024`)";
title(max_fds) -> "Soft limit raised after boot, descriptors above `max_fds` (booted with 256, raised to 2048)";
title({enfile, true}) -> "The kernel says ENFILE (injected), to a process with CAP_SYS_ADMIN";
title({enfile, false}) -> "The kernel says ENFILE (injected), to a process without CAP_SYS_ADMIN";
title({enfile, unknown}) -> "The kernel says ENFILE (injected)";
title(inotify) -> "No inotify instance left, in a program".

line({Call, {skipped, Why}}) ->
    ["| ", words(Call), " | not run: ", Why, " | | |\n"];
line({Call, {ok, _}}) ->
    ["| ", words(Call), " | succeeds | - | - |\n"];
line({Call, {Returned, #{verdict := Verdict, basis := Basis}}}) ->
    io_lib:format("| ~ts | ~ts | `~s` | ~s |~n", [words(Call), shown(Returned), Verdict, string:replace(atom_to_list(Basis), "_", " ", all)]).

shown({error, log_line}) -> "\"... fd=319 is larger than the largest allowed fd=255\"";
shown({error, [_ | _] = Text}) -> ["\"", Text, "\""];
shown({exception, Class, Reason, []}) -> io_lib:format("raises `~0p:~0p`", [Class, Reason]);
shown({exception, Class, Reason, [Cause | _]}) -> io_lib:format("raises `~0p:~0p`, cause `~0p`", [Class, Reason, Cause]);
shown(Returned) -> io_lib:format("`~0p`", [Returned]).

words(listen) -> "`gen_tcp:listen`";
words(listen_socket) -> "`gen_tcp:listen`, socket backend";
words(listen_ssl) -> "`ssl:listen`";
words(connect) -> "`gen_tcp:connect`";
words(connect_socket) -> "`gen_tcp:connect`, socket backend";
words(connect_ssl) -> "`ssl:connect`";
words(accept) -> "`gen_tcp:accept`, a client is queued";
words(accept_waiting) -> "`gen_tcp:accept`, waiting";
words(accept_socket) -> "`gen_tcp:accept`, socket backend";
words(accept_ssl) -> "`ssl:transport_accept`";
words(udp_open) -> "`gen_udp:open`";
words(sctp_open) -> "`gen_sctp:open`";
words(peeloff) -> "`gen_sctp:peeloff`";
words(socket) -> "`socket:open`";
words(file_raw) -> "`file:open`, raw";
words(file_io) -> "`file:open`";
words(list_dir) -> "`file:list_dir`";
words(open_port) -> "`open_port`";
words(os_cmd) -> "`os:cmd`";
words(ets) -> "`ets:new`";
words(spawn) -> "`spawn`";
words(log_line) -> "a line of the log";
words(injection) -> "all".
