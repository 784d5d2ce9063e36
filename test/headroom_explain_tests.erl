%% What diagnose and explain promise for any input, in this node, where nothing is exhausted.
-module(headroom_explain_tests).

-include_lib("eunit/include/eunit.hrl").

%% The shape is a contract: a key that is missing, or one that is misspelt, breaks users' code.
shape_test_() ->
    {timeout, 600, fun() ->
        Verdict = headroom:diagnose(system_limit, accept),
        Keys = [basis, client_sees, evidence, fix, message, operation, reason, rejected, restart, verdict],
        ?assertEqual(Keys, lists:sort(maps:keys(Verdict))),
        #{reason := system_limit, operation := accept, verdict := port_table, basis := by_elimination, message := Message,
          evidence := #{probe := Probe, ports := {_, Limit}}, rejected := Rejected, restart := true} = Verdict,
        ?assert(is_binary(Message)),
        ?assertEqual(#{fd => granted, file => granted}, Probe),
        ?assertEqual(erlang:system_info(port_limit), Limit),
        ?assert(lists:all(fun(#{verdict := V, why := W}) -> is_atom(V) andalso is_binary(W) end, Rejected))
    end}.

%% Who asks for no probe must get none: it takes a slot.
no_probe_test_() ->
    {timeout, 600, fun() ->
        #{evidence := #{probe := Probe}} = headroom:diagnose(emfile, file, #{probe => false}),
        ?assertEqual(#{fd => not_done, file => not_done}, Probe)
    end}.

%% A typing error must not be answered as if it had been understood.
bad_input_is_badarg_test_() ->
    [?_assertError(badarg, Fun())
     || Fun <- [fun() -> headroom:diagnose(emfile, acept) end,
                fun() -> headroom:diagnose(emfile, <<"accept">>) end,
                fun() -> headroom:diagnose(emfile, accept, #{prob => true}) end,
                fun() -> headroom:diagnose(emfile, accept, #{probe => 1}) end,
                fun() -> headroom:diagnose(emfile, accept, []) end,
                fun() -> headroom:explain(emfile, 7) end,
                fun() -> headroom:explain_text(emfile, undef) end]].

%% A scheduler that reads a megabyte serves nobody else meanwhile: what is long in any way is handed on, unread, and is
%% answered all the same.
long_reasons_are_read_elsewhere_test_() ->
    Moment = {headroom_beam:facts(no_sockets), headroom_config:thresholds(), fresh},
    Asked = fun(Reason) -> headroom_nif:ask({diagnose, Reason, undefined, false}, Moment) end,
    Text = fun(Size) -> binary:copy(<<"(">>, Size) end,
    [?_assertMatch(#{verdict := _}, Asked(Short))
     || Short <- [Text(2048), {Text(1024), Text(1024)}, lists:duplicate(900, $()]] ++
    [{timeout, 60, ?_test(begin
         ?assertEqual(too_long, Asked(Long)),
         ?assertMatch(#{verdict := _}, headroom:diagnose(Long, undefined, #{probe => false}))
     end)} || Long <- [Text(2049), {error, {Text(1024), [Text(1024), x, <<"(">>]}}, lists:duplicate(2000, {a}),
                       #{reason => lists:seq(1, 5000)}]].

%% At night people paste whatever they have: each of these must be answered.
anything_is_answered_test_() ->
    Terms = [undefined, [], "", <<>>, {}, #{}, 0, -1.5, 1 bsl 100, self(), make_ref(), fun() -> ok end, [a | b],
             <<1:3>>, {error, {1, [2 | 3]}}, <<255, 254, 0>>, [255, 0, 1114111], {'EXIT', self()}, "\x{20ac}",
             {select_read, 1 bsl 70}, #{reason => #{reason => emfile}}, list_to_tuple(lists:seq(1, 5000))],
    [?_test(begin
                #{verdict := Verdict} = headroom:diagnose(Term),
                ?assert(is_atom(Verdict)),
                assert_prose(headroom:explain_text(Term, accept))
            end) || Term <- Terms].

assert_prose(Text) ->
    Lines = binary:split(Text, <<"\n">>, [global, trim]),
    ?assert(length(Lines) =< 25),
    ?assertEqual([], [Line || Line <- Lines, byte_size(Line) > 80]),
    ?assertEqual([], [Byte || <<Byte>> <= Text, Byte > 126]).

%% What this release really raises, not what a table says about it.
stacktraces_show_the_operation_test_() ->
    {timeout, 600, fun() ->
        Raised = fun(Fun) -> try Fun() catch error:R:S -> {R, S} end end,
        ?assertMatch(#{operation := file}, headroom:diagnose(Raised(fun() -> error(emfile, []) end), file)),
        TooLong = Raised(fun() -> list_to_atom(lists:duplicate(300, $a)) end),
        ?assertMatch(#{verdict := other_limit}, headroom:diagnose(TooLong)),
        Program = Raised(fun() -> open_port({spawn_executable, "/no/such/program"}, []) end),
        ?assertMatch(#{operation := open_port, verdict := not_a_limit}, headroom:diagnose(Program))
    end}.

%% A reason can hold the state of a crashed server. It must neither hold a scheduler nor make atoms.
huge_reasons_are_cut_off_test_() ->
    {timeout, 600, fun() ->
        Pairs = [{N, {integer_to_binary(N), binary:copy(<<"too many open things ">>, 100)}} || N <- lists:seq(1, 20000)],
        Huge = {shutdown, {{badmatch, Pairs}, maps:from_list(Pairs), list_to_tuple(Pairs), {error, emfile}}},
        Moment = {headroom_beam:facts(no_sockets), headroom_config:thresholds(), fresh},
        _ = headroom:diagnose(Huge, accept),
        Atoms = erlang:system_info(atom_count),
        {reductions, Before} = process_info(self(), reductions),
        Answer = headroom_nif:ask({diagnose, Huge, accept, false}, Moment),
        {reductions, After} = process_info(self(), reductions),
        ?assertEqual(too_long, Answer),
        ?assertMatch(#{verdict := _}, headroom:diagnose(Huge, accept)),
        ?assertEqual(Atoms, erlang:system_info(atom_count)),
        %% Reductions are what the emulator charged for it: 4000 are a scheduler's millisecond.
        ?assert(After - Before < 4000)
    end}.

%% The wrapper of a library that buried the error beyond the bound would be the one case that counts.
nested_reasons_are_found_test_() ->
    {timeout, 600, fun() ->
        Deep = lists:foldl(fun(N, R) -> {shutdown, {failed_to_start_child, N, R}} end, {listen_error, web, emfile},
                           lists:seq(1, 8)),
        ?assertMatch(#{reason := emfile, operation := listen, verdict := nofile}, headroom:diagnose({error, Deep}))
    end}.

%% Printed where the caller is, not on the node's own console.
explain_prints_to_the_group_leader_test_() ->
    {timeout, 600, fun() ->
        ok = headroom:explain(system_limit, accept),
        Printed = iolist_to_binary(?capturedOutput),
        ?assertMatch({0, _}, binary:match(Printed, <<"The port table of this node was full">>)),
        ok = headroom:explain({error, econnrefused})
    end}.
