%% @private
%% Loads the code that an incident needs while it can still be loaded: at zero descriptors an unloaded module is `undef',
%% and on OTP 25 and earlier a log event whose formatter cannot be loaded removes the default handler for good.
-module(headroom_preload).

-export([run/0, unloaded_formatters/0]).

%% What this application's own calls and their printing use of OTP.
-define(OURS, [application, binary, lists, maps, proplists, prim_socket, socket, socket_registry, supervisor, unicode]).

%% What a remote shell needs in the node that it enters.
-define(SHELL, [beam_lib, c, dist_util, edlin, edlin_context, edlin_expand, edlin_key, edlin_type_suggestion,
                erl_abstract_code, erl_bits, erl_eval, erl_expand_records, erl_features, erl_internal, erl_lint,
                erl_parse, erl_pp, erl_scan, erpc, error_logger, eval_bits, gb_sets, gb_trees, global, group,
                group_history, inet_tcp_dist, io_lib_fread, orddict, ordsets, otp_internal, otp_internal_deprecated,
                prim_tty, queue, rand, rpc, sets, shell, shell_default, shell_docs, sofs, user_drv, user_sup]).

%% What formats any event.
-define(FORMATTING, [calendar, erl_anno, erl_error, erl_internal, erl_scan, io, io_lib, io_lib_format, io_lib_pretty,
                     logger_formatter, string, unicode_util]).

%% What formats errors of each kind.
-define(ERRORS, [epp, erl_erts_errors, erl_kernel_errors, erl_posix_msg, erl_stdlib_errors, inet, proc_lib, sys]).

-define(ELIXIR, ['Elixir.Exception', 'Elixir.IO', 'Elixir.IO.ANSI', 'Elixir.Inspect', 'Elixir.Inspect.Algebra',
                 'Elixir.Inspect.Atom', 'Elixir.Inspect.BitString', 'Elixir.Inspect.Float', 'Elixir.Inspect.Integer',
                 'Elixir.Inspect.List', 'Elixir.Inspect.Map', 'Elixir.Inspect.Opts', 'Elixir.Inspect.Tuple',
                 'Elixir.Kernel', 'Elixir.List', 'Elixir.Logger.Translator', 'Elixir.Process', 'Elixir.String',
                 'Elixir.String.Chars']).

%% Never fails: what is not there on this release, or not on this node, is not needed there.
-spec run() -> ok.
run() ->
    Own = modules_of(headroom),
    Elixir = [Module || erlang:module_loaded('Elixir.Kernel'), Module <- ?ELIXIR ++ modules_of(iex)],
    lists:foreach(fun code:ensure_loaded/1, Own ++ ?OURS ++ ?SHELL ++ ?FORMATTING ++ ?ERRORS ++ Elixir),
    lists:foreach(fun warm/1, formatters()).

%% Modules that format log events, are there on this release, and are not loaded.
-spec unloaded_formatters() -> [module()].
unloaded_formatters() ->
    There = modules_of(kernel) ++ modules_of(stdlib),
    OfOtp = [Module || Module <- ?FORMATTING ++ ?ERRORS, lists:member(Module, There)],
    Installed = [Module || #{formatter := {Module, _}} <- logger:get_handler_config()],
    [Module || Module <- lists:usort(OfOtp ++ Installed), not erlang:module_loaded(Module)].

modules_of(Application) ->
    case application:get_key(Application, modules) of
        {ok, Modules} -> Modules;
        undefined -> []
    end.

%% A list of modules is never complete. Formatting one event of each shape loads what is really used.
warm({Formatter, Config}) ->
    lists:foreach(fun(Event) -> format(Formatter, Event, Config) end, events()).

%% A formatter of somebody else's may dislike an event.
format(Formatter, Event, Config) ->
    try Formatter:format(Event, Config) of
        _ -> ok
    catch
        _:_ -> ok
    end.

formatters() ->
    Installed = [Formatter || #{formatter := {Module, _} = Formatter} <- logger:get_handler_config(),
                              lists:member(Module, [logger_formatter, 'Elixir.Logger.Formatter'])],
    lists:usort([{logger_formatter, #{}} | Installed]).

events() ->
    [event(#{level => Level, msg => Msg}, Meta) || {Level, Msg, Meta} <- messages()].

event(Event, Meta) ->
    Always = #{time => erlang:system_time(microsecond), pid => self(), gl => group_leader(),
               mfa => {?MODULE, run, 0}, file => "headroom_preload.erl", line => 1},
    Event#{meta => maps:merge(Always, Meta)}.

messages() ->
    [{notice, {string, "text"}, #{}},
     {error, {"~ts ~p ~tp ~w ~s ~f", ["text", {term, [1.5]}, <<"binary">>, self(), "text", 1.5]}, #{}},
     {error, {report, #{key => value, list => [{a, 1}], text => "text"}}, #{}},
     {error, {report, [{key, value}]}, #{}},
     {error, {"Error in process ~p with exit value:~n~p~n", [self(), {badarg, stacktrace()}]},
      #{error_logger => #{emulator => true, tag => error}}}
     | reports()].

%% Events as the behaviours of OTP make them, with the callbacks that they name.
reports() ->
    Reason = {badarg, stacktrace()},
    Crash = [[{initial_call, {?MODULE, run, []}}, {pid, self()}, {registered_name, []},
              {error_info, {error, badarg, stacktrace()}}, {ancestors, [self()]}, {message_queue_len, 0},
              {messages, []}, {links, []}, {dictionary, []}, {trap_exit, false}, {status, running},
              {heap_size, 233}, {stack_size, 28}, {reductions, 1}], []],
    [report({proc_lib, crash}, #{report => Crash}, fun proc_lib:report_cb/2, [otp, sasl]),
     report({supervisor, child_terminated},
            #{report => [{supervisor, {local, ?MODULE}}, {errorContext, child_terminated}, {reason, Reason},
                         {offender, [{pid, self()}, {id, ?MODULE}, {mfargs, {?MODULE, run, []}},
                                     {restart_type, permanent}, {shutdown, 5000}, {child_type, worker}]}]},
            fun logger:format_otp_report/1, [otp, sasl]),
     report({supervisor, progress},
            #{report => [{supervisor, {local, ?MODULE}}, {started, [{pid, self()}, {id, ?MODULE}]}]},
            fun logger:format_otp_report/1, [otp, sasl]),
     report({gen_server, terminate},
            #{name => ?MODULE, last_message => message, state => state, log => [], reason => Reason,
              client_info => undefined, process_label => undefined},
            fun gen_server:format_log/1, [otp]),
     report({gen_statem, terminate},
            #{name => ?MODULE, queue => [], postponed => [], modules => [?MODULE], callback_mode => state_functions,
              state_enter => false, state => {state, data}, timeouts => {0, []}, log => [], client_info => undefined,
              process_label => undefined, reason => {error, badarg, stacktrace()}},
            fun gen_statem:format_log/1, [otp]),
     report({gen_event, terminate},
            #{handler => ?MODULE, name => ?MODULE, last_message => message, state => state, log => [],
              reason => Reason, client_info => undefined, process_label => undefined},
            fun gen_event:format_log/1, [otp]),
     report({application_controller, exit},
            #{report => [{application, ?MODULE}, {exited, Reason}, {type, temporary}]},
            fun logger:format_otp_report/1, [otp])].

report(Label, Fields, Callback, Domain) ->
    {error, {report, Fields#{label => Label}}, #{report_cb => Callback, domain => Domain}}.

%% A real one, so that the modules which explain the errors of the VM are used.
stacktrace() ->
    try
        binary_to_integer(term_to_binary(bad))
    catch
        error:badarg:Stacktrace -> Stacktrace
    end.
