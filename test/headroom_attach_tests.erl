%% `headroom attach' and `detach': a running node without headroom gets it over the distribution, answers, and is as it was
%% afterwards. It takes a command that carries the library and the beams (script/attach): without one nothing is tried here,
%% and script/test-attach makes one first.
-module(headroom_attach_tests).

-include_lib("eunit/include/eunit.hrl").

-define(COOKIE, "attach_tests").

attach_test_() ->
    case carries() of
        true -> [as_it_was(), json(), embedded(), full(), wrong_cookie(), noexec(), noexec_everywhere(), tls(), nameless(), own(),
                 script()];
        false -> {"skipped: the command carries nothing to attach, script/test-attach makes one that does", fun() -> ok end}
    end.

carries() ->
    {Status, _} = headroom_sh:run(headroom_command:shell() ++ " attach --help"),
    Status =:= 0.

%% The command's answer, standard output and error in one.
run(Words) ->
    headroom_sh:run(lists:flatten(lists:join(" ", [headroom_command:shell() | Words]))).

%% A node that knows nothing of headroom: not where its modules are. It needs no epmd, as its port is on its command line.
bare(Options, Test) -> bare(Options, ["-setcookie", ?COOKIE], Test).

bare(Options, Args, Test) ->
    {timeout, 600, fun() ->
        Name = lists:flatten(io_lib:format("attach~s_~b@127.0.0.1", [os:getpid(), erlang:unique_integer([positive])])),
        Distribution = ["-start_epmd", "false", "-erl_epmd_port", integer_to_list(headroom_scratch:port()), "-name", Name],
        Child = maps:merge(#{nofile => 256, app => stopped, ebin => headroom_scratch:path("nothing")}, maps:remove(args, Options)),
        Given = maps:get(args, Options, []),
        headroom_child:with(Child#{args => Given ++ Distribution ++ Args}, fun(Node) ->
            load(Node),
            Test(Node, Name)
        end)
    end}.

%% Funs of this module run there; in embedded mode no module is loaded when it is called.
load(Node) ->
    {?MODULE, Code, File} = code:get_object_code(?MODULE),
    {module, ?MODULE} = headroom_child:call(Node, code, load_binary, [?MODULE, File, Code]).

says(Text, Output) -> ?assertMatch({_, {_, _}}, {Output, binary:match(Output, Text)}).

%% Of what a detached node must have as many as before, and what it must have the same of.
counts(Node) ->
    Inside = headroom_child:call(Node, fun() ->
        #{processes => erlang:system_info(process_count),
          ports => erlang:system_info(port_count),
          names => lists:sort(registered()),
          persistent_terms => lists:sort([Key || {Key, _} <- persistent_term:get()]),
          applications => lists:sort([Name || {Name, _, _} <- application:loaded_applications()]),
          path => code:get_path()}
    end),
    Inside#{descriptors => length(headroom_outside:descriptors(Node)), libraries => libraries(Node)}.

libraries(Node) ->
    {ok, Maps} = file:read_file("/proc/" ++ integer_to_list(headroom_child:os_pid(Node)) ++ "/maps"),
    {match, Paths} = re:run(Maps, "/\\S+\\.so[.0-9]*", [global, {capture, first, binary}]),
    lists:usort(lists:append(Paths)).

modules(Node) -> headroom_child:call(Node, fun() -> lists:sort([Module || {Module, _} <- code:all_loaded()]) end).

%% A connection that has just ended takes its processes with it a moment later.
settled(Node, Before) -> settled(Node, Before, 600).

settled(Node, Before, Tries) ->
    case counts(Node) of
        Before -> ok;
        Now when Tries =:= 0 -> ?assertEqual(Before, Now);
        _ -> timer:sleep(50), settled(Node, Before, Tries - 1)
    end.

%% Whatever else is true, a node in trouble must not be left worse than it was found.
as_it_was() ->
    {"asked and left as it was", bare(#{}, fun(Node, Name) ->
        %% What the first connection of all loads and starts is not headroom's.
        {3, _} = run(["detach", Name]),
        {Before, Modules} = {counts(Node), modules(Node)},
        {0, Said} = run(["attach", Name, "--explain", "emfile"]),
        [says(Text, Said) || Text <- [<<"attached to ">>, <<"headroom  ", (list_to_binary(Name))/binary>>, <<"HOLDER">>,
                                      <<"emfile (operation not known)">>]],
        ?assertNotEqual(Before, counts(Node)),
        %% It can be asked from inside, too, and attaching again is no harm.
        #{level := ok} = headroom_child:call(Node, headroom, snapshot, []),
        {0, Again} = run(["attach", integer_to_list(headroom_child:os_pid(Node))]),
        says(<<"has headroom already">>, Again),
        {0, Left} = run(["detach", Name]),
        says(<<"what cannot be taken back: ">>, Left),
        settled(Node, Before),
        ?assertEqual([], [Module || Module <- modules(Node) -- Modules, not of_otp(Node, Module)]),
        {3, Nothing} = run(["detach", Name]),
        says(<<"has no headroom">>, Nothing)
    end)}.

of_otp(Node, Module) ->
    lists:prefix(code:lib_dir(), headroom_child:call(Node, code, which, [Module])).

%% A script takes the numbers from here; the kinds are checked by script/schema.
json() ->
    {"as JSON", bare(#{}, fun(_Node, Name) ->
        {0, Attached} = run(["attach", Name, "--json"]),
        [says(Text, Attached) || Text <- [<<"{\"schema\":1,">>, <<"\"attached\":true">>, <<"\"snapshot\":{">>, <<"\"inventory\":{">>]],
        {0, Detached} = run(["detach", Name, "--json"]),
        says(<<"\"before\":{\"descriptors\":">>, Detached),
        [ok = file:write_file(File, [["attach\t", Attached], ["detach\t", Detached]], [append])
         || File <- [os:getenv("HEADROOM_SAID")], File =/= false]
    end)}.

%% A release runs embedded: no module is loaded when it is called, and detach leaves not even one of OTP's.
embedded() ->
    Rig = filename:rootname(code:which(headroom_child)),
    Load = lists:flatten(io_lib:format("{module,_}=code:load_abs(~p)", [Rig])),
    Options = #{args => ["-mode", "embedded", "-eval", Load]},
    {"embedded mode", bare(Options, fun(Node, Name) ->
        {3, _} = run(["detach", Name]),
        {Before, Modules} = {counts(Node), modules(Node)},
        {0, Said} = run(["attach", Name]),
        says(<<"attached to ">>, Said),
        {0, _} = run(["detach", Name]),
        settled(Node, Before),
        ?assertEqual(Modules, modules(Node))
    end)}.

%% The attempt itself would cost a full node its log, or hang: it is refused before anything is sent, with the way that works.
full() ->
    {"refused below five descriptors", bare(#{}, fun(Node, Name) ->
        4 = headroom_child:fill(Node, {fds, 4}),
        Output = headroom_child:output(Node),
        {3, Refused} = run(["attach", Name]),
        says(<<" has 4 descriptors left, and an attempt to get in with fewer than 5 harms it">>, Refused),
        says(iolist_to_binary(["headroom inspect ", integer_to_list(headroom_child:os_pid(Node))]), Refused),
        ?assertEqual(Output, headroom_child:output(Node))
    end)}.

wrong_cookie() ->
    {"another cookie", bare(#{}, fun(_Node, Name) ->
        {3, Refused} = run(["attach", Name, "--cookie", "other"]),
        says(<<"most likely since this is not its cookie">>, Refused)
    end)}.

%% Folders that are mounted as hardened hosts mount them, in a namespace of the node's own: so the files are not where they
%% are for us, either.
noexec() ->
    Mounts = "mount --bind /tmp /tmp && mount -o remount,bind,noexec /tmp",
    {"a folder that may not run code", in_mounts(Mounts, fun(Node, Name) ->
        {3, _} = run(["detach", Name]),
        Before = counts(Node),
        {0, Said} = run(["attach", Name]),
        says(<<"files in /dev/shm/headroom-">>, Said),
        {0, _} = run(["detach", Name]),
        settled(Node, Before)
    end)}.

noexec_everywhere() ->
    Mounts = "for folder in /tmp /dev/shm /var/tmp; do mount --bind $folder $folder && mount -o remount,bind,noexec $folder || exit 1; "
             "done; cd /dev/shm",
    {"no folder that may run code", in_mounts(Mounts, fun(Node, Name) ->
        {3, _} = run(["detach", Name]),
        Before = counts(Node),
        {3, Refused} = run(["attach", Name]),
        says(<<"no folder from which the library can be loaded">>, Refused),
        says(<<"/dev/shm: it is mounted noexec">>, Refused),
        settled(Node, Before)
    end)}.

in_mounts(Mounts, Test) ->
    case headroom_sh:run("unshare --mount true") of
        {0, _} ->
            Script = Mounts ++ " && exec \"$@\"",
            bare(#{prefix => ["unshare", "--mount", "sh", "-c", Script, "sh"], env => [{"TMPDIR", false}]}, Test);
        _ ->
            {"skipped: this user may not have mounts of his own", fun() -> ok end}
    end.

%% The client does not speak TLS, and a person must not guess so from a closed connection.
tls() ->
    {"TLS between nodes", bare(#{args => ["-proto_dist", "inet_tls"]}, fun(_Node, Name) ->
        {3, Refused} = run(["attach", Name]),
        says(<<"speaks TLS between nodes">>, Refused),
        says(<<"examples/attach.escript">>, Refused)
    end)}.

%% What cannot be reached, or is not there, or belongs to the release, is said so.
nameless() ->
    {"no name, no node", {timeout, 600, fun() ->
        headroom_child:with(#{app => stopped}, fun(Node) ->
            {3, Refused} = run(["attach", integer_to_list(headroom_child:os_pid(Node))]),
            says(<<"without -name or -sname">>, Refused)
        end),
        {3, NoNode} = run(["attach", "1"]),
        says(<<"process 1 is no BEAM node">>, NoNode),
        {3, Unseen} = run(["attach", "nobody@192.0.2.1"]),
        says(<<"--unseen">>, Unseen)
    end}}.

own() ->
    Ebin = filename:dirname(code:where_is_file("headroom.app")),
    {"a headroom of the release", bare(#{app => started, ebin => Ebin}, fun(Node, Name) ->
        {0, Said} = run(["attach", Name]),
        says(<<"has headroom already">>, Said),
        {3, Stays} = run(["detach", Name]),
        says(<<"belongs to its release and stays">>, Stays),
        ok = headroom_child:call(Node, fun() -> headroom:health(), ok end)
    end)}.

%% The same for people with Erlang.
script() ->
    Ebin = filename:dirname(code:where_is_file("headroom.app")),
    {"examples/attach.escript", bare(#{}, fun(Node, Name) ->
        Rig = filename:dirname(code:which(headroom_epmd)),
        Me = ["HEADROOM_DIST_PORT=", port_of(Node), " ERL_FLAGS='-name helper", os:getpid(), "@127.0.0.1 -start_epmd false ",
              "-epmd_module headroom_epmd -pa \"", Rig, "\"'"],
        Escript = fun(Words) -> headroom_sh:run([Me, " escript examples/attach.escript ", lists:join(" ", Words)]) end,
        {_, _} = Escript(["detach", Name, "wrong"]),
        Before = counts(Node),
        {0, Said} = Escript(["attach", Name, "'" ++ Ebin ++ "'", ?COOKIE]),
        says(<<"RESOURCE">>, Said),
        {0, Left} = Escript(["detach", Name, ?COOKIE]),
        says(<<"nothing of headroom is left">>, Left),
        settled(Node, Before)
    end)}.

port_of(Node) ->
    {ok, Line} = file:read_file("/proc/" ++ integer_to_list(headroom_child:os_pid(Node)) ++ "/cmdline"),
    Words = binary:split(Line, <<0>>, [global]),
    [_, Port | _] = lists:dropwhile(fun(Word) -> Word =/= <<"-erl_epmd_port">> end, Words),
    Port.
