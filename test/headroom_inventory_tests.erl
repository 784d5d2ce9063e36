%% Who holds the descriptors, with leaks made for real in nodes of their own: what is accused is what was planted, and
%% nobody else.
-module(headroom_inventory_tests).

-include_lib("eunit/include/eunit.hrl").

-export([serve/2, conn/0, hold/1, churn/1, idle/0]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(ON_LOOPBACK, [{ip, ?LOOPBACK}, {active, false}, {backlog, 1024}]).

%% The first question of everybody whose node runs out: three servers of the same code, and one of them does not close.
%% Asked once more at zero, when nothing can be opened any more. HEADROOM_SOCKETS: of so many sockets of the servers.
the_leaking_server_is_the_first_line_test_() ->
    Each = list_to_integer(os:getenv("HEADROOM_SOCKETS", "600")) div 3,
    Closed = min(200, Each * 3 div 5),
    in_child("a leak", #{nofile => 6 * Each + 1000}, fun(Child) ->
        Port = call(Child, fun() -> leak(Each, Closed) end),
        {ok, Printed} = headroom_child:capture(Child, unicode, fun() -> headroom:holders() end),
        Line = iolist_to_binary(["srv_chat headroom_inventory_tests:conn/0 at 127.0.0.1:", integer_to_list(Port), ": ",
                                 integer_to_list(Closed), " of ", integer_to_list(Each)]),
        ?assertMatch({0, _}, binary:match(unfolded(Printed), Line)),
        Inventory = call(Child, fun() -> headroom:inventory() end),
        ok = adds_up(Inventory),
        #{holders := [First | _], orphans := [], zombies := [], complete := true} = Inventory,
        ?assertMatch(#{count := Each, close_wait := Closed, why := close_wait}, First),
        ?assertEqual(1000 * Closed div Each / 10, maps:get(share_close_wait, First)),
        #{sample := [#{state := close_wait, pid := Pid, handle := Handle} | _]} = First,
        ?assert(is_pid(Pid) andalso is_port(Handle)),
        0 = headroom_child:fill(Child, fds),
        {ok, AtZero} = headroom_child:capture(Child, unicode, fun() -> headroom:holders() end),
        ?assertMatch({0, _}, binary:match(unfolded(AtZero), Line)),
        shown(Printed, AtZero),
        ok = adds_up(call(Child, fun() -> headroom:inventory() end)),
        %% So does the report of a node that has none left, with the line that gives some back.
        Report = call(Child, fun() -> headroom:report_text() end),
        ?assertMatch({_, _}, binary:match(unfolded(Report), <<"holders  ", Line/binary>>)),
        Closes = iolist_to_binary(["has the line that closes ", integer_to_list(Closed), " descriptors"]),
        ?assertMatch({_, _}, binary:match(Report, Closes)),
        %% The files that fill the rest are known by number, and by whose they are.
        #{holders := Held} = call(Child, fun() -> headroom:inventory(#{kind => device}) end),
        ?assertMatch([_ | _], [Count || #{by_kind := #{device := Count}} <- Held, Count > 500]),
        %% What can be closed is closed, and nothing else.
        [#{why := close_wait, gives := Closed} = Offer | _] = call(Child, fun() -> headroom:relief() end),
        Left = Closed - 100,
        {ok, #{asked := 100, closed := Some, left := Left}} = call(Child, fun() -> headroom:close(Offer) end),
        ?assert(Some > 0),
        {ok, #{left := 0}} = call(Child, fun() -> headroom:close(Offer) end),
        ok = until(fun() -> call(Child, fun() -> headroom:close(Offer) end) =:= {error, no_such_group} end),
        #{holders := After} = call(Child, fun() -> headroom:inventory() end),
        ?assertEqual([Each - Closed],
                     [Count || #{group := <<"srv_chat headroom_inventory_tests:conn/0">>, count := Count} <- After])
    end).

shown(Printed, AtZero) ->
    case os:getenv("HEADROOM_SOCKETS") of
        false -> ok;
        _ -> io:format(user, "~nOTP ~s~n~ts~nwith no descriptor left:~n~ts",
                       [erlang:system_info(otp_release), Printed, hd(binary:split(AtZero, <<"\n\n">>))])
    end.

%% A node without a free port or process can be asked, too.
full_tables_test_() ->
    in_child("full tables", #{nofile => 256, args => ["+Q", "1024", "+P", "1024"]}, fun(Child) ->
        0 = headroom_child:fill(Child, ports),
        0 = headroom_child:fill(Child, processes),
        0 = headroom_child:fill(Child, fds),
        #{complete := true, orphans := [], zombies := []} = Inventory = call(Child, fun() -> headroom:inventory() end),
        ok = adds_up(Inventory)
    end).

%% The process behind a connection is the one that works with it, however many of OTP's own stand in between.
whom_a_socket_works_for_test_() ->
    in_child("behind TLS and the socket backend", #{}, fun(Child) ->
        Sockets = call(Child, fun() -> ways() end),
        #{holders := Groups, orphans := [], zombies := []} = Inventory =
            call(Child, fun() -> headroom:inventory(#{sample => 50}) end),
        ok = adds_up(Inventory),
        Pids = maps:from_list([{Fd, Pid} || #{sample := Sample} <- Groups, #{fd := Fd, pid := Pid} <- Sample]),
        ?assertEqual([], [{Way, Fd, User, maps:get(Fd, Pids, none)}
                          || {Way, Fd, User} <- Sockets, maps:get(Fd, Pids, none) =/= User])
    end).

%% Programs by their pipes, files by number, an io-server by the one who opened it.
programs_and_files_test_() ->
    in_child("programs and files", #{}, fun(Child) ->
        call(Child, fun() ->
            register(program_owner, spawn(?MODULE, hold, [fun() -> open_port({spawn_executable, "/bin/cat"}, []) end])),
            register(raw_owner, spawn(?MODULE, hold, [fun() -> [prim_file:open("/etc/passwd", [read]) || _ <- "123"] end])),
            register(file_owner, spawn(?MODULE, hold, [fun() -> file:open("/etc/passwd", [read]) end])),
            ok
        end),
        Count = fun(Name) ->
            #{holders := Groups} = Inventory = call(Child, fun() -> headroom:inventory() end),
            ok = adds_up(Inventory),
            lists:sum([Count || #{group := Group, count := Count} <- Groups, Group =:= Name])
        end,
        ok = until(fun() -> {Count(<<"program_owner">>), Count(<<"raw_owner">>), Count(<<"file_owner">>)} =:= {2, 3, 1} end)
    end).

%% The owner died with data queued that nobody takes: such ports stay for ever, and no other tool names them.
a_port_whose_owner_is_gone_test_() ->
    in_child("a zombie", #{}, fun(Child) ->
        call(Child, fun() -> killed_with_a_full_queue() end),
        #{zombies := [#{why := owner_gone, unsent := Unsent, handle := Port, pid := Pid}],
          holders := [#{why := owner_gone, message := Message} | _]} = call(Child, fun() -> headroom:inventory() end),
        %% The kernel takes a part of the 30 MB, the port keeps the rest.
        ?assert(Unsent > 20000000),
        ?assertMatch({_, _}, binary:match(Message, <<"wait to be sent">>)),
        ?assertNot(call(Child, fun() -> is_process_alive(Pid) end)),
        [#{why := owner_gone, how := close_port, gives := 1} = Offer] = call(Child, fun() -> headroom:relief() end),
        {ok, #{asked := 1}} = call(Child, fun() -> headroom:close(Offer) end),
        ok = until(fun() -> call(Child, fun() -> erlang:port_info(Port) end) =:= undefined end)
    end).

%% A socket that native code opened has no port; one that native code closed has no descriptor, and soon another's.
behind_the_back_of_the_vm_test_() ->
    in_child("orphans and stolen descriptors", #{}, fun(Child) ->
        {Orphan, Shared, Closed} = call(Child, fun() -> stolen() end),
        #{orphans := Orphans, zombies := Zombies} = Inventory = call(Child, fun() -> headroom:inventory() end),
        ok = adds_up(Inventory),
        ?assertEqual([Orphan], [Fd || #{fd := Fd} <- Orphans]),
        ?assertEqual([{Shared, fd_shared}, {Shared, fd_shared}, {Closed, fd_closed}],
                     lists:sort([{Fd, Why} || #{fd := Fd, why := Why} <- Zombies]))
    end).

%% Sockets and files come and go while we look: only the planted one is accused, in each round.
nobody_innocent_is_accused_test_() ->
    Rounds = list_to_integer(os:getenv("HEADROOM_CHURN_ROUNDS", "12")),
    in_child("churn", #{nofile => 2048}, 600 + 5 * Rounds, fun(Child) ->
        Orphan = call(Child, fun() -> orphan() end),
        call(Child, fun() ->
            [spawn(?MODULE, churn, [Kind]) || Kind <- [inet, inet, inet, inet, socket, udp, file], _ <- "12345"], ok
        end),
        [begin
             #{orphans := Orphans, zombies := Zombies} = Inventory = call(Child, fun() -> headroom:inventory() end),
             ok = adds_up(Inventory),
             ?assertEqual({Round, [Orphan], []}, {Round, [Fd || #{fd := Fd} <- Orphans], Zombies})
         end || Round <- lists:seq(1, Rounds)]
    end).

%% Any mixture of what a VM can open: each descriptor is counted once, and by the kernel's own count.
any_mixture_adds_up_test_() ->
    in_child("mixtures", #{nofile => 1024}, fun(Child) ->
        Mix = proper_types:list(proper_types:oneof([inet, socket, udp, file, io, program, listen, half_closed])),
        Property = proper:forall(Mix, fun(Kinds) -> call(Child, fun() -> mixed(Kinds) end) end),
        ?assertEqual(true, proper:quickcheck(Property, [{numtests, 100}, {max_size, 30}, quiet]))
    end).

%% Owners close sockets that linger, with data that nobody takes, while we look: whoever is in the kernel with one at that
%% moment finishes the close, and waits for it. It is one of us at most, for no longer than the owner would have, and the
%% node is asked meanwhile.
a_close_that_lingers_test_() ->
    in_child("lingering", #{nofile => 2048, args => ["+SDcpu", "2:2"]}, fun(Child) ->
        Looks = call(Child, fun() ->
            Asked = [look_while_closing(Owners) || Owners <- [lingering(4) || _ <- "123"]],
            %% Nobody is left waiting behind.
            [headroom:inventory() | Asked]
        end),
        ?assertEqual([], [Look || Look <- Looks, not is_map(Look) orelse adds_up(Look) =/= ok]),
        ?assertEqual(4, length(Looks))
    end).

%% Processes that cannot answer must not keep the operator waiting: here the registry of the socket module.
a_process_that_does_not_answer_test_() ->
    in_child("no answer", #{}, fun(Child) ->
        call(Child, fun() -> leak(5, 0), erlang:suspend_process(whereis(socket_registry)) end),
        {Took, #{complete := false, holders := [_ | _]}} =
            call(Child, fun() -> timer:tc(fun() -> headroom:inventory() end) end),
        ?assert(Took < 60000000),
        call(Child, fun() -> erlang:resume_process(whereis(socket_registry)) end),
        ok = until(fun() -> maps:get(complete, call(Child, fun() -> headroom:inventory() end)) end),
        %% Nothing of it is left in the mailbox of whoever asked.
        ?assertEqual({messages, []}, call(Child, fun() -> process_info(self(), messages) end))
    end).

%% Without the helpers nobody asks: the kernel's half is told, and that the rest is missing.
without_the_application_test_() ->
    in_child("not started", #{app => stopped}, fun(Child) ->
        #{complete := false, total := Total} = call(Child, fun() -> headroom:inventory() end),
        ?assert(Total > 0)
    end).

%% A full queue is why clients hang while the node looks well.
a_listener_that_nobody_accepts_from_test_() ->
    in_child("a full listener", #{}, fun(Child) ->
        call(Child, fun() -> full_listener() end),
        #{listeners := [#{full := true, queue := Queue, backlog := 2, owner := <<"lazy">>} | _]} =
            call(Child, fun() -> headroom:inventory() end),
        ?assert(Queue >= 2),
        {ok, Printed} = headroom_child:capture(Child, unicode, fun() -> headroom:holders() end),
        ?assertMatch({_, _}, binary:match(unfolded(Printed), <<"full, so clients hang">>))
    end).

details_and_what_is_left_out_test_() ->
    in_child("details", #{}, fun(Child) ->
        call(Child, fun() -> leak(3, 0) end),
        Samples = fun(Options) ->
            #{holders := Groups} = call(Child, fun() -> headroom:inventory(Options#{kind => tcp}) end),
            [Sample || #{sample := Some} <- Groups, Sample <- Some]
        end,
        ?assert(lists:all(fun(#{local := Local, remote := Remote, path := undefined}) ->
                              is_binary(Local) andalso is_binary(Remote)
                          end, Samples(#{details => true}))),
        ?assert(lists:all(fun(#{local := undefined, remote := undefined}) -> true end,
                          Samples(#{details => true, addresses => false}))),
        #{holders := Hidden} = call(Child, fun() -> headroom:inventory(#{addresses => false}) end),
        ?assertEqual([], [Address || Group <- Hidden, Key <- [listener, remote], #{Key := Address} <- [Group],
                                     binary:match(Address, <<"127">>) =/= nomatch])
    end).

bad_options_test_() ->
    [?_assertError(badarg, headroom:inventory(Options))
     || Options <- [no_map, #{unknown => 1}, #{top => 0}, #{top => 1.5}, #{idle_ms => -1}, #{kind => socket},
                    #{group => "text"}, #{paths => 1}]]
    ++ [?_assertError(badarg, headroom:close(nothing)), ?_assertError(badarg, headroom:holders([]))].

%%% In the child

%% Three servers of the same code, with so many connections each; of one, so many are closed by the other side.
leak(Connections, Closed) ->
    Names = [srv_web, srv_chat, srv_api],
    Ports = [{Name, start(Name)} || Name <- Names],
    Clients = [{Name, [connect(Port) || _ <- lists:seq(1, Connections)]} || {Name, Port} <- Ports],
    put(clients, Clients),
    [await_served(Name, Connections) || Name <- Names],
    {_, Chat} = lists:keyfind(srv_chat, 1, Clients),
    lists:foreach(fun gen_tcp:close/1, lists:sublist(Chat, Closed)),
    receive after 100 -> ok end,
    {_, Port} = lists:keyfind(srv_chat, 1, Ports),
    Port.

start(Name) ->
    Self = self(),
    spawn(fun() -> register(Name, self()), serve(Name, Self) end),
    receive {Name, Port} -> Port end.

connect(Port) ->
    {ok, Socket} = gen_tcp:connect(?LOOPBACK, Port, [{active, false}]),
    Socket.

serve(Name, To) ->
    {ok, Listener} = gen_tcp:listen(0, ?ON_LOOPBACK),
    {ok, Port} = inet:port(Listener),
    To ! {Name, Port},
    accept(Listener, 0).

accept(Listener, Count) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = proc_lib:spawn(?MODULE, conn, []),
    ok = gen_tcp:controlling_process(Socket, Pid),
    put(served, Count + 1),
    accept(Listener, Count + 1).

conn() -> receive stop -> ok end.

await_served(Name, Count) ->
    {dictionary, Dictionary} = process_info(whereis(Name), dictionary),
    case proplists:get_value(served, Dictionary, 0) of
        Count -> ok;
        _ -> receive after 10 -> await_served(Name, Count) end
    end.

hold(Open) ->
    Held = Open(),
    receive {stop, Held} -> ok end.

%% Each way to have a connection, with its descriptor and the process that works with it: this one.
ways() ->
    {ok, _} = application:ensure_all_started(ssl),
    Self = self(),
    {ok, Inet} = gen_tcp:listen(0, ?ON_LOOPBACK),
    {ok, Backend} = gen_tcp:listen(0, [{inet_backend, socket} | ?ON_LOOPBACK]),
    Near = connect(port(Inet)),
    {ok, Far} = gen_tcp:accept(Inet),
    {ok, NearBackend} = gen_tcp:connect(?LOOPBACK, port(Backend), [{inet_backend, socket}, {active, false}]),
    {ok, FarBackend} = gen_tcp:accept(Backend),
    {ok, Plain} = socket:open(inet, stream, tcp),
    Tls = tls(Inet),
    put(ways, [Inet, Backend, Near, Far, NearBackend, FarBackend, Plain, Tls]),
    [{inet_listener, fd(Inet), Self}, {inet_out, fd(Near), Self}, {inet_in, fd(Far), Self},
     {backend_listener, fd(Backend), Self}, {backend_out, fd(NearBackend), Self}, {backend_in, fd(FarBackend), Self},
     {socket, fd(Plain), Self}] ++ [{tls, Fd, Self} || {_, Fd} <- Tls].

port(Listener) ->
    {ok, Port} = inet:port(Listener),
    Port.

fd(Port) when is_port(Port) -> {ok, Fd} = prim_inet:getfd(Port), Fd;
fd({'$inet', gen_tcp_socket, {_, Socket}}) -> fd(Socket);
fd(Socket) -> {ok, Fd} = socket:getopt(Socket, otp, fd), Fd.

%% Both ends of a TLS connection belong to processes of ssl, which work for this one.
tls(Listener) ->
    Signed = [{digest, sha256}, {key, {rsa, 2048, 65537}}],
    Chain = #{root => Signed, intermediates => [], peer => Signed},
    #{server_config := Server, client_config := Client} =
        public_key:pkix_test_data(#{server_chain => Chain, client_chain => Chain}),
    Near = connect(port(Listener)),
    {ok, Far} = gen_tcp:accept(Listener),
    Fds = [fd(Near), fd(Far)],
    Self = self(),
    Helper = spawn_link(fun() ->
        receive go -> ok end,
        {ok, Connection} = ssl:connect(Near, [{verify, verify_none} | Client], 60000),
        ok = ssl:controlling_process(Connection, Self),
        Self ! {self(), Connection}
    end),
    ok = gen_tcp:controlling_process(Near, Helper),
    Helper ! go,
    {ok, Accepted} = ssl:handshake(Far, Server, 60000),
    Connected = receive {Helper, Connection} -> Connection end,
    lists:zip([Connected, Accepted], Fds).

killed_with_a_full_queue() ->
    {ok, Listener} = gen_tcp:listen(0, [{recbuf, 4096} | ?ON_LOOPBACK]),
    Near = connect(port(Listener)),
    {ok, Far} = gen_tcp:accept(Listener),
    put(deaf, {Listener, Near}),
    {Owner, Ref} = spawn_monitor(fun() ->
        receive go -> ok end,
        ok = inet:setopts(Far, [{high_watermark, 64000000}]),
        ok = gen_tcp:send(Far, binary:copy(<<0>>, 30000000)),
        exit(killed)
    end),
    ok = gen_tcp:controlling_process(Far, Owner),
    Owner ! go,
    receive {'DOWN', Ref, process, Owner, killed} -> ok end.

%% Connections that take a second to close, each with a process that closes it when it is told to.
lingering(Count) ->
    {ok, Listener} = gen_tcp:listen(0, [{recbuf, 4096} | ?ON_LOOPBACK]),
    [begin
         Near = connect(port(Listener)),
         {ok, Far} = gen_tcp:accept(Listener),
         put({deaf, Near}, Listener),
         ok = inet:setopts(Far, [{linger, {true, 1}}, {high_watermark, 64000000}, {send_timeout, 0}]),
         _ = gen_tcp:send(Far, binary:copy(<<0>>, 8000000)),
         Pid = spawn(fun() -> receive close -> port_close(Far) end end),
         ok = gen_tcp:controlling_process(Far, Pid),
         Pid
     end || _ <- lists:seq(1, Count)].

look_while_closing(Owners) ->
    spawn(fun() -> [begin Owner ! close, receive after 1 -> ok end end || Owner <- Owners] end),
    Inventory = headroom:inventory(),
    _ = headroom:health(),
    Inventory.

%% What its registry does not know of is to the VM as if native code had opened it.
orphan() ->
    {ok, Socket} = socket:open(inet, stream, tcp, #{use_registry => false}),
    put(orphan, Socket),
    fd(Socket).

%% Ports made of descriptors that belong to sockets: one of these stays beside its port, the other closes it.
stolen() ->
    Orphan = orphan(),
    {Beside, Shared, SharedFd} = twice(),
    {Thief, Closed, ClosedFd} = twice(),
    ok = socket:close(Thief),
    put(stolen, {Beside, Shared, Closed}),
    {Orphan, SharedFd, ClosedFd}.

twice() ->
    {ok, Socket} = socket:open(inet, dgram, udp),
    ok = socket:bind(Socket, #{family => inet, addr => ?LOOPBACK, port => 0}),
    Fd = fd(Socket),
    {ok, Port} = gen_udp:open(0, [{fd, Fd}]),
    {Socket, Port, Fd}.

churn(Kind) ->
    come_and_go(Kind),
    churn(Kind).

come_and_go(inet) ->
    {ok, Listener} = gen_tcp:listen(0, ?ON_LOOPBACK),
    Near = connect(port(Listener)),
    {ok, Far} = gen_tcp:accept(Listener),
    [gen_tcp:close(Socket) || Socket <- [Near, Far, Listener]];
come_and_go(socket) ->
    {ok, Socket} = socket:open(inet, stream, tcp),
    socket:close(Socket);
come_and_go(udp) ->
    {ok, Socket} = gen_udp:open(0, [{ip, ?LOOPBACK}]),
    gen_udp:close(Socket);
come_and_go(file) ->
    {ok, File} = prim_file:open("/etc/passwd", [read]),
    prim_file:close(File).

mixed(Kinds) ->
    Held = [opened(Kind) || Kind <- Kinds],
    receive after 5 -> ok end,
    Inventory = headroom:inventory(),
    Result = adds_up(Inventory) =:= ok andalso maps:get(orphans, Inventory) =:= []
        andalso maps:get(zombies, Inventory) =:= [],
    lists:foreach(fun(Close) -> Close() end, Held),
    Result.

opened(inet) ->
    {ok, Listener} = gen_tcp:listen(0, ?ON_LOOPBACK),
    Near = connect(port(Listener)),
    {ok, Far} = gen_tcp:accept(Listener),
    fun() -> [gen_tcp:close(Socket) || Socket <- [Near, Far, Listener]] end;
opened(half_closed) ->
    {ok, Listener} = gen_tcp:listen(0, ?ON_LOOPBACK),
    Near = connect(port(Listener)),
    {ok, Far} = gen_tcp:accept(Listener),
    ok = gen_tcp:close(Near),
    fun() -> [gen_tcp:close(Socket) || Socket <- [Far, Listener]] end;
opened(socket) ->
    {ok, Socket} = socket:open(inet, stream, tcp),
    fun() -> socket:close(Socket) end;
opened(udp) ->
    {ok, Socket} = gen_udp:open(0, [{ip, ?LOOPBACK}]),
    fun() -> gen_udp:close(Socket) end;
opened(listen) ->
    {ok, Listener} = gen_tcp:listen(0, ?ON_LOOPBACK),
    fun() -> gen_tcp:close(Listener) end;
opened(file) ->
    {ok, File} = prim_file:open("/etc/passwd", [read]),
    fun() -> prim_file:close(File) end;
opened(io) ->
    {ok, File} = file:open("/etc/passwd", [read]),
    fun() -> file:close(File) end;
opened(program) ->
    Port = open_port({spawn_executable, "/bin/cat"}, []),
    fun() -> port_close(Port) end.

full_listener() ->
    Self = self(),
    spawn(fun() ->
        register(lazy, self()),
        {ok, Listener} = gen_tcp:listen(0, [{ip, ?LOOPBACK}, {backlog, 2}]),
        Self ! {lazy, port(Listener)},
        idle()
    end),
    Port = receive {lazy, Found} -> Found end,
    put(waiting, [gen_tcp:connect(?LOOPBACK, Port, [], 300) || _ <- "123456"]),
    ok.

idle() -> receive stop -> ok end.

%%% Common

%% Each descriptor of the kernel is told exactly once.
adds_up(#{total := Total, by_kind := Kinds, holders := Holders, others := #{count := Others}, orphans := Orphans,
          unclaimed := Unclaimed, moved := Moved}) ->
    Told = lists:sum([Count || #{count := Count} <- Holders]) + Others + length(Orphans)
        + lists:sum(maps:values(Unclaimed)) + Moved,
    case {Told, lists:sum(maps:values(Kinds))} of
        {Total, Total} -> ok;
        Sums -> {Total, Sums}
    end.

%% Lines that were folded, as one.
unfolded(Text) ->
    iolist_to_binary(re:replace(Text, "\\n +", " ", [global])).

until(Holds) -> until(Holds, 600).

until(Holds, Tries) ->
    case Holds() of
        true -> ok;
        _ when Tries =:= 0 -> {error, never};
        _ -> receive after 100 -> until(Holds, Tries - 1) end
    end.

call(Child, Fun) -> headroom_child:call(Child, Fun).

in_child(Title, Options, Test) -> in_child(Title, Options, 600, Test).

in_child(Title, Options, Seconds, Test) ->
    Load = [?MODULE, gen_tcp, gen_udp, gen_tcp_socket, inet_tcp, inet_udp, prim_socket, timer, re],
    {Title, {timeout, Seconds, fun() -> headroom_child:with(Options#{load => Load}, Test) end}}.
