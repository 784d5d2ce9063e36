%% What hazards and harden answer and leave alone. That the hazards are real is headroom_hazards_proof_tests' to show.
-module(headroom_hazards_tests).

-include_lib("eunit/include/eunit.hrl").

%% A key that is missing breaks users' code; an id that is no atom of the contract, their alarms.
shape_test_() ->
    {timeout, 600, fun() ->
        {ok, _} = application:ensure_all_started(headroom),
        Hazards = headroom:hazards(),
        ?assertNotEqual([], Hazards),
        [begin
             ?assertEqual([evidence, fix, id, level, message, resource, restart], lists:sort(maps:keys(Hazard))),
             #{level := Level, evidence := #{harden := Harden}, fix := Fix, message := Message} = Hazard,
             ?assert(lists:member(Level, [notice, warning])),
             ?assert(is_boolean(Harden)),
             ?assertEqual(Harden, lists:member(<<"headroom:harden().">>, Fix)),
             ?assert(is_binary(Message))
         end || Hazard <- Hazards]
    end}.

%% The number in the report is that of the list, without what every node of the release has.
report_test_() ->
    {timeout, 600, fun() ->
        {ok, _} = application:ensure_all_started(headroom),
        Told = [Id || #{id := Id} <- headroom:hazards(), Id =/= file_server_needs_process, Id =/= dist_listener_spins],
        Line = iolist_to_binary(io_lib:format("~nhazards  ~b at exhaustion", [length(Told)])),
        ?assertMatch({_, _}, binary:match(headroom:report_text(), Line)),
        %% A snapshot's keys are a contract: it has no room for hazards.
        ?assertNot(maps:is_key(exposure, headroom:snapshot()))
    end}.

%% Asked in the worst moment it answers, loads nothing, and harden leaves all as it is.
at_zero_test_() ->
    {timeout, 600, fun() ->
        Options = #{nofile => 128, args => ["+Q", "1024", "+P", "1024"], load => [?MODULE]},
        headroom_child:with(Options, fun(Child) ->
            [0 = headroom_child:fill(Child, Kind) || Kind <- [fds, ports, processes]],
            {Hazards, {ok, Hardened}, Loaded} = headroom_child:call(Child, fun at_zero/0),
            ?assertEqual([], Loaded),
            ?assertEqual([warning], lists:usort([Level || #{level := Level} <- Hazards])),
            ?assertEqual([Id || #{id := Id} <- Hazards], [Id || #{hazard := Id} <- Hardened]),
            ?assertEqual([false], lists:usort([Done || #{done := Done} <- Hardened]))
        end)
    end}.

%% A file system that hangs holds every dirty I/O thread; whoever asks then must not wait for one.
no_dirty_io_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{load => [?MODULE]}, fun(Child) ->
            0 = headroom_child:fill(Child, dirty_io),
            ?assertMatch([_ | _], headroom_child:call(Child, fun() -> headroom:hazards() end)),
            ok = headroom_child:undo(Child, dirty_io)
        end)
    end}.

at_zero() ->
    Before = erlang:loaded(),
    Hazards = headroom:hazards(),
    Hardened = headroom:harden(),
    {Hazards, Hardened, erlang:loaded() -- Before}.

%% Only what it says: the resolver's two processes and modules. A setting that changed would surprise in production.
harden_changes_no_setting_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{load => [?MODULE]}, fun(Child) ->
            Before = headroom_child:call(Child, fun settings/0),
            Registered = headroom_child:call(Child, erlang, registered, []),
            {ok, First} = headroom_child:call(Child, headroom, harden, []),
            After = headroom_child:call(Child, fun settings/0),
            [?assertEqual({Item, Setting}, {Item, maps:get(Item, After)}) || {Item, Setting} <- maps:to_list(Before)],
            ?assertEqual([inet_gethost_native, inet_gethost_native_sup],
                         lists:sort(headroom_child:call(Child, erlang, registered, []) -- Registered)),
            ?assertEqual([resolver_not_started], [Id || #{hazard := Id, done := true} <- First]),
            %% Again: nothing is left that it could do.
            {ok, Second} = headroom_child:call(Child, headroom, harden, []),
            ?assertEqual([], [Id || #{hazard := Id, done := true} <- Second]),
            ?assertEqual(nomatch, string:find(headroom_child:output(Child), "rror"))
        end)
    end}.

settings() ->
    #{nofile := Nofile} = headroom:snapshot(),
    #{nofile => maps:remove(file_nr, Nofile),
      logger => logger:get_config(),
      code_path => code:get_path(),
      resolver => inet_db:get_rc(),
      environment => erlang:phash2(lists:sort(os:getenv())),
      applications => [{Application, lists:sort(application:get_all_env(Application))}
                       || {Application, _, _} <- application:loaded_applications()],
      emulator => [erlang:system_info(Item) || Item <- [schedulers_online, min_heap_size, fullsweep_after]]}.

%% A word that is misspelt in sys.config must be heard of at start, not in the incident.
bad_option_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{app => stopped, args => ["-headroom", "harden", "yes"]}, fun(Child) ->
            ?assertMatch({error, {headroom, {{bad_option, harden, <<_/binary>>}, _}}},
                         headroom_child:call(Child, application, ensure_all_started, [headroom]))
        end)
    end}.
