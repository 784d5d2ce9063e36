%% @private
%% What is held back for the operator: where it is written down, and how it is let go without any process's help.
%%
%% The ports are in a public table of the process that owns them: both end together. The number of descriptors is the
%% native library's; a copy of it is kept here, since a library that replaces another one knows nothing.
-module(headroom_held).

-export([init/0, facts/0, own/0]).
-export([fds/0, note_fds/0]).
-export([ports/0, open_ports/1, close_ports/1]).
-export([signal/0, note_signal/1]).

-type facts() :: #{fds := non_neg_integer(), ports := non_neg_integer()}.
-export_type([facts/0]).

-define(FDS, {?MODULE, fds}).
-define(SIGNAL, {?MODULE, signal}).

%% Called by the process that will own the ports.
-spec init() -> ok.
init() ->
    ?MODULE = ets:new(?MODULE, [named_table, public]),
    case persistent_term:get(?FDS, undefined) of
        undefined -> persistent_term:put(?FDS, atomics:new(1, [{signed, false}]));
        _ -> ok
    end.

-spec facts() -> facts().
facts() ->
    #{fds => fds(), ports => ports()}.

%% Descriptors that the VM holds for headroom: that of its door, whose process has this name while it is open.
-spec own() -> 0 | 1.
own() ->
    case whereis(headroom_door) of
        undefined -> 0;
        _ -> 1
    end.

%% Whether SIGUSR2 gives it back. Who sends it to a VM that does not handle it ends that.
-spec signal() -> boolean().
signal() ->
    persistent_term:get(?SIGNAL, false).

-spec note_signal(boolean()) -> ok.
note_signal(true) ->
    persistent_term:put(?SIGNAL, true);
note_signal(false) ->
    _ = persistent_term:erase(?SIGNAL),
    ok.

-spec fds() -> non_neg_integer().
fds() ->
    case persistent_term:get(?FDS, undefined) of
        undefined -> 0;
        Fds -> atomics:get(Fds, 1)
    end.

%% Takes the library's number over. Whoever writes it last has seen that it is right.
-spec note_fds() -> ok.
note_fds() ->
    case {persistent_term:get(?FDS, undefined), headroom_nif:reserved_fds()} of
        {undefined, _} ->
            ok;
        {_, undefined} ->
            ok;
        {Fds, Known} ->
            ok = atomics:put(Fds, 1, Known),
            case headroom_nif:reserved_fds() of
                Known -> ok;
                _ -> note_fds()
            end
    end.

-spec ports() -> non_neg_integer().
ports() ->
    case ets:info(?MODULE, size) of
        undefined -> 0;
        Size -> Size
    end.

%% Opens so many more, or none: a port of this driver takes no descriptor.
-spec open_ports(non_neg_integer()) -> ok | {error, system_limit}.
open_ports(Count) ->
    open_ports(Count, []).

open_ports(0, _Opened) ->
    ok;
open_ports(Count, Opened) ->
    try open_port({spawn_driver, "ram_file_drv"}, []) of
        Port ->
            true = ets:insert(?MODULE, {Port}),
            open_ports(Count - 1, [Port | Opened])
    catch
        error:_ ->
            _ = [close(Port) || Port <- Opened],
            {error, system_limit}
    end.

%% Closes so many, or all that there are; from any process, and says how many they were.
-spec close_ports(non_neg_integer() | all) -> non_neg_integer().
close_ports(Count) ->
    try ets:tab2list(?MODULE) of
        Held -> lists:sum([close(Port) || {Port} <- first(Count, Held)])
    catch
        error:badarg -> 0
    end.

first(all, Held) -> Held;
first(Count, Held) -> lists:sublist(Held, Count).

%% Of two callers at once, one takes it.
close(Port) ->
    try ets:take(?MODULE, Port) of
        [_] ->
            true = erlang:port_close(Port),
            1;
        [] ->
            0
    catch
        error:badarg -> 0
    end.
