%% The operator's night, for real: a node that its clients have filled, a remote shell that waits for room, room from outside
%% or by itself, and every line that headroom prints pasted into a shell of its kind. `script/trial' sets it up.
%%
%% What is seen goes to standard output as it stood on a screen of 80 columns. Anything that an operator would be stuck at
%% ends it with status 1.
-module(headroom_trial).

-export([main/0]).
%% In the full node.
-export([serve/0]).

-define(FULL, "full@127.0.0.1").
-define(COOKIE, "headroom_trial").
-define(COLUMNS, 80).
%% More clients than the node has descriptors: the rest waits in the backlog.
-define(CLIENTS, 700).
-define(NOFILE, 512).
%% A call for the prompt, words, or the place of a line.
-define(NOT_ELSEWHERE, "^(headroom:|Headroom\\.|\\[code:|for \\{a|nothing|.*, for (fds|ports|processes|atoms|kernel_files)$)").

main() ->
    ok = io:setopts([{encoding, unicode}]),
    try
        [night(Schedulers, Way) || Schedulers <- [1, 2], Way <- [outside, by_itself]],
        say("~n=== every line was taken, every shell got in", []),
        halt(0)
    catch
        Class:Reason:Stacktrace ->
            say("~n=== stuck: ~p", [{Class, Reason, Stacktrace}]),
            halt(1)
    end.

night(Schedulers, Way) ->
    say("~n=== ~b scheduler(s); room is given back ~s", [Schedulers, words(Way)]),
    Port = integer_to_list(headroom_scratch:port()),
    true = os:putenv("HEADROOM_DIST_PORT", Port),
    Online = integer_to_list(Schedulers),
    Args = ["+S", Online ++ ":" ++ Online, "-name", ?FULL, "-setcookie", ?COOKIE, "-start_epmd", "false",
            "-epmd_module", "headroom_epmd", "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "inet_dist_listen_min", Port, "inet_dist_listen_max", Port, "-headroom", "reserve", "#{fds=>32,ports=>8}"]
        ++ configured(Way) ++ lists:append([["-pa", Path] || Path <- elixir()]),
    Options = #{nofile => {?NOFILE, ?NOFILE}, load => [?MODULE, headroom_epmd], args => Args,
                env => [{"HEADROOM_DIST_PORT", Port}], ebin => os:getenv("HEADROOM_EBIN")},
    headroom_child:with(Options, fun(Node) ->
        Listener = headroom_child:call(Node, ?MODULE, serve, []),
        Clients = crowd(Listener),
        ok = until(fun() -> open(Node) >= ?NOFILE - 32 end, "the node is full"),
        say("~b clients came, ~b of ~b descriptors are taken, 32 are reserved", [?CLIENTS, open(Node), ?NOFILE]),
        Shells = [{Kind, start_shell(Kind, Port)} || Kind <- kinds(Way)],
        ok = until(fun() -> waiting(Port) >= length(Shells) orelse soft(Node) =:= ?NOFILE end, "shells wait in the backlog"),
        Waits = erlang:monotonic_time(millisecond),
        ok = released(Way, Node),
        ok = until(fun() -> soft(Node) =:= ?NOFILE end, "the reserve is back"),
        Back = erlang:monotonic_time(millisecond) - Waits,
        Inside = [{Kind, Shell, prompt(Shell, "127\\.0\\.0\\.1\\)1>", 60000)} || {Kind, Shell} <- Shells],
        In = erlang:monotonic_time(millisecond) - Waits,
        say("the reserve was back ~b ms after ~b shell(s) were seen to wait, and in they were after ~b ms", [Back, length(Shells), In]),
        [begin
             show(Screen),
             session(Kind, Shell, Node),
             stop(Shell)
         end || {Kind, Shell, Screen} <- Inside],
        _ = [gen_tcp:close(Client) || Client <- Clients]
    end).

words(outside) -> "by `headroom release --pid' on the host";
words(by_itself) -> "by itself ({release_on, waiting})".

%% Room that comes by itself comes for the first one that waits.
kinds(outside) -> [erl, iex];
kinds(by_itself) -> [erl].

configured(outside) -> [];
configured(by_itself) -> ["release_on", "waiting"].

%% On one scheduler the spinning listener is what has to be outrun: it is left alone for a while.
released(by_itself, _Node) ->
    ok;
released(outside, Node) ->
    Before = cpu(Node),
    timer:sleep(2000),
    say("in these two seconds the node had ~b ms of a core; the console of a lone scheduler answers nothing", [cpu(Node) - Before]),
    host("headroom release --pid " ++ integer_to_list(headroom_child:os_pid(Node)), 0).

%%% In the full node: a service as ranch makes one, whose acceptors rest after an error.

serve() ->
    %% All loaded, as in a release: at zero nothing is read from disc.
    {ok, _} = application:ensure_all_started(iex),
    [ok = code:ensure_modules_loaded(Modules) || {Name, _, _} <- application:loaded_applications(),
                                                 {ok, Modules} <- [application:get_key(Name, modules)]],
    Self = self(),
    Owner = spawn(fun() ->
        {ok, Listener} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {backlog, 1024}, {active, false}]),
        _ = [spawn_link(fun() -> accept(Listener) end) || _ <- lists:seq(1, 20)],
        {ok, Port} = inet:port(Listener),
        Self ! {self(), Port},
        receive stop -> ok end
    end),
    register(shop, Owner),
    receive {Owner, Port} -> Port end.

accept(Listener) ->
    case gen_tcp:accept(Listener) of
        {ok, _} -> accept(Listener);
        {error, _} -> receive after 200 -> accept(Listener) end
    end.

%%% Around it

crowd(Port) ->
    Connected = [gen_tcp:connect({127, 0, 0, 1}, Port, [{active, false}], 5000) || _ <- lists:seq(1, ?CLIENTS)],
    Clients = [Client || {ok, Client} <- Connected],
    ?CLIENTS = length(Clients),
    Clients.

proc(Node, File) ->
    {ok, Text} = file:read_file(lists:concat(["/proc/", headroom_child:os_pid(Node), "/", File])),
    Text.

soft(Node) ->
    {match, [Soft]} = re:run(proc(Node, "limits"), "Max open files +(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Soft).

open(Node) ->
    {ok, Names} = file:list_dir(lists:concat(["/proc/", headroom_child:os_pid(Node), "/fd"])),
    length(Names).

%% Milliseconds of a core, at 100 ticks a second.
cpu(Node) ->
    [_, Rest] = binary:split(proc(Node, "stat"), <<") ">>),
    Fields = binary:split(Rest, <<" ">>, [global]),
    10 * lists:sum([binary_to_integer(lists:nth(N, Fields)) || N <- [12, 13]]).

%% Connections that wait at the distribution's listener.
waiting(Port) ->
    {0, Text} = headroom_sh:run("ss -Hltn 'sport = :" ++ Port ++ "'"),
    case re:run(Text, "LISTEN +(\\d+)", [{capture, all_but_first, list}]) of
        {match, [Queue]} -> list_to_integer(Queue);
        nomatch -> 0
    end.

until(Condition, What) -> until(Condition, What, 3000).

until(_Condition, What, 0) -> {never, What};
until(Condition, What, Tries) ->
    case Condition() of
        true -> ok;
        false -> timer:sleep(10), until(Condition, What, Tries - 1)
    end.

elixir() -> filelib:wildcard(os:getenv("ELIXIR_LIB") ++ "/*/ebin").

%%% Shells, each on a terminal of 80 columns

start_shell(Kind, Port) ->
    Rig = filename:dirname(code:which(headroom_epmd)),
    Distribution = ["-hidden -start_epmd false -epmd_module headroom_epmd -pa ", Rig, " -kernel net_setuptime 30"],
    Command = case Kind of
        erl -> ["erl -name operator@127.0.0.1 -setcookie ", ?COOKIE, " -remsh ", ?FULL, " ", Distribution];
        iex -> ["iex --name elixir@127.0.0.1 --cookie ", ?COOKIE, " --remsh ", ?FULL, " --erl \"", Distribution, "\""]
    end,
    say("~n$ ~ts", [Command]),
    Script = lists:flatten(["stty rows 50 cols ", integer_to_list(?COLUMNS), "; exec ", Command]),
    Env = [{"TERM", "xterm"}, {"HEADROOM_DIST_PORT", Port}, {"ERL_AFLAGS", false}],
    Terminal = open_port({spawn_executable, os:find_executable("script")},
                         [{args, ["-qfec", Script, "/dev/null"]}, {env, Env}, binary, stream, exit_status, stderr_to_stdout]),
    #{terminal => Terminal, kind => Kind}.

stop(#{terminal := Terminal}) ->
    %% Closing its terminal ends a shell, and nothing of the node that it is in.
    {os_pid, Pid} = erlang:port_info(Terminal, os_pid),
    true = port_close(Terminal),
    {_, _} = headroom_sh:run("kill " ++ integer_to_list(Pid) ++ " 2>/dev/null"),
    ok.

prompt(erl) -> "\\(full@127\\.0\\.0\\.1\\)\\d+> $";
prompt(iex) -> "iex\\(full@127\\.0\\.0\\.1\\)\\d+> ?$".

%% What came on the screen up to a prompt.
prompt(Shell, Prompt, Timeout) -> prompt(Shell, Prompt, Timeout, <<>>).

prompt(#{terminal := Terminal} = Shell, Prompt, Timeout, Seen) ->
    receive
        {Terminal, {data, Data}} ->
            All = <<Seen/binary, Data/binary>>,
            case re:run(screen(All), Prompt) of
                {match, _} -> screen(All);
                nomatch -> prompt(Shell, Prompt, Timeout, All)
            end;
        {Terminal, {exit_status, Status}} ->
            error({shell_ended, Status, screen(Seen)})
    after Timeout ->
        error({no_prompt, screen(Seen)})
    end.

%% Without what moves the cursor and sets colours.
screen(Bytes) ->
    Plain = re:replace(Bytes, "\e\\[[0-9;?]*[A-Za-z]|\e[()=>][0-9A-B]?|\r", "", [global, {return, binary}]),
    re:replace(Plain, " +(?=\n)", "", [global, {return, binary}]).

%% Types a line, and gives what came of it: no complaint of the shell, and no line beyond the screen.
type(#{terminal := Terminal, kind := Kind} = Shell, Line) ->
    true = port_command(Terminal, [Line, "\n"]),
    Seen = prompt(Shell, "\n" ++ prompt(Kind), 60000),
    show(Seen),
    Complaints = ["syntax error", "\\*\\* \\(", "\\*\\* exception", "is unbound", "\\* \\d+:\\d+:", "undefined (function|variable)"],
    [error({complaint, Line, Seen}) || Complaint <- Complaints, re:run(Seen, Complaint) =/= nomatch],
    Seen.

%%% What an operator does in it

session(Kind, Shell, Node) ->
    Screens = [type(Shell, Line) || Line <- asked(Kind)],
    Text = iolist_to_binary(Screens),
    %% Of what headroom printed: OTP itself says that it cannot read a file for the shell.
    Wide = [Line || Line <- lines(Text), string:length(Line) > ?COLUMNS, re:run(Line, "^File operation error") =:= nomatch],
    Wide =:= [] orelse error({wider_than_the_screen, Wide}),
    say("~n--- lines to paste at this prompt", []),
    Pasted = [type(Shell, Line) || Line <- lists:usort(printed(Kind, Text))],
    Pasted =/= [] orelse error({nothing_to_paste, Text}),
    say("~n--- ~b lines of this prompt were taken; those of the host and of files:", [length(Pasted)]),
    [elsewhere(Line, Node) || Line <- lists:usort(fixes(Text))],
    ok.

asked(erl) ->
    ["headroom:report().", "headroom:explain({error, emfile}, accept).", "headroom:show(headroom:health()).",
     "headroom:show(headroom:hazards()).", "headroom:show(headroom:boot_advice()).", "headroom:show(headroom:relief()).",
     "headroom:holders().", "headroom:show(headroom:raise_nofile(max)).", "headroom:show(headroom:release())."];
asked(iex) ->
    ["Headroom.report()", "Headroom.explain({:error, :emfile}, :accept)", "Headroom.health() |> Headroom.show()",
     "Headroom.hazards() |> Headroom.show()", "Headroom.boot_advice() |> Headroom.show()",
     "Headroom.relief() |> Headroom.show()", "Headroom.holders()", "Headroom.raise_nofile(:max) |> Headroom.show()",
     "Headroom.release() |> Headroom.show()"].

lines(Text) -> string:split(Text, "\n", all).

%% The lines of a prompt: what is a call of headroom or of the code server, as it stands in the text.
printed(erl, Text) -> found(Text, "(?:headroom:[a-z_]+\\(|\\[code:).*?\\)?\\]?\\.(?= |$)");
printed(iex, Text) -> found(Text, "(?:Headroom\\.[a-z_]+\\(.*?\\)(?= |:|,|\\.|$)|for \\{a, _, _\\}.*$)").

found(Text, Pattern) ->
    %% What the terminal folded is one line.
    Said = [Line || Line <- lines(Text), re:run(Line, "127\\.0\\.0\\.1\\)\\d+>") =:= nomatch],
    lists:append([case re:run(Line, Pattern, [global, {capture, first, list}]) of
                      {match, Found} -> [One || [One] <- Found];
                      nomatch -> []
                  end || Line <- unfolded(Said)]).

unfolded([Line, Next | Rest]) ->
    case string:length(Line) =:= ?COLUMNS andalso Next =/= <<>> of
        true -> unfolded([<<Line/binary, Next/binary>> | Rest]);
        false -> [Line | unfolded([Next | Rest])]
    end;
unfolded(Lines) ->
    Lines.

%% What is for a shell of the host or for a file: in a report behind its mark, in what show/1 prints alone on its line, and in
%% the advice for the next start above its place.
fixes(Text) ->
    Lines = lines(Text),
    Found = [[Line || {match, [Line]} <- [re:run(Whole, Pattern, [{capture, all_but_first, list}])]]
             || Whole <- Lines,
                Pattern <- ["^ *(?:fix )?(?:now|permanent) +(\\S.*?)(?:  |$)", "^    (\\S.*)$"]],
    Above = [binary_to_list(Line) || {Line, Place} <- lists:zip(lists:droplast(Lines), tl(Lines)),
                                     re:run(Place, "^    .*, for (fds|ports|processes|atoms|kernel_files)$") =/= nomatch],
    [Line || Line <- lists:append([Above | Found]), re:run(Line, ?NOT_ELSEWHERE) =:= nomatch].

%% Run, or started with: whatever a shell or a program of its kind does with it.
elsewhere("prlimit " ++ _ = Line, _) -> host(Line, 0);
elsewhere("ss " ++ _ = Line, _) -> host(Line ++ " >/dev/null", 0);
elsewhere("headroom " ++ _ = Line, _) -> host(Line ++ " | head -n 3", 0);
%% It would change the machine: a shell reads it, and no more.
elsewhere("sysctl " ++ _ = Line, _) -> host("sh -n -c '" ++ Line ++ "'", 0);
elsewhere("ulimit " ++ _ = Line, _) -> host("sh -c '" ++ Line ++ "'", 0);
elsewhere([$+ | _] = Line, _) -> host("erl -noinput " ++ Line ++ " -eval 'halt().'", 0);
elsewhere("-mode " ++ _ = Line, _) -> host("erl -noinput " ++ Line ++ " -eval 'halt().'", 0);
elsewhere("ERL_" ++ _ = Line, _) -> host(Line ++ " erl -noinput -eval 'halt().'", 0);
elsewhere("export ERL_" ++ _ = Line, _) -> host(Line ++ "; erl -noinput -eval 'halt().'", 0);
elsewhere("{headroom, " ++ _ = Line, _) ->
    File = filename:join(os:getenv("HEADROOM_WORK"), "sys"),
    ok = file:write_file(File ++ ".config", ["[", Line, "].\n"]),
    host("erl -noinput -config " ++ File ++ " -pa " ++ lists:join(" ", [os:getenv("HEADROOM_EBIN") | elixir()])
         ++ " -eval '{ok, _} = application:ensure_all_started(headroom), halt().'", 0);
elsewhere("config " ++ _ = Line, _) ->
    File = filename:join(os:getenv("HEADROOM_WORK"), "runtime.exs"),
    ok = file:write_file(File, ["import Config\n", Line, "\n"]),
    host("elixir -e '[headroom: [_ | _]] = Config.Reader.read!(\"" ++ File ++ "\")'", 0);
elsewhere("LimitNOFILE=" ++ Number = Line, _) -> unit(Line, Number);
elsewhere("TasksMax=" ++ Number = Line, _) -> unit(Line, Number);
%% No container engine here: its own form of the value.
elsewhere("--ulimit nofile=" ++ Limits, _) ->
    {match, _} = re:run(Limits, "^\\d+:\\d+$"),
    say("  form  --ulimit nofile=~s", [Limits]);
elsewhere(Line, _) ->
    error({nobody_knows_where_this_goes, Line}).

unit(Line, Number) ->
    _ = list_to_integer(Number),
    say("  form  ~s", [Line]).

host(Words, Expected) ->
    Line = lists:flatten(Words),
    {Status, Output} = headroom_sh:run(Line),
    say("  $ ~s~n~s", [Line, Output]),
    Status =:= Expected orelse error({status, Status, Line, Output}),
    ok.

show(Screen) ->
    io:format("~ts~n", [Screen]).

say(Format, Args) ->
    io:format(Format ++ "~n", Args).
