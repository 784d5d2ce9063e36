%% The rig itself: a node that stays behind, or an exhaustion that is none, would make the other suites lie.
-module(headroom_child_tests).

-include_lib("eunit/include/eunit.hrl").

%% Everything is taken at once and given back; the node answers in between.
fill_and_undo_test_() ->
    {timeout, 600, fun() ->
        Options = #{nofile => 64, args => ["+Q", "1024", "+P", "1024"], app => stopped, load => [?MODULE]},
        headroom_child:with(Options, fun fill_and_undo/1)
    end}.

fill_and_undo(Child) ->
    3 = headroom_child:fill(Child, {fds, 3}),
    0 = headroom_child:fill(Child, fds),
    0 = headroom_child:fill(Child, ports),
    0 = headroom_child:fill(Child, processes),
    ?assertEqual({{error, emfile}, system_limit, system_limit}, headroom_child:call(Child, fun one_more/0)),
    [headroom_child:undo(Child, Kind) || Kind <- [processes, ports, fds]],
    ?assertMatch({{ok, _}, Port, Pid} when is_port(Port) andalso is_pid(Pid),
                 headroom_child:call(Child, fun one_more/0)),
    0 = headroom_child:fill(Child, dirty_io),
    Stuck = headroom_child:call(Child, fun() ->
        {Pid, Ref} = spawn_monitor(fun() -> prim_file:read_file_info("/") end),
        receive {'DOWN', Ref, _, _, _} -> done after 200 -> Pid end
    end),
    ?assert(is_pid(Stuck)),
    ok = headroom_child:undo(Child, dirty_io),
    ?assertMatch({ok, _}, headroom_child:call(Child, prim_file, read_file_info, ["/"])).

one_more() ->
    {prim_file:open("/dev/null", [read]),
     try open_port({spawn_driver, "ram_file_drv"}, []) catch error:Port -> Port end,
     try spawn(headroom_child, hold, []) catch error:Process -> Process end}.

%% What fails in the node must fail the test, and what is printed must be seen as it was printed.
results_come_back_test_() ->
    {timeout, 600, fun() ->
        headroom_child:with(#{app => stopped, load => [?MODULE]}, fun(Child) ->
            ?assertError(mine, headroom_child:call(Child, fun() -> erlang:error(mine) end)),
            ?assertThrow(mine, headroom_child:call(Child, fun() -> throw(mine) end)),
            ?assertEqual({latin1, <<"text ü"/utf8>>}, headroom_child:capture(Child, latin1, fun() ->
                io:put_chars("text "),
                io:format("~tc", [16#fc]),
                proplists:get_value(encoding, io:getopts())
            end)),
            headroom_child:call(Child, fun() -> erlang:display(to_the_log) end),
            ?assertMatch({_, _}, binary:match(headroom_child:output(Child), <<"to_the_log">>)),
            ?assertError({child_timeout, _}, headroom_child:call(Child, fun() -> receive never -> ok end end, 50))
        end)
    end}.

%% A node that outlives its test holds descriptors and processor time for the rest of the run.
ends_with_its_test_test_() ->
    {timeout, 600, fun() ->
        Self = self(),
        {Test, Ref} = spawn_monitor(fun() ->
            Child = headroom_child:start(#{app => stopped}),
            Self ! {os_pid, headroom_child:os_pid(Child), Child},
            receive never -> ok end
        end),
        {OsPid, Child} = receive {os_pid, Found, Owner} -> {Found, Owner} after 100000 -> error(no_child) end,
        ?assert(alive(OsPid)),
        Gone = erlang:monitor(process, Child),
        exit(Test, kill),
        receive {'DOWN', Ref, _, _, killed} -> ok end,
        receive {'DOWN', Gone, _, _, normal} -> ok after 100000 -> error(still_there) end,
        ?assertNot(alive(OsPid))
    end}.

alive(OsPid) -> filelib:is_dir("/proc/" ++ integer_to_list(OsPid)).
