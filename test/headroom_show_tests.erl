%% What a prompt would cut off, printed whole.
-module(headroom_show_tests).

-include_lib("eunit/include/eunit.hrl").

%% Each call that stands alone on a line must be one that the prompt takes as it is: a typed dot too many, at night, is a
%% line that does nothing.
lines_can_be_pasted_test_() ->
    {timeout, 600, fun() ->
        {ok, _} = application:ensure_all_started(headroom),
        Texts = [headroom_ask:show(Answer, erlang) || Answer <- answers()],
        [?assert(is_binary(Text)) || Text <- Texts],
        Calls = [Line || Text <- Texts, Line <- string:split(Text, "\n", all),
                         string:prefix(string:trim(Line), "headroom:") =/= nomatch],
        [?assertMatch({ok, _}, parsed(string:trim(Line))) || Line <- Calls]
    end}.

%% In iex the same line is another one.
elixir_has_its_own_syntax_test_() ->
    {timeout, 600, fun() ->
        Finding = #{id => fds_exhausted, level => critical, message => <<"All are taken.">>, restart => false,
                    fix => [<<"headroom:release().">>]},
        Text = headroom_ask:show({critical, [Finding]}, elixir),
        ?assertNotEqual(nomatch, string:find(Text, "\n    Headroom.release()\n"))
    end}.

%% A snapshot in a ticket must be all of it, and JSON that a tool reads.
a_snapshot_is_whole_test_() ->
    {timeout, 600, fun() ->
        Text = headroom_ask:show(headroom:snapshot(), erlang),
        [?assertNotEqual(nomatch, string:find(Text, "\"" ++ atom_to_list(Key) ++ "\"")) || Key <- maps:keys(headroom:snapshot())]
    end}.

%% Anything else must come out as a prompt would print it, and never as an error.
any_other_term_is_printed_test_() ->
    {timeout, 600, fun() ->
        ?assertEqual(<<"{no,answer}\n">>, headroom_ask:show({no, answer}, erlang))
    end}.

answers() ->
    [headroom:snapshot(), headroom:health(), headroom:capacity(), headroom:capacity(gen_tcp), headroom:hazards(),
     headroom:boot_advice(), headroom:check(#{fds => 1 bsl 40}), headroom:raise_nofile(1 bsl 40),
     headroom:raise_nofile(max), headroom:clamp_nofile(), headroom:release(), headroom:version(),
     headroom:diagnose(emfile, accept), headroom:relief()].

parsed(Line) ->
    {ok, Tokens, _} = erl_scan:string(binary_to_list(Line)),
    erl_parse:parse_exprs(Tokens).
