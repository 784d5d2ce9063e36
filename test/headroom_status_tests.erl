-module(headroom_status_tests).

-include_lib("eunit/include/eunit.hrl").
-include_lib("kernel/include/file.hrl").

%% A probe acts on the status code, a proxy on the header: 503 that is stored would outlive its cause.
http_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{nofile => 128, load => [?MODULE]}, fun(Child) ->
            %% Where descriptors are counted one by one, health uses a count for a second, and a snapshot makes a new one.
            Ask = fun() ->
                _ = headroom_child:call(Child, headroom, snapshot, []),
                headroom_child:call(Child, headroom_health, response, [])
            end,
            {200, Headers, Body} = Ask(),
            ?assertEqual([{<<"cache-control">>, <<"no-store">>}, {<<"content-type">>, <<"application/json">>}],
                         lists:sort(Headers)),
            ?assertEqual(<<"{\"level\":\"ok\",\"findings\":[]}">>, Body),
            ?assertEqual(20, headroom_child:fill(Child, {fds, 20})),
            {200, Headers, Warning} = Ask(),
            has([<<"\"level\":\"warning\"">>, <<"\"id\":\"fds_nearly_exhausted\"">>], Warning),
            ?assertEqual(0, headroom_child:fill(Child, fds)),
            {503, Headers, Critical} = Ask(),
            has([<<"\"level\":\"critical\"">>, <<"\"id\":\"fds_exhausted\"">>], Critical),
            ok = headroom_child:undo(Child, fds),
            {200, Headers, Body} = Ask()
        end)
    end}.

%% Where nobody can get in any more, the file is all that says so: it must stay fresh, of one size, and the node's own.
fresh_at_zero_test_() ->
    {timeout, 600, fun() ->
        File = headroom_scratch:path("status"),
        headroom_child:with(with_file(File, #{nofile => 128, load => [?MODULE]}), fun(Child) ->
            {ok, #file_info{mode = Mode, size = Size}} = file:read_file_info(File),
            ?assertEqual({8#600, 4096}, {Mode band 8#777, Size}),
            has([<<"\"level\":\"ok\"">>], await(File, <<"\"level\":\"ok\"">>)),
            Zero = [fds, ports, processes],
            ?assertEqual([0, 0, 0], [headroom_child:fill(Child, Resource) || Resource <- Zero]),
            Critical = await(File, <<" processes are taken">>),
            has([<<"\"level\":\"critical\"">>, <<" descriptors are taken">>, <<" ports are taken">>], Critical),
            ?assert(sequence(await_next(File, Critical)) > sequence(Critical)),
            [ok = headroom_child:undo(Child, Resource) || Resource <- lists:reverse(Zero)],
            _ = await(File, <<"\"level\":\"ok\"">>),
            ok = headroom_child:call(Child, application, stop, [headroom]),
            %% The last word of a node that no longer watches would be believed until it is old.
            ?assertEqual({error, enoent}, file:read_file_info(File))
        end)
    end}.

%% A path that was mistyped must not cost a file, nor a link of somebody else lead to one.
others_files_test_() ->
    {timeout, 600, fun() ->
        File = headroom_scratch:path("status"),
        ok = file:write_file(File, "secrets"),
        Link = headroom_scratch:path("status"),
        ok = file:make_symlink(File, Link),
        Start = fun(Path) ->
            headroom_child:with(with_file(Path, #{app => stopped}), fun(Child) ->
                headroom_child:call(Child, application, start, [headroom])
            end)
        end,
        Bad = fun({error, {{bad_option, status_file, Why}, _}}) -> Why end,
        has([<<"no status file of headroom">>], Bad(Start(File))),
        has([<<"no regular file">>], Bad(Start(Link))),
        ?assertEqual({ok, <<"secrets">>}, file:read_file(File)),
        ok = file:delete(Link),
        %% An empty file may be somebody's lock: ours are never empty.
        ok = file:write_file(File, ""),
        has([<<"no status file of headroom">>], Bad(Start(File))),
        ?assertEqual({ok, <<>>}, file:read_file(File)),
        %% What an earlier node left behind, or began, is replaced.
        ok = file:write_file(File, "{\"headroom_status\":1,"),
        ?assertEqual(ok, Start(File)),
        _ = file:delete(File)
    end}.

%% A node is often replaced by its successor before it has stopped: the file then tells of the one that lives.
two_nodes_test_() ->
    {timeout, 600, fun() ->
        File = headroom_scratch:path("status"),
        headroom_child:with(with_file(File, #{}), fun(First) ->
            headroom_child:with(with_file(File, #{}), fun(Second) ->
                Theirs = inode(File),
                ok = headroom_child:call(First, application, stop, [headroom]),
                ?assertEqual(Theirs, inode(File)),
                _ = await_next(File, element(2, file:read_file(File))),
                ?assertEqual(Theirs, inode(File)),
                %% And what a third one puts there is not the second one's to delete.
                ok = file:delete(File),
                ok = file:write_file(File, "theirs"),
                ok = headroom_child:call(Second, application, stop, [headroom]),
                ?assertEqual({ok, <<"theirs">>}, file:read_file(File))
            end)
        end),
        ok = file:delete(File)
    end}.

inode(File) ->
    {ok, #file_info{inode = Inode}} = file:read_file_info(File),
    Inode.

%% An application may change its working directory: a relative path is one of the start.
changed_directory_test_() ->
    {timeout, 600, fun() ->
        [Here, There] = [headroom_scratch:path(Kind) || Kind <- ["here", "there"]],
        [ok = file:make_dir(Folder) || Folder <- [Here, There]],
        Victim = filename:join(There, "status"),
        ok = file:write_file(Victim, "theirs"),
        headroom_child:with(with_file("status", #{app => stopped}), fun(Child) ->
            ok = headroom_child:call(Child, file, set_cwd, [Here]),
            ok = headroom_child:call(Child, application, start, [headroom]),
            ok = headroom_child:call(Child, file, set_cwd, [There]),
            _ = await(filename:join(Here, "status"), <<"\"level\":\"ok\"">>),
            ok = headroom_child:call(Child, application, stop, [headroom]),
            ?assertEqual({ok, <<"theirs">>}, file:read_file(Victim)),
            ?assertEqual({ok, []}, file:list_dir(Here))
        end),
        ok = file:delete(Victim),
        [ok = file:del_dir(Folder) || Folder <- [Here, There]]
    end}.

%% A cleaner of temporary files takes the file away, from a node that cannot be entered, too: it comes back, whole and for
%% its owner alone, and leaves nothing beside it.
comes_back_test_() ->
    {timeout, 600, fun() ->
        Folder = headroom_scratch:path("folder"),
        File = filename:join(Folder, "status"),
        ok = file:make_dir(Folder),
        headroom_child:with(with_file(File, #{nofile => 128}), fun(Child) ->
            ?assertEqual({ok, ["status"]}, file:list_dir(Folder)),
            ok = file:delete(File),
            ok = appears(File, 1000),
            %% With no other descriptor than its own.
            0 = headroom_child:fill(Child, fds),
            ok = file:delete(File),
            ok = appears(File, 1000),
            {ok, #file_info{mode = Mode, size = Size}} = file:read_file_info(File),
            ?assertEqual({8#600, 4096}, {Mode band 8#777, Size}),
            _ = await(File, <<"\"level\":\"critical\"">>),
            ok = headroom_child:undo(Child, fds),
            ok = headroom_child:call(Child, application, stop, [headroom])
        end),
        ok = file:del_dir(Folder)
    end}.

%% A node that died at a limit is asked why in the morning: what it said is still there, over a restart, in order, for its
%% owner alone, and the file is a ring.
history_test_() ->
    {timeout, 600, fun() ->
        File = headroom_scratch:path("status"),
        History = File ++ ".history",
        Run = fun(Times) ->
            headroom_child:with(with_file(File, "true", #{nofile => 128, load => [?MODULE]}), fun(Child) ->
                _ = await(File, <<"\"level\":\"ok\"">>),
                0 = headroom_child:fill(Child, fds),
                Said = fun(Text) -> length(binary:matches(Text, <<" descriptors are taken">>)) >= Times end,
                _ = await(History, Said, 1000)
            end)
        end,
        Run(1),
        {ok, #file_info{mode = Mode, size = First}} = file:read_file_info(History),
        ?assertEqual({8#600, 0}, {Mode band 8#777, First rem 4096}),
        Run(2),
        {0, Text} = headroom_sh:run(headroom_command:shell() ++ " history --file " ++ History),
        Levels = [Level || Line <- string:split(Text, "\n", all), [_, Level | _] <- [re:split(string:trim(Line), " {2,}")]],
        ?assert(length([L || L <- Levels, L =:= <<"CRITICAL">>]) >= 2, Text),
        ?assertEqual(2, length(string:split(Text, "(os pid", all)) - 1),
        %% One that a cleaner took away begins anew, at the latest with the next change.
        headroom_child:with(with_file(File, "true", #{nofile => 128, load => [?MODULE]}), fun(Child) ->
            _ = await(File, <<"\"level\":\"ok\"">>),
            ok = file:delete(History),
            1 = headroom_child:fill(Child, {fds, 1}),
            ok = appears(History, 1000)
        end),
        %% What is no history of ours is left alone, an empty file and who may read it, too.
        [begin
             ok = file:write_file(History, Theirs),
             ok = file:change_mode(History, 8#644),
             headroom_child:with(with_file(File, "true", #{}), fun(_) ->
                 Record = await(File, <<"\"level\":\"ok\"">>),
                 await_next(File, Record)
             end),
             ?assertEqual({ok, Theirs}, file:read_file(History)),
             {ok, #file_info{mode = Kept}} = file:read_file_info(History),
             ?assertEqual(8#644, Kept band 8#777)
         end || Theirs <- [<<"theirs">>, <<>>]],
        [ok = file:delete(Path) || Path <- [History, File]]
    end}.

%% A folder that tmpfs lost at a restart, or nobody made, must not keep production down; and once it is there, so is the file.
folder_comes_later_test_() ->
    {timeout, 600, fun() ->
        Folder = headroom_scratch:path("folder"),
        File = filename:join(Folder, "status"),
        headroom_child:with(with_file(File, #{}), fun(Child) ->
            ?assertEqual(ok, headroom_child:call(Child, headroom, health, [])),
            ok = file:make_dir(Folder),
            ok = appears(File, 1000),
            has([<<"\"level\":\"ok\"">>], await(File, <<"\"level\":\"ok\"">>)),
            ok = headroom_child:call(Child, application, stop, [headroom])
        end),
        ok = file:del_dir(Folder)
    end}.

appears(File, Tries) when Tries > 0 ->
    case filelib:is_file(File) of
        true -> ok;
        false -> timer:sleep(100), appears(File, Tries - 1)
    end.

%% The file must not decide whether the node lives.
process_ends_test_() ->
    {timeout, 600, fun() ->
        File = headroom_scratch:path("status"),
        headroom_child:with(with_file(File, #{}), fun(Child) ->
            Pid = headroom_child:call(Child, erlang, whereis, [headroom_status_file]),
            true = headroom_child:call(Child, erlang, exit, [Pid, kill]),
            ?assertEqual(ok, headroom_child:call(Child, headroom, health, [])),
            ?assertMatch([_ | _], headroom_child:call(Child, supervisor, which_children, [headroom_sup]))
        end),
        _ = file:delete(File)
    end}.

with_file(File, Options) ->
    with_file(File, "false", Options).

with_file(File, History, Options) ->
    Options#{args => ["-headroom", "status_file", "\"" ++ File ++ "\"", "-headroom", "history", History]}.

await(File, Words) -> await(File, fun(Record) -> binary:match(Record, Words) =/= nomatch end, 1000).

await_next(File, Before) -> await(File, fun(Record) -> Record =/= Before end, 1000).

await(File, Wanted, Tries) when Tries > 0 ->
    {ok, Record} = file:read_file(File),
    case Wanted(Record) of
        true -> Record;
        false -> timer:sleep(100), await(File, Wanted, Tries - 1)
    end.

sequence(Record) ->
    {match, [Number]} = re:run(Record, "\"sequence\":([0-9]+)", [{capture, all_but_first, binary}]),
    binary_to_integer(Number).

has(Words, Text) ->
    [?assertNotEqual({nomatch, Word, Text}, {string:find(Text, Word), Word, Text}) || Word <- Words].
