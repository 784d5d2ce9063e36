%% The reports of the field, and the texts that this release's own printers make of an event.
-module(headroom_reports_tests).

-include_lib("eunit/include/eunit.hrl").

%% Somebody had this in his hands and asked what it was: a wrong row is a wrong answer to him.
reports_test_() ->
    {ok, Rows} = file:consult(filename:join(filename:dirname(?FILE), "reports.terms")),
    ?assert(length(Rows) > 60),
    [{Title, ?_test(report(Reason, Verdict, Basis, Line))} || {Title, Reason, Verdict, Basis, Line} <- Rows].

report(Reason, Expected, ExpectedBasis, Line) ->
    lists:foreach(fun(Given) ->
        #{verdict := Verdict, basis := Basis, fix := Fix} = headroom:diagnose(Given),
        ?assertEqual({Expected, Given}, {Verdict, Given}),
        ?assert(ExpectedBasis =:= '_' orelse ExpectedBasis =:= Basis),
        ?assertEqual({Given, true}, {Given, has(Line, Fix)})
    end, [Reason | [binary_to_list(Reason) || is_binary(Reason)]]).

has("", _) -> true;
%% By what started the node.
has(tasks, Fix) -> lists:any(fun(Line) -> has(Line, Fix) end, ["TasksMax=", "--pids-limit=", "podPidsLimit:"]);
has(Line, Fix) -> lists:any(fun(One) -> binary:match(One, list_to_binary(Line)) =/= nomatch end, Fix).

%% The promise of one road: whatever printed an event, its text gets the verdict of the event itself or none. A text that
%% accuses another culprit sends its reader away from the cause. HEADROOM_TEXTS is how many are tried.
a_text_never_accuses_another_test_() ->
    {timeout, 600, fun() ->
        Wanted = list_to_integer(os:getenv("HEADROOM_TEXTS", "4000")),
        _ = rand:seed(exsss, {1, 2, 3}),
        Printers = printers(),
        Events = [event() || _ <- lists:seq(1, Wanted div length(Printers) + 1)],
        Wrong = [{Name, Text, Of, Verdict}
                 || Event <- Events, {Name, Print} <- Printers,
                    Text <- [print(Print, Event)],
                    {Of, Verdict} <- [{verdict(Event), verdict(Text)}],
                    Verdict =/= Of, Verdict =/= undetermined],
        ?assertEqual([], lists:sublist(Wrong, 3)),
        ?assert(length(Events) * length(Printers) >= Wanted)
    end}.

verdict(Reason) ->
    #{verdict := Verdict} = headroom:diagnose(Reason, undefined, #{probe => false}),
    Verdict.

%% A reason in its wrappers, as the term that the printers below get.
event() ->
    Reason = any([emfile, enfile, system_limit, enomem, eagain, eaddrnotavail, eaddrinuse, enospc, timeout, closed, nxdomain,
                  econnrefused, enoent, badarg, undef]),
    Wrapped = wrapped(Reason, rand:uniform(3) - 1),
    case rand:uniform(2) of
        1 -> Wrapped;
        2 -> {Wrapped, stack()}
    end.

wrapped(Reason, 0) -> Reason;
wrapped(Reason, N) ->
    wrapped(any([{error, Reason}, {badmatch, {error, Reason}}, {shutdown, {failed_to_start_child, name(), Reason}},
                 {file_error, "/var/lib/accept/emfile", Reason}, {listen_error, name(), Reason}, {case_clause, {error, Reason}},
                 {failed_connect, [{to_address, {"connect", 80}}, {inet, [inet], Reason}]},
                 {bad_return_value, {error, Reason}}, {'EXIT', Reason}]), N - 1).

stack() ->
    [frame() || _ <- lists:seq(1, rand:uniform(4))].

frame() ->
    {Module, Function, Args} =
        any([{erlang, spawn_link, [fun() -> ok end]}, {erlang, open_port, [{spawn, "accept"}, []]},
             {erlang, list_to_atom, ["emfile connect"]}, {erlang, binary_to_atom, [<<"listen">>, utf8]}, {erlang, 'bsl', [1, 100]},
             {gen_tcp, accept, 2}, {gen_tcp, connect, 4}, {ets, new, [t, [set]]}, {my_server, do_accept, 7},
             {ranch_acceptor, loop, 3}, {my_conn, connect, [state(), "system_limit"]}, {os, cmd, 2}, {file, open, 2}]),
    {Module, Function, Args, any([[], [{file, "accept.erl"}, {line, 12}]])}.

name() -> any([accept, web, emfile_sup, {listen, 1}, connect]).

state() ->
    #{last => {error, emfile}, path => "/var/enfile", queue => lists:seq(1, rand:uniform(40)), status => connected,
      text => <<"accept: system_limit">>, peers => [{listen, N, self()} || N <- lists:seq(1, rand:uniform(10))]}.

any(List) -> lists:nth(rand:uniform(length(List)), List).

print(Print, Event) -> unicode:characters_to_binary(Print(Event)).

printers() ->
    Formats = [{F, fun(Event) -> io_lib:format(F, [Event]) end} || F <- ["~p", "~0p", "~w", "~tp", "~10p"]],
    Formats
    ++ [{"exit value", fun(E) -> io_lib:format("Error in process ~p with exit value:~n~p~n", [self(), E]) end},
        {"server", fun server/1},
        {"server, single line", fun single_line/1},
        {"state machine", fun(E) -> logged(fun gen_statem:format_log/1, statem(E), E) end},
        {"supervisor", fun(E) -> io_lib:format("    supervisor: {local,accept}~n    errorContext: start_error~n    reason: ~p~n"
                                               "    offender: [{id,connect},{mfargs,{x,listen,[emfile]}}]", [E]) end},
        {"crash report", fun crash/1},
        {"exception", fun exception/1},
        {"escaped", fun(E) -> string:replace(io_lib:format("reason:~n~p", [E]), "\n", "\\n", all) end},
        {"syslog", fun(E) -> ["Nov 25 02:05:16 accept emfile[1]: ", string:replace(io_lib:format("~p", [E]), "\n", "#012", all)] end}]
    ++ elixir().

server(Event) ->
    io_lib:format("** Generic server ~p terminating ~n** Last message in was ~p~n** When Server state == ~p~n"
                  "** Reason for termination ==~n** ~p~n", [name(), {connect, name()}, state(), Event]).

%% What gen_server itself prints, where this release lets it be asked.
single_line(Event) ->
    Report = #{label => {gen_server, terminate}, name => name(), last_message => {accept, emfile}, state => state(),
               reason => Event, log => [], client_info => undefined, process_label => undefined},
    logged(fun(R) -> {Format, Args} = gen_server:format_log(R), {Format, Args} end, Report, Event).

statem(Event) ->
    {_, Reason, Stack} = parted(Event),
    #{label => {gen_statem, terminate}, name => name(), queue => [{cast, emfile}], postponed => [], modules => [accept],
      callback_mode => state_functions, state_enter => false, state => {connect, state()}, timeouts => {0, []}, log => [],
      reason => {error, Reason, Stack}, client_info => undefined, process_label => undefined}.

%% A release that wants another report than these prints the term alone.
logged(Format, Report, Event) ->
    try Format(Report) of
        {Text, Args} -> io_lib:format(Text, Args)
    catch
        error:_ -> io_lib:format("~p", [Event])
    end.

crash(Event) ->
    {Class, Reason, Stack} = parted(Event),
    Own = [{initial_call, {x, connect, ['Argument__1']}}, {pid, self()}, {registered_name, emfile},
           {error_info, {Class, Reason, Stack}}, {ancestors, [accept, listen]}, {message_queue_len, 1},
           {messages, [{error, enfile}]}, {links, []}, {dictionary, [{connect, system_limit}]}, {trap_exit, false},
           {status, running}, {heap_size, 1}, {stack_size, 1}, {reductions, 1}],
    proc_lib:format([Own, []]).

exception(Event) ->
    {Class, Reason, Stack} = parted(Event),
    case erlang:function_exported(erl_error, format_exception, 3) of
        true -> erl_error:format_exception(Class, Reason, Stack);
        false -> io_lib:format("** exception ~p: ~p", [Class, Event])
    end.

%% What was raised has a stacktrace; what a process ended with has none.
parted({Reason, [{M, F, _, Location} | _] = Stack}) when is_atom(M), is_atom(F), is_list(Location) ->
    {error, Reason, Stack};
parted(Reason) ->
    {exit, Reason, []}.

%% Elixir, where it is installed.
elixir() ->
    case elixir_loaded() of
        true ->
            [{"inspect", fun(E) -> 'Elixir.Kernel':inspect(E) end},
             {"inspect, pretty", fun(E) -> 'Elixir.Kernel':inspect(E, [{pretty, true}, {width, 20}]) end},
             {"Exception.format", fun format/1},
             {"GenServer", fun(E) -> ["GenServer ", 'Elixir.Kernel':inspect(name()), " terminating\n", format(E),
                                      "\nLast message: ", 'Elixir.Kernel':inspect({connect, emfile}), "\nState: ",
                                      'Elixir.Kernel':inspect(state())] end}];
        false ->
            []
    end.

format(Event) ->
    {Class, Reason, Stack} = parted(Event),
    'Elixir.Exception':format(Class, Reason, Stack).

elixir_loaded() ->
    Ebins = filelib:wildcard("/usr/lib/elixir/lib/elixir/ebin") ++ filelib:wildcard("/usr/lib/*/elixir/lib/elixir/ebin"),
    _ = [code:add_pathz(Ebin) || Ebin <- Ebins],
    code:ensure_loaded('Elixir.Exception') =:= {module, 'Elixir.Exception'}
        andalso element(1, application:ensure_all_started(elixir)) =:= ok.
