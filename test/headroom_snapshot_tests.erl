-module(headroom_snapshot_tests).

-include_lib("eunit/include/eunit.hrl").

%% The shape is a contract: a key that is missing, or one that is misspelt, breaks users' code.
shape_test_() ->
    {timeout, 600, fun() ->
        #{schema := 1, level := ok, node := Node, os_pid := Pid} = Snapshot = headroom:snapshot(),
        ?assertEqual(node(), Node),
        ?assertEqual(os:getpid(), integer_to_list(Pid)),
        Keys = [beam, binding, boot, capacity, fds, findings, kernel, level, node, nofile, os_pid, otp_release,
                reserved, resources, schema, taken_at, thresholds, unreadable],
        ?assertEqual(Keys, lists:sort(maps:keys(Snapshot))),
        ?assertEqual([fds, ports, processes, ets_tables, atoms, kernel_files],
                     [Name || #{name := Name} <- maps:get(resources, Snapshot)])
    end}.

%% A number that is not the VM's own would make every verdict wrong.
numbers_of_the_vm_test_() ->
    {timeout, 600, fun() ->
        #{beam := Beam, nofile := #{max_fds := MaxFds}} = headroom:snapshot(),
        #{ports := {_, PortLimit}, processes := {_, ProcessLimit}, atoms := {Atoms, AtomLimit}} = Beam,
        ?assertEqual({erlang:system_info(port_limit), erlang:system_info(process_limit), erlang:system_info(atom_limit)},
                     {PortLimit, ProcessLimit, AtomLimit}),
        ?assert(Atoms =< erlang:system_info(atom_count)),
        ?assertEqual(lists:max([N || Set <- erlang:system_info(check_io), {max_fds, N} <- Set]), MaxFds)
    end}.

bad_input_is_badarg_test_() ->
    [?_assertError(badarg, headroom:snapshot(jsn)),
     ?_assertError(badarg, headroom:capacity(42))].
