%% The numbers are those of the kernel, also where somebody changed a limit under the running node, and what cannot be
%% read is unknown and never 0.
-module(headroom_truth_tests).

-include_lib("eunit/include/eunit.hrl").

%% Descriptors at or above a lowered limit take no free slot; counting them as if they did hides the last free ones.
lowered_limit_with_holes_test_() ->
    [in_child(Road, Options#{nofile => 256}, fun(Child) ->
         ok = headroom_child:call(Child, fun() -> open_with_holes(180) end),
         ok = headroom_outside:set_soft(Child, 100),
         #{fds := #{open := Open, free := Free, highest := Highest}} = Snapshot =
             headroom_child:call(Child, headroom, snapshot, []),
         Numbers = headroom_outside:descriptors(Child),
         ?assertEqual({length(Numbers), lists:max(Numbers)}, {Open, Highest}),
         ?assertEqual(100 - length([N || N <- Numbers, N < 100]), Free),
         ?assert(Free > 0 andalso Open > 100),
         ?assertMatch(#{limit := 100, free := Free, used := Open, bound_by := nofile_soft}, fds(Snapshot)),
         ?assertMatch(#{file := #{free := Free, bound_by := fds}}, maps:get(capacity, Snapshot)),
         %% The kernel gives as many as were said to be free.
         ?assertEqual(Free, headroom_child:call(Child, fun() -> length(open_all([])) end)),
         Full = headroom_child:call(Child, headroom, snapshot, []),
         ?assertMatch(#{level := critical, fds := #{free := 0}}, Full),
         ?assertMatch(#{id := fds_exhausted, level := critical}, first_finding(Full)),
         %% Given back the old limit, all is as before.
         ok = headroom_outside:set_soft(Child, 256),
         ?assertMatch(#{limit := 256, free := Room} when Room =:= 256 - Open - Free,
                      fds(headroom_child:call(Child, headroom, snapshot, [])))
     end) || {Road, Options} <- headroom_roads:all()].

%% A limit that was lowered for a moment and whose slots are free again is no emergency: percent and level are of the slots
%% below the limit, whatever stands above it.
lowered_limit_with_room_test_() ->
    [in_child(Road, Options#{nofile => 400}, fun(Child) ->
         200 = headroom_child:fill(Child, {fds, 200}),
         ok = headroom_outside:set_soft(Child, 100),
         %% What was taken first stands lowest.
         ok = headroom_child:call(Child, fun() -> close_lowest(70) end),
         #{level := Level} = Snapshot = headroom_child:call(Child, headroom, snapshot, []),
         ?assertMatch(#{limit := 100, free := 70, percent := 30.0}, fds(Snapshot)),
         ?assertEqual({ok, ok}, {Level, headroom_child:call(Child, headroom, health, [])})
     end) || {Road, Options} <- headroom_roads:all()].

close_lowest(Count) ->
    Taken = get({headroom_child, fds}),
    [ok = prim_file:close(File) || File <- lists:sublist(lists:reverse(Taken), Count)],
    ok.

%% "Level ok" at zero is the worst answer there is: a count that was right a moment ago must not be given once more.
filled_since_the_last_answer_test_() ->
    [in_child(Road, Options#{nofile => 120}, fun(Child) ->
         ?assertEqual(ok, headroom_child:call(Child, headroom, health, [])),
         #{fds := #{free := Before}} = headroom_child:call(Child, headroom, snapshot, []),
         {Before, Snapshot, Capacity, Checked, Verdict, Harden, Reserved} =
             headroom_child:call(Child, fun filled_at_once/0),
         ?assertMatch(#{level := critical, fds := #{free := 0}}, Snapshot),
         ?assertEqual(#{free => 0, bound_by => fds}, Capacity),
         ?assertMatch({error, [#{id := free_below_required}]}, Checked),
         ?assertMatch(#{verdict := nofile, basis := observed}, Verdict),
         ?assertMatch({ok, [_ | _]}, Harden),
         ?assertMatch({error, {too_many, #{room := 0}}}, Reserved)
     end) || {Road, Options} <- headroom_roads:all()].

filled_at_once() ->
    Taken = length(open_all([])),
    {Taken, headroom:snapshot(), headroom:capacity(file), headroom:check(#{fds => #{free => 10}}),
     headroom:diagnose(emfile, accept), headroom:harden(), headroom:reserve(1)}.

%% Raised after boot, the limit gives sockets that no event reaches: to say "plenty free" would lead straight there.
raised_limit_test_() ->
    [in_child(Road, Options#{nofile => {64, 1024}}, fun(Child) ->
         ok = headroom_outside:set_soft(Child, 512),
         Snapshot = headroom_child:call(Child, headroom, snapshot, []),
         ?assertMatch(#{level := warning, nofile := #{soft := 512, max_fds := 64}}, Snapshot),
         ?assertMatch(#{limit := 64, bound_by := max_fds}, fds(Snapshot)),
         ?assertMatch(#{id := soft_above_max_fds, level := warning}, first_finding(Snapshot)),
         ?assertMatch({warning, [#{id := soft_above_max_fds}]}, headroom_child:call(Child, headroom, health, [])),
         %% One descriptor up there is enough, with nearly all below it free.
         ok = headroom_child:call(Child, fun() -> open_one_high(300) end),
         Deaf = headroom_child:call(Child, headroom, snapshot, []),
         ?assertMatch(#{level := critical, fds := #{highest := Highest}} when Highest >= 300, Deaf),
         ?assertMatch(#{id := soft_above_max_fds, level := critical}, first_finding(Deaf)),
         ?assertMatch({critical, [#{id := soft_above_max_fds}]}, headroom_child:call(Child, headroom, health, [])),
         ok = headroom_child:call(Child, fun() -> prim_file:close(get(high)) end),
         ?assertMatch(#{level := warning}, headroom_child:call(Child, headroom, snapshot, []))
     end) || {Road, Options} <- headroom_roads:all()].

%% A container may hide /proc. Numbers made up in its place would say that all is well.
no_proc_test_() ->
    hidden("/proc", [], fun(Child) ->
        Snapshot = all_answer(Child),
        ?assertMatch(#{fds := #{open := unknown, free := unknown, highest := unknown, own := 0},
                       nofile := #{soft := 128, nr_open := unknown, file_max := unknown, file_nr := unknown}},
                     Snapshot),
        ?assertMatch(#{used := unknown, free := unknown, percent := unknown, limit := 128}, fds(Snapshot)),
        ?assertMatch(#{level := warning}, Snapshot),
        ?assertMatch(#{id := unreadable, level := warning, resource := fds}, first_finding(Snapshot)),
        Reasons = [{What, Reason} || #{what := What, reason := Reason} <- maps:get(unreadable, Snapshot)],
        [?assertEqual({What, enoent}, lists:keyfind(What, 1, Reasons))
         || What <- [open, highest, file_nr, file_max, nr_open]],
        ?assertMatch({warning, [#{id := unreadable} | _]}, headroom_child:call(Child, headroom, health, []))
    end).

%% With only /proc/sys hidden the descriptors are known, and that the kernel's files are not is a warning where their
%% limit holds for the process.
no_proc_sys_test_() ->
    hidden("/proc/sys", ["setpriv", "--bounding-set", "-sys_admin"], fun(Child) ->
        Snapshot = all_answer(Child),
        ?assertMatch(#{fds := #{free := Free, own := Own}, nofile := #{exempt_from_file_max := false}}
                         when is_integer(Free) andalso Own > 0, Snapshot),
        ?assertMatch(#{level := warning}, Snapshot),
        ?assertMatch(#{id := unreadable, level := warning, resource := kernel_files}, first_finding(Snapshot))
    end).

%% Escapes like \x{2588} in a ticket are unreadable; so is a block that a latin1 terminal cannot show.
ascii_on_a_device_without_unicode_test_() ->
    in_child("", #{nofile => 64, env => [{"LC_ALL", "C"}, {"LANG", "C"}]}, fun(Child) ->
        0 = headroom_child:fill(Child, fds),
        ok = headroom_child:call(Child, headroom, report, []),
        Log = headroom_child:output(Child),
        {Printed, Captured} = {Log, element(2, headroom_child:capture(Child, latin1, fun() -> headroom:report() end))},
        [begin
             ?assertMatch({_, _}, binary:match(Text, <<"####">>)),
             ?assertEqual([], [Byte || <<Byte>> <= Text, Byte > 126]),
             ?assertEqual(nomatch, binary:match(Text, <<"\\x{">>))
         end || Text <- [Printed, Captured, headroom_child:call(Child, headroom, report_text, [])]]
    end).

%% Blocks are what the eye finds first; a device that can show them must get them.
blocks_on_a_device_with_unicode_test_() ->
    in_child("", #{nofile => 64}, fun(Child) ->
        0 = headroom_child:fill(Child, fds),
        {ok, Text} = headroom_child:capture(Child, unicode, fun() -> headroom:report() end),
        ?assertMatch({_, _}, binary:match(Text, unicode:characters_to_binary([16#2588, 16#2588, 16#2588]))),
        ?assertEqual(nomatch, binary:match(Text, <<"##">>))
    end).

%%% Run in the child

%% So many files, and every third of them closed again.
open_with_holes(Count) ->
    Files = [begin {ok, File} = prim_file:open("/dev/null", [read]), {N, File} end || N <- lists:seq(1, Count)],
    [ok = prim_file:close(File) || {N, File} <- Files, N rem 3 =:= 0],
    put(files, Files),
    ok.

open_all(Files) ->
    case prim_file:open("/dev/null", [read]) of
        {ok, File} -> open_all([File | Files]);
        {error, emfile} -> put(more, Files), Files
    end.

open_one_high(Count) ->
    [High | Low] = [begin {ok, File} = prim_file:open("/dev/null", [read]), File end || _ <- lists:seq(1, Count)],
    [Last | Others] = lists:reverse([High | Low]),
    [ok = prim_file:close(File) || File <- Others],
    put(high, Last),
    ok.

%%% Run beside it

fds(#{resources := [#{name := fds} = Fds | _]}) -> Fds.

first_finding(#{findings := [Finding | _]}) -> Finding.

all_answer(Child) ->
    Answers = headroom_child:call(Child, headroom_public, call_all, [[data, prints, changes]]),
    ?assertEqual([], headroom_public:failures(Answers)),
    [Snapshot] = [Snapshot || {{snapshot, [], _}, {ok, Snapshot}} <- Answers],
    Snapshot.

%% A child under an empty folder in the place of this one, where the machine permits that. Its own copy of the mount is
%% made private first, so that nobody else loses the folder.
hidden(Folder, Wrapper, Test) ->
    Hide = "mount --make-rprivate /proc && mount -t tmpfs headroom " ++ Folder,
    Unshare = "unshare --mount --propagation unchanged",
    case os:cmd(Unshare ++ " sh -c '" ++ Hide ++ "' 2>&1") of
        "" ->
            Prefix = string:lexemes(Unshare, " ") ++ ["sh", "-c", Hide ++ " && exec \"$@\"", "sh"],
            [in_child(Folder ++ " is empty, " ++ Road, Options#{nofile => 128, prefix => Prefix ++ Wrapper}, Test)
             || {Road, Options} <- headroom_roads:all()];
        Refused ->
            io:format(user, "skipped: ~s cannot be hidden here: ~ts", [Folder, Refused]),
            []
    end.

in_child(Title, Options, Test) ->
    {Title, {timeout, 600, fun() -> headroom_child:with(Options#{load => [?MODULE, headroom_public]}, Test) end}}.
