%% The door: a way in that holds when a node has nothing left, and that no client can shut.
-module(headroom_door_tests).

-include_lib("eunit/include/eunit.hrl").
-include_lib("kernel/include/file.hrl").

-export([flood/2]).

with_door(Options, Test) ->
    {timeout, 600, fun() ->
        Folder = headroom_scratch:path("door"),
        Path = filename:join(Folder, "headroom.door"),
        Args = ["-headroom", "door", "\"" ++ Path ++ "\""],
        Child = maps:merge(#{nofile => 256, args => Args ++ maps:get(flags, Options, []), load => [?MODULE]},
                           maps:without([flags], Options)),
        try
            headroom_child:with(Child, fun(Node) -> Test(Node, Path) end)
        after
            _ = file:delete(Path),
            _ = file:del_dir(Folder)
        end
    end}.

door(Question, Where) ->
    headroom_sh:run(lists:flatten(lists:join(" ", [headroom_command:shell(), "door", Question | Where]))).

socket(Path) -> ["--socket", Path].

pid(Child) -> integer_to_list(headroom_child:os_pid(Child)).

says(Text, Output) -> ?assertMatch({_, {_, _}}, {Output, binary:match(Output, Text)}).

%% What it is for: at zero of everything at once, the report is given and the reserve comes back.
at_zero_of_everything_test_() ->
    with_door(#{flags => ["+Q", "1024", "+P", "1024"]}, fun(Child, Path) ->
        {ok, _} = headroom_child:call(Child, headroom, reserve, [#{fds => 16, ports => 4}]),
        0 = headroom_child:fill(Child, fds),
        0 = headroom_child:fill(Child, ports),
        0 = headroom_child:fill(Child, processes),
        {0, Report} = door("report", socket(Path)),
        [says(Text, Report) || Text <- [<<"fds_exhausted">>, <<"ports_exhausted">>, <<"processes_exhausted">>]],
        {0, Json} = door("report", [pid(Child), "--json"]),
        says(<<"\"level\":\"critical\"">>, Json),
        ?assertEqual({0, <<"gave back 16 descriptors and 4 ports\n">>}, door("release", [pid(Child)])),
        ?assertMatch({0, <<"nothing was held", _/binary>>}, door("release", socket(Path)))
    end).

%% A client that asks without end and reads nothing must not keep another one waiting.
flooded_test_() ->
    with_door(#{}, fun(Child, Path) ->
        Flooders = [spawn_link(?MODULE, flood, [Path, self()]) || _ <- lists:seq(1, 3)],
        [receive {flooding, Flooder} -> ok end || Flooder <- Flooders],
        [?assertMatch({0, <<"headroom ", _/binary>>}, door("report", socket(Path))) || _ <- lists:seq(1, 5)],
        ?assertEqual(ok, headroom_child:call(Child, fun() -> headroom:health(), ok end)),
        [begin unlink(Flooder), exit(Flooder, kill) end || Flooder <- Flooders]
    end).

%% Each question has a new identity, so that none is taken for a repeated one.
flood(Path, Parent) ->
    {ok, Socket} = gen_udp:open(0, [{ifaddr, {local, <<0, (term_to_binary({self(), make_ref()}))/binary>>}},
                                    {active, false}, binary]),
    flood(Socket, Path, Parent, 0).

flood(Socket, Path, Parent, N) ->
    _ = gen_udp:send(Socket, {local, Path}, 0, [<<"HRD1", N:64, 0:32>>, "report json"]),
    N =:= 1000 andalso (Parent ! {flooding, self()}),
    flood(Socket, Path, Parent, N + 1).

%% Everybody else must be kept out by the file system alone.
for_its_user_alone_test_() ->
    with_door(#{}, fun(_Child, Path) ->
        {ok, #file_info{mode = Socket}} = file:read_file_info(Path),
        {ok, #file_info{mode = Folder}} = file:read_file_info(filename:dirname(Path)),
        ?assertEqual({8#600, 8#700}, {Socket band 8#777, Folder band 8#777})
    end).

%% What it costs is said: a descriptor and a port, gone with the application, and with the file.
what_it_costs_test_() ->
    with_door(#{}, fun(Child, Path) ->
        #{fds := #{own := With}} = headroom_child:call(Child, headroom, snapshot, []),
        Open = length(headroom_outside:descriptors(Child)),
        ok = headroom_child:call(Child, application, stop, [headroom]),
        ?assertEqual({error, enoent}, file:read_file_info(Path)),
        ?assertEqual(Open - 1, length(headroom_outside:descriptors(Child))),
        #{fds := #{own := Without}} = headroom_child:call(Child, headroom, snapshot, []),
        ?assertEqual(With - 1, Without)
    end).

%% A node that is gone leaves its socket behind: the next one takes its place, and never that of a node that is there.
left_behind_test_() ->
    with_door(#{}, fun(Child, Path) ->
        Args = ["-headroom", "door", "\"" ++ Path ++ "\""],
        headroom_child:with(#{args => Args, load => [?MODULE]}, fun(Second) ->
            says(<<"has no door">>, headroom_child:output(Second)),
            ?assertEqual(undefined, headroom_child:call(Second, erlang, whereis, [headroom_door]))
        end),
        {0, _} = headroom_sh:run("kill -9 " ++ pid(Child)),
        headroom_child:with(#{args => Args, load => [?MODULE]}, fun(Third) ->
            {0, Report} = door("report", socket(Path)),
            says(iolist_to_binary(["os pid ", pid(Third)]), Report)
        end)
    end).

%% A path that was mistyped must not cost a file, nor a node its start; and what another one put there since stays.
not_its_own_test_() ->
    {timeout, 600, fun() ->
        File = headroom_scratch:path("theirs"),
        ok = file:write_file(File, "theirs"),
        Options = #{args => ["-headroom", "door", "\"" ++ File ++ "\""], load => [?MODULE]},
        headroom_child:with(Options, fun(Child) ->
            ?assertEqual(undefined, headroom_child:call(Child, erlang, whereis, [headroom_door])),
            says(<<"is_no_socket">>, headroom_child:output(Child)),
            ?assertEqual({ok, <<"theirs">>}, file:read_file(File)),
            ok = file:delete(File),
            {ok, _} = restarted(Child),
            ok = file:delete(File),
            headroom_child:with(Options, fun(Second) ->
                ok = headroom_child:call(Child, application, stop, [headroom]),
                {0, Report} = door("report", socket(File)),
                says(iolist_to_binary(["os pid ", pid(Second)]), Report)
            end)
        end),
        %% The second one was killed, and left its own behind.
        ok = file:delete(File)
    end}.

%% A node that is full when the application is started again gets no door, and everything else.
no_room_for_it_test_() ->
    with_door(#{}, fun(Child, Path) ->
        ok = headroom_child:call(Child, application, stop, [headroom]),
        0 = headroom_child:fill(Child, fds),
        ?assertMatch({ok, _}, headroom_child:call(Child, application, ensure_all_started, [headroom])),
        ?assertEqual(undefined, headroom_child:call(Child, erlang, whereis, [headroom_door])),
        ?assertMatch({critical, _}, headroom_child:call(Child, headroom, health, [])),
        ?assertEqual({error, enoent}, file:read_file_info(Path))
    end).

restarted(Child) ->
    ok = headroom_child:call(Child, application, stop, [headroom]),
    headroom_child:call(Child, application, ensure_all_started, [headroom]).

%% Clients of other versions, and everything that is no request.
nonsense_test_() ->
    with_door(#{}, fun(_Child, Path) ->
        {ok, Socket} = gen_udp:open(0, [{ifaddr, {local, <<0, (term_to_binary(make_ref()))/binary>>}}, binary]),
        [ok = gen_udp:send(Socket, {local, Path}, 0, Bytes) || Bytes <- [<<>>, <<"HRD1">>, <<"HRD2", 0:96, "report">>,
                                                                         <<"HRD1", 1:64, 9:32, "report">>]],
        ok = gen_udp:send(Socket, {local, Path}, 0, <<"HRD1", 2:64, 0:32, "what?">>),
        receive
            {udp, Socket, _, _, Reply} -> ?assertEqual(<<"HRD1", 2:64, 0:32, 1:32, 1:8, "unknown_question">>, Reply)
        after 60000 -> error(no_reply)
        end,
        ?assertMatch({0, _}, door("report", socket(Path)))
    end).

%% A path that cannot be is named at the start: a door that nobody finds would be missed in the incident.
a_bad_option_is_named_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{app => stopped, load => [?MODULE]}, fun(Child) ->
            Start = fun(Door) ->
                headroom_child:call(Child, fun() ->
                    ok = application:set_env(headroom, door, Door),
                    headroom_config:load()
                end)
            end,
            [?assertMatch({error, {bad_option, door, _}}, Start(Bad)) || Bad <- ["relative", true, 7, [$/, -1], []]],
            [?assertEqual(ok, Start(Good)) || Good <- [default, false, "/run/x", <<"/run/x">>]]
        end)
    end}.
