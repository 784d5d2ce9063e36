%% @private
%% The application: loads and warms everything that an incident needs, takes the configuration over.
-module(headroom_app).

-behaviour(application).
-behaviour(supervisor).

-export([start/2, stop/1]).
-export([init/1, start_child/2]).
-export([forget/0]).

-include_lib("kernel/include/logger.hrl").

start(_Type, _Args) ->
    case start() of
        {error, {bad_option, _, _} = Bad} -> headroom_requirement:bad_configuration(Bad);
        {error, {bad_requirement, _, _} = Bad} -> headroom_requirement:bad_configuration(Bad);
        Started -> Started
    end.

start() ->
    _ = application:get_env(headroom, preload, true) =:= true andalso headroom_preload:run(),
    case headroom_nif:load_status() of
        ok ->
            case headroom_config:load() of
                ok ->
                    headroom_beam:warm(),
                    headroom_exposure:warm(),
                    start_if_met(fun harden/0);
                {error, _} = Error ->
                    Error
            end;
        {error, Reason} ->
            ?LOG_WARNING("headroom answers nothing: ~0p", [Reason]),
            start_if_met(fun start_supervisor/0)
    end.

%% The ports went with their holder; the limit is the process's and stays unless it is given back.
stop(_State) ->
    ok = headroom_signal:disarm(),
    _ = headroom_ask:with_library(fun headroom_guard:dismiss/0),
    _ = headroom_reserve:give_back(),
    ok.

harden() ->
    case headroom_harden:harden_at_start() of
        ok -> start_with_reserve();
        {error, _} = Error -> Error
    end.

%% A node that starts with little room is better than one that does not start.
start_with_reserve() ->
    Supervisor = start_supervisor(),
    _ = [headroom_signal:arm(headroom_config:signal()) || element(1, Supervisor) =:= ok],
    case {Supervisor, headroom_config:reserve()} of
        {{ok, _} = Started, Wanted} when Wanted =/= none ->
            reserve(Wanted),
            Started;
        {Started, _} ->
            Started
    end.

reserve(Wanted) ->
    case headroom_reserve:reserve(Wanted) of
        {ok, _} -> ok;
        {error, Reason} -> ?LOG_WARNING("headroom holds back nothing for the operator: ~0p", [Reason])
    end.

%% Before anything is held or started: a node that is refused leaves nothing behind.
start_if_met(Start) ->
    case headroom_requirement:boot() of
        ok -> Start();
        {error, _} = Error -> Error
    end.

start_supervisor() ->
    case supervisor:start_link({local, headroom_sup}, ?MODULE, []) of
        {error, {shutdown, {failed_to_start_child, headroom_status_file, Reason}}} -> {error, Reason};
        Started -> Started
    end.

%% However often something is killed, the application does not end of it: where it is permanent, the node would.
init([]) ->
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1},
          [child(headroom_reserve, headroom_reserve, []) | owners() ++ door() ++ status() ++ watch()]}}.

%% A helper that ends has nothing to lose; without any, owners are not asked, and the inventory says so.
owners() ->
    [child(Name, headroom_owners, [Name]) || Name <- headroom_owners:names()].

child(Id, Module, Args) ->
    #{id => Id, start => {?MODULE, start_child, [Module, Args]}}.

%% Where there is no room for a process the supervisor tries again and again: not without a pause.
start_child(Module, Args) ->
    try apply(Module, start_link, Args) of
        {ok, _} = Started -> Started;
        {error, Reason} -> later(Reason)
    catch
        error:Reason -> later(Reason)
    end.

later(Reason) ->
    receive after 100 -> {error, Reason} end.

%% Never restarted: at zero it could not be opened again.
door() ->
    case headroom_door:path() of
        none -> [];
        Path -> [#{id => headroom_door, start => {headroom_door, start_link, [Path]}, restart => temporary}]
    end.

%% The voice first: what the first sample brings is told. Without the library there is nothing to be watched.
watch() ->
    case headroom_nif:load_status() =:= ok andalso headroom_config:watch() of
        false ->
            [];
        Options ->
            [child(headroom_voice, headroom_voice, []), child(headroom_watch, headroom_watch, [Options])]
    end.

%% Never restarted: at zero its file could not be opened again, and the application would end of it.
status() ->
    case headroom_config:status_file() of
        none -> [];
        Path -> [#{id => headroom_status_file, start => {headroom_status_file, start_link, [Path]}, restart => temporary}]
    end.

%% Erases what outlives a stop, for whoever deletes the code next: a node that was attached keeps nothing of it.
-spec forget() -> ok.
forget() ->
    lists:foreach(fun({Key, _}) -> is_ours(Key) andalso persistent_term:erase(Key) end, persistent_term:get()).

is_ours(Key) when is_tuple(Key), tuple_size(Key) > 0 -> is_ours(element(1, Key));
is_ours(Key) when is_atom(Key) -> lists:prefix("headroom", atom_to_list(Key));
is_ours(_) -> false.
