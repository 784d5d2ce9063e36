-module(headroom_requirement_tests).

-include_lib("eunit/include/eunit.hrl").

%% The shape is a contract: a deploy script matches on it.
check_test_() ->
    {timeout, 600, fun() ->
        ?assertEqual(ok, headroom:check(#{})),
        ?assertEqual(ok, headroom:check([{fds, 1}, {ports, #{min => 1024, free => 1}}])),
        Limit = erlang:system_info(port_limit),
        {error, [Finding]} = headroom:check(#{fds => 1, ports => Limit + 1}),
        #{id := limit_below_required, level := critical, resource := ports, message := Message, fix := [Fix],
          restart := true, evidence := #{required := Required, limit := Limit, set_by := _}} = Finding,
        ?assertEqual(Limit + 1, Required),
        ?assertMatch({match, _}, re:run(Message, "^ports: ")),
        ?assertNotEqual(nomatch, string:find(Fix, integer_to_list(Required)))
    end}.

%% A typing error that passed would leave the release unguarded.
bad_requirement_test_() ->
    [?_assertMatch({error, {bad_requirement, fd, _}}, headroom:check(#{fd => 1})),
     ?_assertMatch({error, {bad_requirement, "fds", _}}, headroom:check([{"fds", 1}])),
     ?_assertMatch({error, {bad_requirement, fds, _}}, headroom:check([{fds, 1 bsl 70}])),
     ?_assertMatch({error, {bad_requirement, fds, _}}, headroom:check(#{fds => #{least => 1}})),
     [?_assertError(badarg, headroom:check(Bad)) || Bad <- [fds, [fds], [{fds, 1} | ports], {fds, 1}, 65536]]].

%% A scheduler that is held by one argument serves nobody else: what is too long to be meant is refused at its beginning.
long_argument_test_() ->
    {timeout, 600, fun() ->
        Long = [{fds, 1} || _ <- lists:seq(1, 3000000)],
        Keys = maps:from_list([{N, 1} || N <- lists:seq(1, 100000)]),
        Deep = [{fds, Long} || _ <- lists:seq(1, 99)],
        [?assertError(badarg, headroom:check(Argument)) || Argument <- [Long, Keys]],
        ?assertMatch({error, {bad_requirement, fds, _}}, headroom:check(Deep)),
        ?assertError(badarg, headroom:reserve(Keys)),
        %% The quickest of a few tries, which no other load of the machine makes slower than one walk over all of it.
        Quickest = fun(Fun) -> lists:min([element(1, timer:tc(Fun)) || _ <- lists:seq(1, 5)]) end,
        Walk = Quickest(fun() -> lists:foldl(fun(_, N) -> N + 1 end, 0, Long) end),
        Refused = fun(Argument) -> fun() -> try headroom:check(Argument) catch error:badarg -> refused end end end,
        [?assert(Quickest(Refused(Argument)) < Walk) || Argument <- [Long, Keys, Deep]]
    end}.

%% Whoever starts the release again and again must see 78 and why, whatever the streams and the logger are.
refused_boot_test_() ->
    Streams = [{"as they are", ""}, {"no standard output", ">&-"}, {"no input", "<&-"}],
    Loggers = [{"logger", []}, {"no log handler", ["-kernel", "logger", "'[{handler,default,undefined}]'"]}],
    [{timeout, 600, {Stream ++ ", " ++ Logger, fun() ->
        {Status, Said} = boot(Redirect, Args ++ require("#{processes=>100000000,atoms=>900000000,fds=>1}")),
        ?assertEqual(78, Status),
        said(["headroom: 2 of 3 requirements are not met by nonode@nohost, os pid ",
              "1. processes: the limit must be at least 100000000; it is ", "+P 100000000",
              "2. atoms: the limit must be at least 900000000; it is ", "+t 900000000",
              "exit status 78; HEADROOM_ON_UNMET=warn starts the node all the same\n"], Said)
     end}} || {Stream, Redirect} <- Streams, {Logger, Args} <- Loggers].

%% A refusal that hangs on its own words keeps a supervisor from ever seeing it.
nobody_reads_test_() ->
    Require = require("#{processes=>100000000}"),
    [{"all streams closed", {timeout, 600, fun() ->
        ?assertMatch({78, _}, boot("<&- >&- 2>&-", Require))
      end}},
     {"standard error is a full pipe", {timeout, 600, fun() ->
        Pipe = headroom_scratch:path("pipe"),
        Fill = ["mkfifo ", Pipe, " && exec 9<>", Pipe,
                " && dd if=/dev/zero of=", Pipe, " bs=1 count=1000000 oflag=nonblock 2>/dev/null; "],
        ?assertMatch({78, _}, headroom_sh:run([Fill, erl(Require), ">&9 2>&9; s=$?; rm ", Pipe, "; exit $s"]))
      end}}].

%% The three ways out, and the variable over the environment of the application.
on_unmet_test_() ->
    Unmet = "#{processes=>100000000}",
    [{timeout, 600, {Name, fun() ->
        {Status, Said} = boot(Variable, "", Environment ++ require(Required)),
        ?assertEqual({Name, Expected}, {Name, Status}),
        said([Words], Said)
     end}} || {Name, Variable, Environment, Required, Expected, Words} <-
        [{"stop", "", option(on_unmet, "stop"), Unmet, 3, "{unmet,"},
         {"warn", "", option(on_unmet, "warn"), Unmet, 0, "1 of 1 requirements are not met"},
         {"halt by variable", "halt", option(on_unmet, "warn"), Unmet, 78, "not met"},
         {"warn by variable", "warn", [], Unmet, 0, "not met"},
         {"stop by variable", "stop", [], Unmet, 3, "{unmet,"},
         {"empty is unset", "", [], Unmet, 78, "not met"},
         {"another word", "yes", option(on_unmet, "warn"), Unmet, 78, "HEADROOM_ON_UNMET is \"yes\""},
         {"all is met", "", [], "#{fds=>1}", 0, ""},
         {"bad requirement", "warn", [], "#{fd=>1}", 3, "{bad_requirement,fd,"},
         {"no requirement", "", [], "fds", 3, "{bad_option,require,"},
         {"bad option", "", option(on_unmet, "exit"), "#{fds=>1}", 3, "{bad_option,on_unmet,"}]].

%% A boot that fails of a mistake is to say it in one line, with the status that no supervisor starts again for; a page of
%% reports hides the one word that was wrong.
bad_configuration_test_() ->
    [{timeout, 600, {Words, fun() ->
        {Status, Said} = headroom_sh:run(erl(option(Name, Value) ++ [booting("headroom")])),
        ?assertEqual({78, 2}, {Status, length(string:split(string:trim(Said), "\n", all))}),
        said(["headroom: bad configuration, " ++ Words, "\nexit status 78\n"], Said)
     end}} || {Name, Value, Words} <-
        [{thresholds, "#{fds=>#{warning=>0}}", "{thresholds,fds}: "},
         {status_file, "17", "status_file: no path"},
         {reserve, "many", "reserve: "},
         {harden, "yes", "harden: neither true nor false"},
         {on_unmet, "exit", "on_unmet: neither halt, stop nor warn"},
         {require, "#{fd=>1}", "fd: no such resource"}]].

%% What a supervisor of a release asks for at its start, as Headroom.Requirements does: the way out that the text names
%% must be one, and the status what the documents say.
child_of_a_supervisor_test_() ->
    [{timeout, 600, {Name, fun() ->
        Scratch = headroom_scratch:path("app"),
        Folder = filename:join(Scratch, "asking"),   % a folder named headroom-N in the code path would be taken for ours
        ok = filelib:ensure_dir(filename:join(Folder, "x")),
        ok = application_of(Folder, Required),
        Start = ["-pa ", Folder, booting("asking")],
        {Status, Said} = headroom_sh:run(["HEADROOM_ON_UNMET='", Variable, "' ", erl([Start])]),
        {0, _} = headroom_sh:run(["rm -r ", Scratch]),
        ?assertEqual({Name, Expected}, {Name, Status}),
        said([Words], Said)
     end}} || {Name, Variable, Required, Expected, Words} <-
        [{"met", "", "#{fds=>1}", 0, ""},
         {"unmet", "", "#{processes=>100000000}", 78, "1 of 1 requirements are not met"},
         {"warn", "warn", "#{processes=>100000000}", 0, "1 of 1 requirements are not met"},
         {"stop", "stop", "#{processes=>100000000}", 1, "{unmet,"},
         {"bad", "warn", "#{fd=>1}", 78, "headroom: bad configuration, fd: no such resource"}]].

%% An application whose supervisor has that child alone.
application_of(Folder, Required) ->
    Module = ["-module(asking). -export([start/2, stop/1, init/1]). ",
              "start(_, _) -> supervisor:start_link(?MODULE, []). stop(_) -> ok. ",
              "init([]) -> {ok, {#{}, [#{id => it, start => {headroom_requirement, child, [", Required, "]}}]}}."],
    App = "{application, asking, [{vsn, \"1\"}, {modules, [asking]}, {registered, []},"
          " {applications, [kernel, stdlib, headroom]}, {mod, {asking, []}}]}.",
    Source = filename:join(Folder, "asking.erl"),
    ok = file:write_file(Source, Module),
    ok = file:write_file(filename:join(Folder, "asking.app"), App),
    {ok, asking} = compile:file(Source, [{outdir, Folder}]),
    ok.

%% As a release starts it: permanent, while the node boots.
booting(App) ->
    [" -eval 'case application:ensure_all_started(", App, ", permanent) of {ok, _} -> init:stop(0);"
     " Error -> io:format(\"~0p~n\", [Error]), init:stop(3) end'"].

%% assert/1 asks nobody what to do.
assert_test_() ->
    Assert = fun(Required) -> ["-eval", ["'headroom:assert(", Required, "), halt(0)'"]] end,
    [{timeout, 600, fun() ->
        {Status, Said} = headroom_sh:run(["HEADROOM_ON_UNMET=warn ", erl(Assert(Required))]),
        ?assertEqual(Expected, Status),
        said([Words], Said)
     end} || {Required, Expected, Words} <-
        [{"#{fds=>1}", 0, ""},
         {"#{fds=>100000000}", 78, "1. fds: the limit must be at least 100000000; it is "},
         {"#{fd=>1}", 78, "headroom: bad requirement fd: no such resource"}]].

%% Requirements that nobody can check are not met; without any, a missing library keeps no node from starting.
no_library_test_() ->
    {timeout, 600, fun() ->
        Copy = headroom_scratch:path("nolib"),
        {0, _} = headroom_sh:run(["mkdir -p ", Copy, " && cp -R ", ebin(), " ", Copy, "/ebin"]),
        Start = ["-pa ", Copy, "/ebin"],
        {78, Said} = headroom_sh:run(erl([Start | require("#{fds=>1}")])),
        said(["the requirements cannot be checked: {nif_not_loaded,"], Said),
        ?assertMatch({0, _}, headroom_sh:run(erl([Start, starting()]))),
        {0, _} = headroom_sh:run(["rm -r ", Copy])
    end}.

boot(Redirect, Args) -> boot("", Redirect, Args).

boot(Variable, Redirect, Args) ->
    headroom_sh:run(["HEADROOM_ON_UNMET='", Variable, "' ", erl(Args), " ", Redirect]).

require(Required) -> option(require, Required) ++ [starting()].

option(Name, Value) -> ["-headroom", atom_to_list(Name), ["'", Value, "'"]].

%% 3 when the application did not start. Stopped in order, so that what was logged is written.
starting() ->
    "-eval 'case application:ensure_all_started(headroom) of {ok, _} -> init:stop(0);"
    " Error -> io:format(\"~0p~n\", [Error]), init:stop(3) end'".

%% An emulator that hangs ends with status 124.
erl(Args) ->
    Erl = filename:join([code:root_dir(), "bin", "erl"]),
    ["ERL_CRASH_DUMP_SECONDS=0 timeout 40 ", Erl, " -noinput -noshell -boot start_clean -pa ", ebin(), " ",
     lists:join(" ", Args)].

%% Quoted: the path may have a space.
ebin() -> ["'", filename:dirname(code:where_is_file("headroom.app")), "'"].

said(Expected, Said) ->
    [?assertNotEqual({nomatch, Words, Said}, {string:find(Said, Words), Words, Said}) || Words <- Expected].
