%% `headroom autopsy' of dumps that real nodes of this release write when they die.
-module(headroom_autopsy_tests).

-include_lib("eunit/include/eunit.hrl").

%% What is said of a node that Expression ended, run by a shell under Limits with Flags.
died_of(Limits, Flags, Expression) ->
    Dump = headroom_scratch:path("dump"),
    try
        {_, Output} = die(Dump, Limits, Flags, Expression),
        {0, Answer} = headroom_sh:run([headroom_command:shell(), " autopsy ", Dump]),
        {cause(Answer), Answer, Output}
    after
        file:delete(Dump)
    end.

die(Dump, Limits, Flags, Expression) ->
    Erl = filename:join([code:root_dir(), "bin", "erl"]),
    headroom_sh:run([Limits, "; ERL_CRASH_DUMP=", Dump, " ERL_CRASH_DUMP_SECONDS=300 timeout 300 ", Erl,
                     " -noinput -mode embedded ", Flags, " -eval '", Expression, "'"]).

cause(Answer) ->
    [First | _] = binary:split(Answer, <<"\n">>),
    <<"cause: ", Cause/binary>> = First,
    Cause.

death({Cause, Says, Limits, Flags, Expression}) ->
    {timeout, 600, {binary_to_list(Cause), fun() ->
        {Found, Answer, Output} = died_of(Limits, Flags, Expression),
        ?assertEqual(Cause, Found, {Answer, Output}),
        [?assertNotEqual(nomatch, binary:match(Answer, Word), {Word, Answer}) || Word <- Says]
    end}}.

-define(UNTIL_ERROR(Opens),
        "F = fun G(L) -> case catch " Opens " of {ok, D} -> G([D | L]); P when is_port(P) -> G([P | L]); _ -> L end end, L = F([]), ").

%% If one of these failed, the morning after a night would end with a person reading a file of a gigabyte.
deaths_test_() ->
    [death(Death) || Death <- [
        %% Embedded mode loads all of OTP first: OTP 29 alone has more than 16 384 atoms.
        {<<"atoms">>, [<<"65536">>, <<"x_N">>, <<"+t 131072">>], "true", "+t 65536",
         "[list_to_atom([$x, $_ | integer_to_list(I)]) || I <- lists:seq(1, 200000)]."},
        {<<"resolver">>, [<<"emfile">>, <<"harden">>], "ulimit -n 64", "",
         ?UNTIL_ERROR("file:open(\"/dev/null\", [read, raw])") "inet:getaddr(\"nosuch.invalid\", inet), L."},
        {<<"resolver">>, [<<"system_limit">>, <<"1024 of 1024">>, <<"+Q 2048">>, <<"ram_file_drv">>], "true", "+Q 1024",
         ?UNTIL_ERROR("open_port({spawn_driver, \"ram_file_drv\"}, [])") "inet:getaddr(\"nosuch.invalid\", inet), L."},
        {<<"file_server">>, [<<"of 1024">>, <<"+P 2048">>, <<"timer:sleep">>], "true", "+P 1024",
         "F = fun G() -> case catch spawn(timer, sleep, [infinity]) of P when is_pid(P) -> G(); _ -> ok end end, F(), "
         "catch file:open(\"/etc/passwd\", [read]), timer:sleep(200000)."},
        {<<"memory">>, [<<"8000 MB">>], "ulimit -v 4000000", "", "binary:copy(<<0>>, 8000000000)."},
        {<<"not_a_limit">>, [<<"my own reason">>], "true", "", "erlang:halt(\"my own reason\")."},
        {<<"not_a_limit">>, [<<"badmatch">>], "true", "", "1 = 2."},
        {<<"not_a_limit">>, [<<"killed">>], "true", "", "exit(whereis(kernel_sup), kill), timer:sleep(200000)."}
    ]].

%% The table of a huge nofile: two gigabytes of address space, touched. What it leaves is too little for the rest.
huge_port_table_test_() ->
    death({<<"port_tab">>, [<<"134217727 slots">>, <<"+Q 65536">>], "ulimit -v 4800000", "+Q 134217727",
           "binary:copy(<<0>>, 8000000000)."}).

%% Where the table itself cannot be had the VM writes no dump: its last words are all that there is.
no_dump_at_all_test_() ->
    {timeout, 600, fun() ->
        Dump = headroom_scratch:path("dump"),
        {_, Output} = die(Dump, "ulimit -v 1500000", "+Q 134217727", "ok."),
        ?assertNot(filelib:is_file(Dump)),
        ok = file:write_file(Dump, Output),
        {0, Answer} = headroom_sh:run([headroom_command:shell(), " autopsy ", Dump]),
        ok = file:delete(Dump),
        ?assertEqual(<<"port_tab">>, cause(Answer), Answer)
    end}.

%% Neither a dump nor a log of one: no answer is better than a wrong one.
what_is_no_dump_is_refused_test_() ->
    {timeout, 600, fun() ->
        {2, _} = headroom_sh:run([headroom_command:shell(), " autopsy /etc/passwd"]),
        {2, _} = headroom_sh:run([headroom_command:shell(), " autopsy /nonexistent"])
    end}.
