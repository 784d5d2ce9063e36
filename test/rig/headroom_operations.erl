%% The operations that can fail for want of something, as they run in a child node: each returns what the caller got.
%%
%% `warm/0' runs each of them once, so that their code is loaded before something is used up, and opens the listeners.
-module(headroom_operations).

-export([all/0, operation/1, warm/0, run/1, diagnosed/1]).
-export([await/1, awaited/1, open_files/1]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(ON_LOOPBACK, [{ip, ?LOOPBACK}]).
-define(SOCKET, [{inet_backend, socket}]).
-define(TIMEOUT, get(timeout)).

%% Each call, in the order of the tables.
all() ->
    [listen, listen_socket, listen_ssl, connect, connect_socket, connect_ssl, accept, accept_waiting, accept_socket,
     accept_ssl, udp_open, sctp_open, peeloff, socket, file_raw, file_io, list_dir, open_port, os_cmd, ets, spawn].

%% The call as headroom names it.
operation(listen_socket) -> listen;
operation(listen_ssl) -> listen;
operation(connect_socket) -> connect;
operation(connect_ssl) -> connect;
operation(accept_waiting) -> accept;
operation(accept_socket) -> accept;
operation(accept_ssl) -> accept;
operation(file_raw) -> file;
operation(file_io) -> file;
operation(list_dir) -> file;
operation(Call) -> Call.

%% Answers the ports that clients are to connect to.
warm() ->
    {ok, _} = application:ensure_all_started(ssl),
    put(timeout, 20),
    put(sctp, association()),
    {ok, Inet} = gen_tcp:listen(0, ?ON_LOOPBACK),
    {ok, Socket} = gen_tcp:listen(0, ?SOCKET ++ ?ON_LOOPBACK),
    {ok, Ssl} = ssl:listen(0, ?ON_LOOPBACK),
    put(accept, Inet),
    put(accept_socket, Socket),
    put(accept_ssl, Ssl),
    Ports = [{accept, port(Inet)}, {accept_socket, port(Socket)}, {accept_ssl, port_ssl(Ssl)}],
    %% One that nobody accepts from, so that each accept above meets the client that was sent to it.
    {ok, Target} = gen_tcp:listen(0, [{backlog, 64} | ?ON_LOOPBACK]),
    put(target, port(Target)),
    _ = [give_back(run(Call)) || Call <- all() -- [accept_waiting]],
    put(timeout, 400),
    %% The formats of the errors that are to come.
    _ = [headroom:diagnose(emfile, Operation) || Operation <- [accept, open_port]],
    _ = logger:error("warm ~p", [{error, emfile}]),
    Ports.

%% A server's socket with one association, where the kernel has SCTP.
association() ->
    case gen_sctp:open(0, ?ON_LOOPBACK) of
        {ok, Server} ->
            ok = gen_sctp:listen(Server, true),
            {ok, Client} = gen_sctp:open(0, ?ON_LOOPBACK),
            {ok, _} = gen_sctp:connect(Client, ?LOOPBACK, port(Server), []),
            {ok, {_, _, [], Change}} = gen_sctp:recv(Server, 60000),
            {Server, element(6, Change)};   % #sctp_assoc_change.assoc_id
        {error, Reason} ->
            {none, Reason}
    end.

port(Listener) ->
    {ok, Port} = inet:port(Listener),
    Port.

port_ssl(Listener) ->
    {ok, {_, Port}} = ssl:sockname(Listener),
    Port.

%% What a call returns, or {Class, Reason, Stacktrace}.
run(Call) ->
    try
        call(Call)
    catch
        Class:Reason:Stacktrace -> {Class, Reason, Stacktrace}
    end.

call(listen) -> gen_tcp:listen(0, ?ON_LOOPBACK);
call(listen_socket) -> gen_tcp:listen(0, ?SOCKET ++ ?ON_LOOPBACK);
call(listen_ssl) -> ssl:listen(0, ?ON_LOOPBACK);
call(connect) -> gen_tcp:connect(?LOOPBACK, get(target), [], ?TIMEOUT);
call(connect_socket) -> gen_tcp:connect(?LOOPBACK, get(target), ?SOCKET, ?TIMEOUT);
call(connect_ssl) -> ssl:connect(?LOOPBACK, get(target), [{verify, verify_none}], ?TIMEOUT);
call(accept) -> gen_tcp:accept(get(accept), ?TIMEOUT);
call(accept_waiting) -> awaited(?TIMEOUT);
call(accept_socket) -> gen_tcp:accept(get(accept_socket), ?TIMEOUT);
call(accept_ssl) -> ssl:transport_accept(get(accept_ssl), ?TIMEOUT);
call(udp_open) -> gen_udp:open(0, ?ON_LOOPBACK);
call(sctp_open) -> without_sctp(gen_sctp:open(0, ?ON_LOOPBACK));
call(peeloff) ->
    case get(sctp) of
        {none, Reason} -> without_sctp({error, Reason});
        {Server, Association} -> gen_sctp:peeloff(Server, Association)
    end;
call(socket) -> socket:open(inet, stream, tcp);
call(file_raw) -> file:open("/dev/null", [read, raw]);
call(file_io) -> file:open("/dev/null", [read]);
call(list_dir) -> file:list_dir("/");
call(open_port) -> open_port({spawn_executable, "/bin/true"}, []);
call(os_cmd) -> os:cmd("true");
call(ets) -> ets:new(?MODULE, []);
call(spawn) -> spawn(fun() -> ok end).

%% An error that this kernel gives to everybody.
without_sctp({error, Reason}) ->
    case get(sctp) of
        {none, Reason} -> {skipped, "this kernel has no SCTP"};
        _ -> {error, Reason}
    end;
without_sctp(Opened) ->
    Opened.

give_back({ok, Socket}) when element(1, Socket) =:= sslsocket -> ssl:close(Socket);
give_back({ok, {'$socket', _} = Socket}) -> socket:close(Socket);
give_back({ok, File}) when element(1, File) =:= file_descriptor -> file:close(File);
give_back({ok, Pid}) when is_pid(Pid) -> file:close(Pid);
give_back({ok, Socket}) when is_port(Socket); is_tuple(Socket) -> gen_tcp:close(Socket);
give_back(_) -> ok.

%% What the call returned and what headroom makes of it in this very state. A success is given back.
diagnosed(Call) ->
    case run(Call) of
        {skipped, _} = Skipped -> Skipped;
        Returned -> diagnosed(Call, Returned)
    end.

diagnosed(Call, Returned) ->
    Verdict = headroom:diagnose(plain(Returned), operation(Call)),
    _ = give_back(Returned),
    {shown(Returned), Verdict}.

%% As a shell shows an exception.
plain({error, Reason, Stacktrace}) when is_list(Stacktrace) -> {'EXIT', {Reason, Stacktrace}};
plain({Class, Reason, Stacktrace}) when is_list(Stacktrace), is_atom(Class) -> {Class, {Reason, Stacktrace}};
plain(Returned) -> Returned.

%% Handles, and where an exception came from, mean nothing in another node.
shown({Class, Reason, Stacktrace}) when is_list(Stacktrace), is_atom(Class) ->
    Causes = [Cause || {_, _, _, Location} <- Stacktrace, {error_info, #{cause := Cause}} <- Location],
    {exception, Class, brief(Reason), Causes};
shown({error, Reason}) ->
    {error, brief(Reason)};
shown(_) ->
    ok.

%% Without the stacktraces and calls inside.
brief([{Module, Function, _, _} | _]) when is_atom(Module), is_atom(Function) -> '...';
brief({gen_statem, call, _}) -> {gen_statem, call, '...'};
brief(Tuple) when is_tuple(Tuple) -> list_to_tuple([brief(Element) || Element <- tuple_to_list(Tuple)]);
brief(Other) -> Other.

%% Starts a process that waits in accept on a listener of its own, and answers the listener's port.
await(Options) ->
    {ok, Listener} = gen_tcp:listen(0, Options),
    Caller = self(),
    %% Longer than what runs before its turn comes.
    Waiting = spawn(fun() -> Caller ! {self(), gen_tcp:accept(Listener, 300000)} end),
    put(waiting, Waiting),
    ok = until_waiting(Waiting),
    port(Listener).

until_waiting(Pid) ->
    case process_info(Pid, current_function) of
        {current_function, {prim_inet, _, _}} -> ok;
        {current_function, _} -> receive after 5 -> until_waiting(Pid) end
    end.

awaited(Timeout) ->
    Waiting = get(waiting),
    %% What a caller with this timeout would get.
    receive {Waiting, Result} -> Result after Timeout -> {error, timeout} end.

%% Takes so many descriptors; without the VM's polling they work with any number.
open_files(Count) ->
    put(files, [prim_file:open("/dev/null", [read]) || _ <- lists:seq(1, Count)]),
    ok.
