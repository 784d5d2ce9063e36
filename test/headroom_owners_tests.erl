%% Who a descriptor is told to belong to: OTP's own that keep something open for others, processes that have little to be
%% named by, and those that do not answer. Each with the real thing, in a node of its own.
-module(headroom_owners_tests).

-include_lib("eunit/include/eunit.hrl").

-export([hold/2, inside/2, odd/1, open/2]).

-define(LOOPBACK, {127, 0, 0, 1}).

%% A file that dets, disk_log or mnesia has open says nothing by its process: the table and who opened it say it all.
what_otp_keeps_open_test_() ->
    case code:lib_dir(mnesia) of
        {error, bad_name} ->
            {skip("no mnesia", "what it keeps open"), []};
        _ ->
            Folder = headroom_scratch:path("kept"),
            Dir = "\"" ++ Folder ++ "\"",
            {"kept by OTP", {timeout, 600, fun() ->
                ok = file:make_dir(Folder),
                try
                    headroom_child:with(#{load => [?MODULE], args => ["-mnesia", "dir", Dir]}, fun(Child) ->
                        kept(Child, Folder)
                    end)
                after
                    file:del_dir_r(Folder)
                end
            end}}
    end.

kept(Child, Folder) ->
    call(Child, fun() ->
        _ = [held(Name, open(Kind, filename:join(Folder, atom_to_list(Kind))))
             || {Name, Kind} <- [{cache, dets}, {journal, disk_log}, {buffered, delayed_write}, {packed, compressed},
                                 {ahead, read_ahead}, {plain, raw}, {served, io_server}]],
        ok = mnesia:create_schema([node()]),
        ok = mnesia:start(),
        {atomic, ok} = mnesia:create_table(on_disc, [{disc_only_copies, [node()]}])
    end),
    Expected = [{<<"{dets,t} of cache">>, undefined}, {<<"{disk_log,l} of journal">>, undefined}, {<<"buffered">>, undefined},
                {<<"packed">>, undefined}, {<<"ahead">>, undefined}, {<<"plain">>, undefined}, {<<"served">>, undefined},
                {<<"{dets,on_disc} of mnesia_monitor">>, mnesia}, {<<"{disk_log,latest_log} of mnesia_monitor">>, mnesia}],
    Told = fun() ->
        #{holders := Holders} = call(Child, fun() -> headroom:inventory(#{kind => file}) end),
        [{Group, Application} || #{group := Group, application := Application, count := 1} <- Holders]
    end,
    ok = until(fun() -> Expected -- Told() =:= [] end, fun() -> Expected -- Told() end).

%% A node that others talk to: its listener, its connections, and its line to the daemon of names.
distribution_and_epmd_test_() ->
    case os:find_executable("epmd") of
        false -> {skip("no epmd", "the distribution"), []};
        Epmd -> {"distribution", {timeout, 600, fun() -> distribution(Epmd) end}}
    end.

distribution(Epmd) ->
    Port = integer_to_list(headroom_scratch:port()),
    Daemon = open_port({spawn_executable, Epmd}, [{args, ["-port", Port, "-address", "127.0.0.1"]}]),
    {os_pid, Pid} = erlang:port_info(Daemon, os_pid),
    Options = fun(Name) ->
        #{load => [?MODULE], env => [{"ERL_EPMD_PORT", Port}],
          args => ["-name", lists:concat([Name, os:getpid(), "@127.0.0.1"]), "-setcookie", "headroom", "-start_epmd", "false",
                   "-kernel", "inet_dist_use_interface", "{127,0,0,1}"]}
    end,
    try
        headroom_child:with(Options("one"), fun(One) ->
            headroom_child:with(Options("two"), fun(Two) ->
                Other = call(Two, fun node/0),
                ok = until(fun() -> call(One, fun() -> net_adm:ping(Other) end) =:= pong end, fun() -> no_pong end),
                #{holders := Holders, orphans := [], zombies := [], complete := true} =
                    call(One, fun() -> headroom:inventory() end),
                Told = [{Group, Application, maps:keys(Kinds)}
                        || #{group := Group, application := Application, by_kind := Kinds} <- Holders],
                ?assertEqual([], [{<<"net_kernel">>, kernel, [listen]}, {<<"erl_epmd">>, kernel, [tcp]}] -- Told),
                %% The process of a connection, by the one that began it.
                ?assertMatch([_], [Group || {Group, kernel, [tcp]} <- Told, binary:match(Group, <<"net_kernel">>) =/= nomatch]),
                %% Nobody is offered to be closed without whom there is no node.
                ?assertEqual([], [Offer || #{line := Line} = Offer <- call(One, fun() -> headroom:relief() end),
                                           Line =/= undefined])
            end)
        end)
    after
        headroom_sh:run("kill " ++ integer_to_list(Pid))
    end.

%% What every node has from its boot on is nobody's leak, and no riddle either.
the_baseline_of_a_node_test_() ->
    in_child("baseline", #{}, fun(Child) ->
        #{holders := Holders, orphans := [], zombies := [], moved := 0, unclaimed := Unclaimed} =
            call(Child, fun() -> headroom:inventory() end),
        ?assertEqual(#{}, Unclaimed),
        #{fds := #{own := Own}} = call(Child, fun() -> headroom:snapshot() end),
        ?assertEqual([Own], [Count || #{group := <<"headroom">>, count := Count} <- Holders]),
        ?assertMatch([_], [Count || #{group := <<"the VM itself">>, count := Count} <- Holders])
    end).

%% Named by whatever there is: the name, the label without what differs, the supervisor with the function, the parent.
who_has_little_to_be_named_by_test_() ->
    in_child("strange names", #{}, fun(Child) ->
        Conn = 'Elixir.Shop.Conn',
        {ok, Conn, Code} = compile:forms([{attribute, 1, module, Conn}, {attribute, 2, export, [{init, 1}]},
            {function, 3, init, 1, [{clause, 3, [{var, 3, 'Kind'}], [],
                [{call, 3, {remote, 3, {atom, 3, ?MODULE}, {atom, 3, hold}}, [{var, 3, 'Kind'}, {atom, 3, none}]}]}]}]),
        call(Child, fun() ->
            {module, Conn} = code:load_binary(Conn, "conn.beam", Code),
            %% An Elixir supervisor with two processes of a module.
            spawn(fun() ->
                register('Elixir.Shop.Sup', self()),
                [proc_lib:spawn(Conn, init, [udp]) || _ <- "12"],
                receive stop -> ok end
            end),
            [spawn(?MODULE, odd, [Name]) || Name <- ['two words', 'quo"te\\', 'stra\x{df}e', 'line\nbreak', 'Elixir.Shop.Cache']],
            [spawn(?MODULE, hold, [udp, {chat, Id}]) || Id <- [1, 2, 3]],
            [spawn(?MODULE, hold, [udp, <<"user 17">>]) || _ <- "12"],
            put(unnamed, element(2, gen_udp:open(0, [{ip, ?LOOPBACK}]))),
            ok
        end),
        Me = list_to_binary(pid_to_list(call(Child, fun erlang:self/0))),
        Labelled = case erlang:function_exported(proc_lib, set_label, 1) of
                       true -> [{<<"{chat,_}">>, 3}, {<<"headroom_owners_tests:hold/2 of ", Me/binary>>, 2}];
                       false -> [{<<"headroom_owners_tests:hold/2 of ", Me/binary>>, 5}]
                   end,
        Expected = [{<<"Shop.Sup Shop.Conn:init/1">>, 2}, {<<"Shop.Cache">>, 1}, {<<"two words">>, 1}, {<<"quo\"te\\">>, 1},
                    {<<"stra\x{df}e"/utf8>>, 1}, {<<"line\\nbreak">>, 1}] ++ Labelled,
        Told = fun() ->
            #{holders := Holders} = call(Child, fun() -> headroom:inventory(#{kind => udp}) end),
            [{Group, Count} || #{group := Group, count := Count} <- Holders]
        end,
        ok = until(fun() -> Expected -- Told() =:= [] end, fun() -> {Expected -- Told(), Told()} end),
        {ok, Text} = headroom_child:capture(Child, unicode, fun() -> headroom:holders(#{kind => udp}) end),
        ?assertEqual([], [Char || <<Char>> <= Text, Char > $~ orelse Char < $\s, Char =/= $\n])
    end).

%% As many groups as a node has of users: the page stays short, and no descriptor is lost.
thousands_of_groups_test_() ->
    in_child("thousands of groups", #{nofile => 4096}, fun(Child) ->
        call(Child, fun() ->
            _ = [spawn(?MODULE, odd, [list_to_atom("session_" ++ integer_to_list(N))]) || N <- lists:seq(1, 2000)], ok
        end),
        Groups = fun() ->
            #{holders := Holders, others := #{groups := Others, count := Left}, total := Total, orphans := [],
              unclaimed := Unclaimed, moved := Moved} = call(Child, fun() -> headroom:inventory() end),
            Told = lists:sum([Count || #{count := Count} <- Holders]),
            ?assertEqual(Total, Told + Left + lists:sum(maps:values(Unclaimed)) + Moved),
            {length(Holders), length(Holders) + Others}
        end,
        ok = until(fun() -> {20, All} = Groups(), All >= 2000 end, Groups),
        {ok, Text} = headroom_child:capture(Child, unicode, fun() -> headroom:holders() end),
        ?assert(length(binary:matches(Text, <<"\n">>)) < 50)
    end).

%% Whoever is asked about a process inside a long native call waits for it: the operator must not, and the process must be
%% shown as what it is.
inside_native_code_test_() ->
    case headroom_busy:compile() of
        {skipped, Why} ->
            {skip(Why, "a process inside native code"), []};
        {ok, Library} ->
            {"inside native code", {timeout, 600, fun() ->
                try
                    headroom_child:with(#{load => [?MODULE, headroom_busy, gen_udp, inet_udp], args => ["+S", "4:4"]}, fun(Child) ->
                        busy(Child, Library)
                    end)
                after
                    file:delete(Library ++ ".so")
                end
            end}}
    end.

%% The native call has a scheduler of its own, and so has the one that asks: what waits on the scheduler of the call waits
%% with every tool. So does what loads code, which takes all schedulers.
busy(Child, Library) ->
    {Busy, Inside, Inventory} = call(Child, fun() ->
        ok = headroom_busy:load(Library),
        Self = self(),
        spawn_opt(fun() ->
            Busy = spawn_opt(?MODULE, inside, [self(), 6000], [{scheduler, 4}]),
            receive {Busy, inside} -> ok end,
            receive after 100 -> ok end,
            Inventory = headroom:inventory(),
            Self ! {asked, Busy, ets:lookup(?MODULE, left), Inventory}
        end, [{scheduler, 1}]),
        receive {asked, Busy, Left, Inventory} -> {Busy, Left =:= [], Inventory} end
    end),
    %% It answers while the call lasts.
    ?assert(Inside),
    #{complete := false, holders := Holders} = Inventory,
    ?assertMatch([_], [Group || #{group := <<"busy in native code">>, sample := [#{pid := Pid}]} = Group <- Holders,
                                Pid =:= Busy]),
    ok = until(fun() ->
        #{complete := Complete, holders := Later} = call(Child, fun() -> headroom:inventory() end),
        Complete andalso [Group || #{group := <<"busy">>} = Group <- Later] =/= []
    end, fun() -> call(Child, fun() -> headroom:inventory() end) end).

%%% In the child

inside(To, Milliseconds) ->
    register(busy, self()),
    ?MODULE = ets:new(?MODULE, [named_table]),
    {ok, Socket} = gen_udp:open(0, [{ip, ?LOOPBACK}]),
    To ! {self(), inside},
    ok = headroom_busy:hold(Milliseconds),
    true = ets:insert(?MODULE, {left, true}),
    receive stop -> Socket end.

held(Name, Open) ->
    Self = self(),
    spawn(fun() ->
        register(Name, self()),
        Held = Open(),
        Self ! {opened, Name},
        receive stop -> Held end
    end),
    receive {opened, Name} -> ok end.

open(dets, Path) -> fun() -> {ok, _} = dets:open_file(t, [{file, Path}]) end;
open(disk_log, Path) -> fun() -> {ok, _} = disk_log:open([{name, l}, {file, Path}]) end;
open(delayed_write, Path) -> fun() -> {ok, _} = file:open(Path, [write, raw, delayed_write]) end;
open(compressed, Path) -> fun() -> {ok, _} = file:open(Path, [write, raw, compressed]) end;
open(read_ahead, _) -> fun() -> {ok, _} = file:open("/etc/passwd", [read, raw, {read_ahead, 1000}]) end;
open(raw, _) -> fun() -> {ok, _} = file:open("/etc/passwd", [read, raw]) end;
open(io_server, _) -> fun() -> {ok, _} = file:open("/etc/passwd", [read]) end.

odd(Name) ->
    register(Name, self()),
    hold(udp, none).

hold(udp, Label) ->
    {ok, Socket} = gen_udp:open(0, [{ip, ?LOOPBACK}]),
    case erlang:function_exported(proc_lib, set_label, 1) andalso Label =/= none of
        true -> apply(proc_lib, set_label, [Label]);
        false -> ok
    end,
    receive stop -> Socket end.

%%% Common

until(Holds, Seen) -> until(Holds, Seen, 1000).

until(Holds, Seen, Tries) ->
    case Holds() of
        true -> ok;
        _ when Tries =:= 0 -> {never, Seen()};
        _ -> receive after 50 -> until(Holds, Seen, Tries - 1) end
    end.

skip(Why, What) ->
    io:format(user, "~n~s: ~s, ~s was not put to the test~n", [?MODULE, Why, What]),
    lists:flatten(io_lib:format("~s: ~s", [What, Why])).

call(Child, Fun) -> headroom_child:call(Child, Fun).

in_child(Title, Options, Test) ->
    Load = [?MODULE, gen_udp, inet_udp, timer],
    {Title, {timeout, 600, fun() -> headroom_child:with(Options#{load => Load}, Test) end}}.
