%% Log events of every shape that a node makes by itself: each is made by a real crash, not by a call of the logger.
%%
%% Run in a child, with every module that a crash itself needs loaded: what is missing then is what formats the event.
-module(headroom_crashes).

-export([shapes/0, run/1, needed/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_event/2, callback_mode/0, handle_event/4]).
-export([start/2, stop/1, start_child/1, crash/1]).

%% Modules that the crashes use themselves, apart from their being logged.
needed() ->
    [?MODULE, application_master, gen_event, gen_server, gen_statem, supervisor].

%% Name and what the log must say about it.
-spec shapes() -> [{atom(), string()}].
shapes() ->
    [{Shape, text(Shape)}
     || Shape <- [plain_error, plain_throw, plain_badmatch, plain_function_clause, plain_case_clause, plain_badfun,
                  plain_undef, plain_no_module, plain_badkey, plain_terms,
                  erts_error, stdlib_error, kernel_error, bad_arithmetic, bad_binary,
                  proc_lib_error, proc_lib_exit, proc_lib_throw, proc_lib_full, proc_lib_linked,
                  server_call, server_cast, server_unhandled, server_bad_return, server_init, statem, event_handler,
                  supervisor_child, supervisor_start, application,
                  logged_format, logged_report, logged_map, logged_string, logged_callback, logged_bad_format,
                  logged_by_error_logger]].

%% Makes the event; it is on its way to the handlers when this returns.
-spec run(atom()) -> ok.
run(Shape) ->
    Marker = marker(Shape),
    {Pid, Ref} = spawn_monitor(fun() -> make(Shape, Marker) end),
    receive {'DOWN', Ref, process, Pid, _} -> ok after 100000 -> erlang:error({hangs, Shape}) end.

%% The emulator does not say what the operands were.
text(bad_arithmetic) -> "badarith";
text(Shape) -> atom_to_list(marker(Shape)).

marker(Shape) -> list_to_atom("crash_" ++ atom_to_list(Shape)).

make(plain_error, Marker) -> plain(fun() -> erlang:error({Marker, "text", <<"binary">>, 1.5}) end);
make(plain_throw, Marker) -> plain(fun() -> throw(Marker) end);
make(plain_badmatch, Marker) -> plain(fun() -> other = id(Marker) end);
make(plain_function_clause, Marker) -> plain(fun() -> crash(Marker) end);
make(plain_case_clause, Marker) -> plain(fun() -> case id(Marker) of other -> ok end end);
make(plain_badfun, Marker) -> plain(fun() -> (id(Marker))() end);
make(plain_undef, Marker) -> plain(fun() -> ?MODULE:Marker([1, a, "text"], #{}) end);
make(plain_no_module, Marker) -> plain(fun() -> Marker:run() end);
make(plain_badkey, Marker) -> plain(fun() -> map_get(Marker, id(#{a => 1})) end);
make(plain_terms, Marker) -> plain(fun() -> erlang:error({Marker, terms()}) end);
make(erts_error, Marker) -> plain(fun() -> binary_to_existing_atom(id(Marker), bad_encoding) end);
make(stdlib_error, Marker) -> plain(fun() -> ets:lookup(Marker, key) end);
make(kernel_error, Marker) -> plain(fun() -> os:putenv(id(Marker), "x") end);
make(bad_arithmetic, Marker) -> plain(fun() -> 1 + id(Marker) end);
make(bad_binary, Marker) -> plain(fun() -> <<(id(Marker)):8>> end);
make(proc_lib_error, Marker) -> proc(fun() -> erlang:error(Marker) end);
make(proc_lib_exit, Marker) -> proc(fun() -> exit({Marker, lists:seq(1, 200)}) end);
make(proc_lib_throw, Marker) -> proc(fun() -> throw(Marker) end);
make(proc_lib_full, Marker) -> proc(fun() -> full(Marker) end);
make(proc_lib_linked, Marker) -> proc(fun() -> linked(Marker) end);
make(server_call, Marker) ->
    {ok, Pid} = gen_server:start({local, Marker}, ?MODULE, server, []),
    try gen_server:call(Pid, {crash, Marker}) catch exit:_ -> ok end;
make(server_cast, Marker) -> server(fun(Pid) -> gen_server:cast(Pid, {crash, Marker}) end);
make(server_unhandled, Marker) ->
    server(fun(Pid) -> Pid ! {unhandled, Marker}, gen_server:stop(Pid) end);
make(server_bad_return, Marker) -> server(fun(Pid) -> gen_server:cast(Pid, {return, Marker}) end);
make(server_init, Marker) -> {error, _} = gen_server:start(?MODULE, {crash, Marker}, []);
make(statem, Marker) ->
    {ok, Pid} = gen_statem:start(?MODULE, statem, []),
    ended(Pid, fun() -> gen_statem:cast(Pid, {crash, Marker}) end);
make(event_handler, Marker) ->
    {ok, Pid} = gen_event:start(),
    ok = gen_event:add_handler(Pid, ?MODULE, event),
    ok = gen_event:sync_notify(Pid, {crash, Marker}),
    gen_event:stop(Pid);
make(supervisor_child, Marker) ->
    {ok, Pid} = supervisor:start_link(?MODULE, {supervisor, Marker, fun() -> exit({Marker, [state]}) end}),
    ended(Pid, fun() -> [Child ! crash || {_, Child, _, _} <- supervisor:which_children(Pid)] end);
make(supervisor_start, Marker) ->
    {error, _} = supervisor:start_link(?MODULE, {supervisor, Marker, start_fails});
make(application, Marker) ->
    ok = application:load({application, Marker, [{mod, {?MODULE, []}}, {applications, [kernel]}, {vsn, "1"}]}),
    ok = application:start(Marker),
    ok = application:stop(Marker);
make(logged_format, Marker) -> logger:error("~p ~s ~ts ~w ~0p ~b ~f", [Marker, "text", "ü", [a], #{}, 1, 2.0]);
make(logged_report, Marker) -> logger:error([{Marker, 1}, {text, "text"}, other]);
make(logged_map, Marker) -> logger:error(#{Marker => 1, text => "text"});
make(logged_string, Marker) -> logger:error(atom_to_list(Marker) ++ " ü");
make(logged_callback, Marker) ->
    Callback = fun(#{marker := Text}) -> {"~ts", [Text]} end,
    logger:error(#{marker => atom_to_list(Marker)}, #{report_cb => Callback});
make(logged_bad_format, Marker) -> logger:error("~p ~p", [Marker]);
make(logged_by_error_logger, Marker) -> error_logger:error_report([{Marker, 1}]).

id(Term) -> Term.

%% Without a clause for what it is called with.
crash(other) -> ok.

terms() ->
    [1.5, 1.0e100, -0.0001, 1 bsl 70, "text", "ünïcode", [8364, 128512], <<"ü"/utf8>>, <<1:3>>, <<255, 0>>, #{a => #{}},
     {tuple, [improper | tail]}, fun id/1, fun lists:map/2, make_ref(), self(), 'odd atom', 'ü', [], {}, [{key, value}],
     lists:seq(1, 300), lists:duplicate(100, "text")].

plain(Fun) ->
    {Pid, Ref} = spawn_monitor(Fun),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

proc(Fun) ->
    Pid = proc_lib:spawn(Fun),
    Ref = erlang:monitor(process, Pid),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

%% A process with all that a crash report shows.
full(Marker) ->
    true = register(Marker, self()),
    put(key, terms()),
    _ = [self() ! {message, N} || N <- lists:seq(1, 20)],
    _ = erlang:process_flag(trap_exit, true),
    erlang:error(Marker).

%% Neighbours are reported, too.
linked(Marker) ->
    Neighbour = proc_lib:spawn_link(fun() -> receive never -> ok end end),
    erlang:error({Marker, Neighbour}).

server(Crash) ->
    {ok, Pid} = gen_server:start(?MODULE, server, []),
    ended(Pid, fun() -> Crash(Pid) end).

ended(Pid, Crash) ->
    Ref = erlang:monitor(process, Pid),
    _ = Crash(),
    receive {'DOWN', Ref, process, Pid, _} -> ok end.

%%% Callbacks of the behaviours

callback_mode() -> handle_event_function.

init({crash, Marker}) -> erlang:error(Marker);
init(server) -> {ok, #{state => terms()}};
init(statem) -> {ok, some_state, #{data => terms()}};
init(event) -> {ok, #{state => terms()}};
init({supervisor, Marker, What}) ->
    {ok, {#{intensity => 0}, [#{id => Marker, start => {?MODULE, start_child, [What]}}]}}.

handle_call({crash, Marker}, _From, _State) -> erlang:error(Marker).

handle_cast({crash, Marker}, _State) -> erlang:error(Marker);
handle_cast({return, Marker}, _State) -> Marker.

handle_event({crash, Marker}, _State) -> erlang:error(Marker).

handle_event(cast, {crash, Marker}, _, _) -> erlang:error(Marker).

start_child(start_fails) -> {error, it_cannot};
start_child(Crash) -> {ok, proc_lib:spawn_link(fun() -> receive crash -> Crash() end end)}.

start(_Type, _Args) -> {ok, proc_lib:spawn_link(fun() -> receive never -> ok end end)}.

stop(_State) -> ok.
