%% @private
%% What of this VM would be hit when a descriptor, port or process is missing, collected as one map for the native core.
%% Nothing is judged here.
%%
%% Opens nothing, spawns nothing, and asks no process that could be waiting for a file or a name itself.
-module(headroom_exposure).

-export([facts/0, warm/0, listeners/0]).

-define(CODE_MODE, {?MODULE, code_mode}).

-spec facts() -> map().
facts() ->
    #{native_lookup => lists:member(native, inet_db:res_option(lookup)),
      resolver_started => resolver_started(),
      code_mode => code_mode(),
      unloaded_modules => unloaded_modules(),
      unloaded_formatters => [atom_to_binary(Module, utf8) || Module <- headroom_preload:unloaded_formatters()],
      file_server => is_pid(whereis(file_server_2)),
      dist_listeners => dist_listeners(),
      mnesia => mnesia()}.

%% Reads what does not change, at the start of the application.
-spec warm() -> ok.
warm() ->
    _ = code_mode(),
    ok.

%% The server is registered before it opens its port, so only the port says that the helper runs.
resolver_started() ->
    lists:any(fun erlang:is_port/1, links(inet_gethost_native)).

%% As the code server reads the flag; asking the server itself would wait for whatever it loads at the moment.
code_mode() ->
    case persistent_term:get(?CODE_MODE, undefined) of
        undefined ->
            Mode = case init:get_argument(mode) of
                       {ok, [["embedded"] | _]} -> embedded;
                       _ -> interactive
                   end,
            persistent_term:put(?CODE_MODE, Mode),
            Mode;
        Mode ->
            Mode
    end.

unloaded_modules() ->
    lists:sum([count_unloaded(Modules) || {Application, _, _} <- application:loaded_applications(),
                                          {ok, Modules} <- [application:get_key(Application, modules)]]).

count_unloaded(Modules) ->
    length([Module || Module <- Modules, not erlang:module_loaded(Module)]).

%% The kernel process of the distribution owns the sockets that listen; to those of connections it is linked only. With
%% the socket backend, and for other carriers, the process that accepts is what can be seen.
dist_listeners() ->
    case listeners() of
        [] -> length([Pid || Pid <- links(net_kernel), is_pid(Pid), accepts(Pid)]);
        Listeners -> length(Listeners)
    end.

%% Those of them that are ports.
-spec listeners() -> [port()].
listeners() ->
    Owner = {connected, whereis(net_kernel)},
    [Port || Port <- links(net_kernel), is_port(Port), erlang:port_info(Port, name) =:= {name, "tcp_inet"},
             erlang:port_info(Port, connected) =:= Owner].

accepts(Pid) ->
    case erlang:process_info(Pid, initial_call) of
        {initial_call, {_, accept_loop, _}} -> true;
        _ -> false
    end.

links(Name) ->
    case whereis(Name) of
        Pid when is_pid(Pid) ->
            case erlang:process_info(Pid, links) of
                {links, Links} -> Links;
                undefined -> []
            end;
        _ ->
            []
    end.

mnesia() ->
    case {application:get_key(mnesia, vsn), running_mnesia(use_dir), running_mnesia(dir)} of
        {undefined, _, _} -> undefined;
        {_, {ok, true}, {ok, Directory}} -> mnesia(on_disc, Directory);
        {_, {ok, _}, {ok, Directory}} -> mnesia(in_memory, Directory);
        _ -> stopped_mnesia()
    end.

stopped_mnesia() ->
    Directory = case application:get_env(mnesia, dir) of
                    {ok, Configured} -> Configured;
                    undefined -> "Mnesia." ++ atom_to_list(node())
                end,
    case application:get_env(mnesia, schema_location) of
        {ok, ram} -> mnesia(in_memory, Directory);
        _ -> mnesia(stopped, Directory)
    end.

mnesia(State, Directory) ->
    #{state => State, directory => unicode:characters_to_binary(io_lib:format("~ts", [Directory]))}.

%% The table is there while Mnesia runs.
running_mnesia(Key) ->
    try ets:lookup(mnesia_gvar, Key) of
        [{_, Value}] -> {ok, Value};
        [] -> unknown
    catch
        error:badarg -> unknown
    end.
