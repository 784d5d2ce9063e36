%% The library comes and goes under a running node, or does not come at all.
-module(headroom_reload_tests).

-include_lib("eunit/include/eunit.hrl").

-export([upgrade/3, busy/1]).

-define(UPGRADES, 50).

%% A release upgrade moves the library to another path each time. What it leaked would add up over the years, and a call
%% that fails in between is a false alarm, or a crash of the poller.
upgrades_over_two_paths_test_() ->
    in_folders(fun(Folders) ->
        headroom_child:with(options(first(Folders)), fun(Child) ->
            Before = counts(Child),
            Failed = headroom_child:call(Child, fun() -> upgrade_while_busy(Folders) end, 100000),
            ?assertEqual([], Failed),
            ?assertEqual(Before, counts(Child)),
            %% The old libraries are gone from memory, not only unused.
            ?assertEqual([first(Folders)], mapped(Child))
        end)
    end).

%% The same path again, as by `l(headroom_nif)' at the prompt.
reloads_of_one_path_test_() ->
    in_folders(fun(Folders) ->
        headroom_child:with(options(first(Folders)), fun(Child) ->
            Before = counts(Child),
            Failed = headroom_child:call(Child, fun() -> upgrade_while_busy([first(Folders)]) end, 100000),
            ?assertEqual([], Failed),
            ?assertEqual(Before, counts(Child))
        end)
    end).

%% Code reloaders delete before they load. Between both, the next call loads the module again.
delete_and_reload_test_() ->
    in_folders(fun(Folders) ->
        headroom_child:with(options(first(Folders)), fun(Child) ->
            Before = counts(Child),
            #{fds := #{own := Own}} = headroom_child:call(Child, headroom, snapshot, []),
            true = headroom_child:call(Child, code, delete, [headroom_nif]),
            ?assertEqual([], failures(Child)),
            _ = headroom_child:call(Child, code, purge, [headroom_nif]),
            ?assertEqual([], failures(Child)),
            ?assertEqual(Before, counts(Child)),
            %% Gone altogether: its descriptors, too.
            true = headroom_child:call(Child, code, delete, [headroom_nif]),
            _ = headroom_child:call(Child, code, purge, [headroom_nif]),
            ?assertEqual(open(Before) - Own, length(headroom_outside:descriptors(Child))),
            ?assertEqual([], failures(Child)),
            ?assertEqual(Before, counts(Child))
        end)
    end).

%% With no descriptor left the new library cannot be opened; then the old one must go on.
an_upgrade_at_zero_fails_and_the_old_library_stays_test_() ->
    in_folders(fun([_, {_, Second}] = Folders) ->
        headroom_child:with((options(first(Folders)))#{nofile => 64}, fun(Child) ->
            true = headroom_child:call(Child, code, add_patha, [Second]),
            Binary = headroom_child:call(Child, fun() -> erl_prim_loader:get_file(Second ++ "/headroom_nif.beam") end),
            {ok, Code, File} = Binary,
            0 = headroom_child:fill(Child, fds),
            ?assertEqual({error, on_load_failure},
                         headroom_child:call(Child, code, load_binary, [headroom_nif, File, Code])),
            ?assertEqual([], failures(Child)),
            ?assertMatch(#{fds := #{open := 64, own := Own}} when Own > 3, headroom_child:call(Child, headroom, snapshot, []))
        end)
    end).

%% A broken deployment: the node must start all the same, say why once, and go on saying it when it is asked.
a_library_that_cannot_be_loaded_test_() ->
    [in_folders(Title, fun(Folders) ->
         {Lib, _} = first(Folders),
         Break(filename:join([Lib, "priv", "headroom_nif.so"])),
         headroom_child:with((options(first(Folders)))#{app => stopped}, fun(Child) ->
             ?assertMatch({ok, [headroom]}, headroom_child:call(Child, application, ensure_all_started, [headroom])),
             Answers = headroom_child:call(Child, headroom_public, call_all, [[data, changes]]),
             ?assertEqual([], [Answer || {_, Outcome} = Answer <- Answers, not says(Kind, Outcome)]),
             {Printing, Text} = headroom_child:capture(Child, latin1, fun() -> headroom_public:call_all([prints]) end),
             ?assertEqual([], [Answer || {_, Outcome} = Answer <- Printing, not says(Kind, Outcome)]),
             ?assertEqual(length(Printing), length(binary:matches(Text, <<"nif_not_loaded">>))),
             Log = headroom_child:output(Child),
             ?assertMatch([_], binary:matches(Log, <<"=WARNING REPORT">>), Log),
             ?assertMatch({_, _}, binary:match(Log, <<"nif_not_loaded">>), Log),
             %% Put right, a reload is all that it takes.
             {ok, _} = file:copy(library(), filename:join([Lib, "priv", "good.so"])),
             ok = file:rename(filename:join([Lib, "priv", "good.so"]), filename:join([Lib, "priv", "headroom_nif.so"])),
             ok = headroom_child:call(Child, fun() -> reload() end),
             ?assertEqual([], failures(Child))
         end)
     end) || {Title, Kind, Break} <- [{"missing", load_failed, fun(So) -> ok = file:delete(So) end},
                                      {"garbage", load_failed, fun(So) -> replace(So, <<"no library at all">>) end},
                                      {"its first bytes", load_failed, fun(So) -> replace(So, first_bytes(So, 40)) end},
                                      {"of another module", bad_lib, fun(So) -> replace(So, other_library()) end}]].

says(Kind, {ok, {error, {nif_not_loaded, {Kind, Text}}}}) -> is_binary(Text);
says(_, _) -> false.

%% A bad upgrade must not take away what works.
a_bad_upgrade_is_refused_test_() ->
    in_folders(fun([{_, First}, {SecondLib, Second}] = Folders) ->
        replace(filename:join([SecondLib, "priv", "headroom_nif.so"]), <<"garbage">>),
        headroom_child:with(options(first(Folders)), fun(Child) ->
            Before = counts(Child),
            ?assertEqual({error, on_load_failure},
                         headroom_child:call(Child, ?MODULE, upgrade, [First, Second, headroom_nif])),
            ?assertEqual([], failures(Child)),
            ?assertEqual(Before, counts(Child))
        end)
    end).

%% Stopped is not unloaded: who asks while the application restarts gets an answer.
stop_and_start_test_() ->
    in_folders(fun(Folders) ->
        headroom_child:with(options(first(Folders)), fun(Child) ->
            Before = counts(Child),
            ok = headroom_child:call(Child, application, stop, [headroom]),
            ?assertMatch(#{level := ok}, headroom_child:call(Child, headroom, snapshot, [])),
            ?assertEqual(ok, headroom_child:call(Child, headroom, health, [])),
            ok = headroom_child:call(Child, application, start, [headroom]),
            ?assertEqual([], failures(Child)),
            ?assertEqual(Before, counts(Child))
        end)
    end).

%%% Run in the child

upgrade_while_busy(Folders) ->
    Parent = self(),
    Busy = [spawn_monitor(fun() -> busy(Parent) end) || _ <- [1, 2]],
    Ebins = [Ebin || {_, Ebin} <- Folders],
    Path = lists:append(lists:duplicate(?UPGRADES + 1, Ebins)),
    Steps = lists:zip(lists:sublist(Path, ?UPGRADES), lists:sublist(tl(Path), ?UPGRADES)),
    Failed = [Step || {Old, New} <- Steps, Step <- [upgrade(Old, New, headroom_nif)], Step =/= {module, headroom_nif}],
    _ = code:purge(headroom_nif),
    Failed ++ lists:append([finish(Pid, Ref) || {Pid, Ref} <- Busy]).

upgrade(Old, New, Module) ->
    _ = code:del_path(Old),
    true = code:add_patha(New),
    _ = code:purge(Module),
    code:load_file(Module).

reload() ->
    _ = code:purge(headroom_nif),
    {module, headroom_nif} = code:load_file(headroom_nif),
    ok.

%% Every answer must be one, at least once; what was none ends the loop.
busy(Parent) ->
    ok = headroom:health(),
    #{level := ok, fds := #{own := Own}} = headroom:snapshot(),
    true = Own > 3,
    #{free := _} = headroom:capacity(socket),
    true = is_binary(headroom:report_text()),
    receive
        {Parent, finish} -> ok
    after 0 ->
        busy(Parent)
    end.

finish(Pid, Ref) ->
    Pid ! {self(), finish},
    receive
        {'DOWN', Ref, process, Pid, normal} -> [];
        {'DOWN', Ref, process, Pid, Reason} -> [Reason]
    end.

%%% Beside it

counts(Child) ->
    #{fds := Fds} = headroom_child:call(Child, headroom, snapshot, []),
    maps:with([open, own, highest], Fds).

open(#{open := Open}) -> Open.

failures(Child) ->
    headroom_public:failures(headroom_child:call(Child, headroom_public, call_all, [[data, prints]])).

%% The folders whose library is in the memory of the node.
mapped(Child) ->
    {ok, Maps} = file:read_file("/proc/" ++ integer_to_list(headroom_child:os_pid(Child)) ++ "/maps"),
    Lines = [Line || Line <- binary:split(Maps, <<"\n">>, [global]), binary:match(Line, <<"headroom_nif">>) =/= nomatch],
    Files = lists:usort([lists:last(binary:split(Line, <<" ">>, [global])) || Line <- Lines]),
    Libs = [filename:dirname(filename:dirname(binary_to_list(File))) || File <- Files],
    [{Lib, filename:join(Lib, "ebin")} || Lib <- Libs].

first([Folder | _]) -> Folder.

options({_, Ebin}) ->
    #{ebin => Ebin, load => [?MODULE, headroom_public]}.

library() -> filename:join(code:priv_dir(headroom), "headroom_nif.so").

other_library() ->
    {ok, Library} = file:read_file(filename:join([code:priv_dir(crypto), "lib", "crypto.so"])),
    Library.

first_bytes(File, Count) ->
    {ok, <<Bytes:Count/binary, _/binary>>} = file:read_file(File),
    Bytes.

%% Renamed over it: a library that is mapped must not be written to.
replace(File, Content) ->
    ok = file:write_file(File ++ ".new", Content),
    ok = file:rename(File ++ ".new", File).

%% Two copies of the application, each a folder and its ebin.
in_folders(Test) -> in_folders("", Test).

in_folders(Title, Test) ->
    {Title, {timeout, 600, fun() ->
        Root = filename:join(os:getenv("TMPDIR", "/tmp"), "headroom-reload-" ++ os:getpid()
                             ++ "-" ++ integer_to_list(erlang:unique_integer([positive]))),
        Folders = [copy(filename:join([Root, Name, "headroom-" ++ Name])) || Name <- ["1", "2"]],
        try
            Test(Folders)
        after
            ok = file:del_dir_r(Root)
        end
    end}}.

copy(Lib) ->
    Ebin = filename:join(Lib, "ebin"),
    Beams = filelib:wildcard(filename:join(filename:dirname(code:where_is_file("headroom.app")), "*")),
    _ = [copy(File, Ebin) || File <- Beams],
    copy(library(), filename:join(Lib, "priv")),
    {Lib, Ebin}.

copy(File, Folder) ->
    To = filename:join(Folder, filename:basename(File)),
    ok = filelib:ensure_dir(To),
    {ok, _} = file:copy(File, To).
