%% @private
%% What only the VM knows, collected as one map for the native core. Nothing is judged here.
%%
%% Values that cannot change while the VM runs are read once and kept.
-module(headroom_beam).

-export([facts/1, now/1, vitals/1, aside/0, keep/0, max_fds/0, warm/0]).

-define(FIXED, {?MODULE, fixed}).

-type table() :: {headroom:count(), headroom:limit()}.
-type facts() :: #{taken_at := integer(), node := binary(), otp_release := binary(), boot := map(),
                   max_fds := headroom:limit(),
                   tables := #{ports := table(), processes := table(), ets_tables := table(), atoms := table(),
                               sockets := headroom:count()},
                   reserved := headroom_held:facts(), own := non_neg_integer(),
                   unreadable := [#{what := atom(), reason := atom()}],
                   exposure => map(), aside => aside()}.
-type aside() :: #{uptime_ms := non_neg_integer(), inet_ports := non_neg_integer(), port_programs := non_neg_integer(),
                   signal := boolean()}.
-type now() :: tuple().
-export_type([facts/0, now/0]).

%% The facts of this moment. With `sockets' the registry process of the socket module is asked, too.
-spec facts(sockets | no_sockets) -> facts().
facts(Sockets) ->
    #{otp_release := Release, boot := Boot, max_fds := MaxFds, limits := Limits, unreadable := Fixed} = fixed(),
    {Ports, Processes, EtsTables, Atoms} = Limits,
    {Open, Unreadable} = sockets(Sockets),
    #{taken_at => erlang:system_time(millisecond),
      node => atom_to_binary(node(), utf8),
      otp_release => Release,
      boot => Boot,
      max_fds => MaxFds,
      tables => #{ports => {erlang:system_info(port_count), Ports},
                  processes => {erlang:system_info(process_count), Processes},
                  ets_tables => {erlang:system_info(ets_count), EtsTables},
                  atoms => {erlang:system_info(atom_count), Atoms},
                  sockets => Open},
      reserved => headroom_held:facts(),
      own => headroom_held:own(),
      unreadable => Unreadable ++ Fixed}.

%% The same as a tuple, in the order of the core's `Now', without what is fixed, which the library keeps.
-spec now(sockets | no_sockets) -> now().
now(Sockets) ->
    {Open, Unreadable} = sockets(Sockets),
    {erlang:system_time(millisecond),
     atom_to_binary(node(), utf8),
     erlang:system_info(port_count),
     erlang:system_info(process_count),
     erlang:system_info(ets_count),
     erlang:system_info(atom_count),
     Open,
     {headroom_held:fds(), headroom_held:ports()},
     headroom_held:own(),
     Unreadable}.

%% The few numbers of a health check, where the library keeps what is fixed: a tuple, in the order of the core's `Vitals'.
-spec vitals(headroom_nif:thresholds()) -> tuple().
vitals(Thresholds) ->
    {erlang:system_info(port_count),
     erlang:system_info(process_count),
     erlang:system_info(atom_count),
     {headroom_held:fds(), headroom_held:ports()},
     Thresholds}.

%% What a report tells besides: how long the VM runs, and what its ports are. Each of them is asked.
-spec aside() -> aside().
aside() ->
    Started = erlang:system_info(start_time),
    Uptime = erlang:convert_time_unit(erlang:monotonic_time() - Started, native, millisecond),
    {Inet, Programs} = lists:foldl(fun count_port/2, {0, 0}, erlang:ports()),
    #{uptime_ms => Uptime, inet_ports => Inet, port_programs => Programs, signal => headroom_held:signal()}.

count_port(Port, {Inet, Programs}) ->
    case erlang:port_info(Port, name) of
        {name, "tcp_inet"} -> {Inet + 1, Programs};
        {name, "udp_inet"} -> {Inet + 1, Programs};
        {name, "sctp_inet"} -> {Inet + 1, Programs};
        undefined -> {Inet, Programs};
        _ -> {Inet, Programs + program(erlang:port_info(Port, os_pid))}
    end.

program({os_pid, Pid}) when is_integer(Pid) -> 1;
program(_) -> 0.

%% Tells the library what is fixed: one that was just loaded does not know it.
-spec keep() -> ok.
keep() ->
    headroom_nif:keep(fixed()).

%% The descriptors that the VM watches, fixed when it started.
-spec max_fds() -> headroom:limit().
max_fds() ->
    maps:get(max_fds, fixed()).

%% Reads what does not change, at the start of the application.
-spec warm() -> ok.
warm() ->
    keep().

fixed() ->
    case persistent_term:get(?FIXED, undefined) of
        undefined ->
            Fixed = read_fixed(),
            persistent_term:put(?FIXED, Fixed),
            Fixed;
        Fixed ->
            Fixed
    end.

read_fixed() ->
    {MaxFds, NoMaxFds} = read_max_fds(),
    {EmuArgs, NoEmuArgs} = emu_args(),
    Ports = erlang:system_info(port_limit),
    #{otp_release => list_to_binary(erlang:system_info(otp_release)),
      boot => headroom_nif:boot(EmuArgs, Ports),
      max_fds => MaxFds,
      limits => {Ports,
                 erlang:system_info(process_limit),
                 erlang:system_info(ets_limit),
                 erlang:system_info(atom_limit)},
      unreadable => NoMaxFds ++ NoEmuArgs}.

%% Each poll set says it; one of them may be a fallback with a smaller number.
read_max_fds() ->
    try [Max || PollSet <- erlang:system_info(check_io), {max_fds, Max} <- PollSet] of
        [_ | _] = All -> {lists:max(All), []};
        [] -> {unknown, unavailable(check_io)}
    catch
        error:_ -> {unknown, unavailable(check_io)}
    end.

%% Undocumented, and the only place that has the emulator's flags. Only those of a known list are kept, by the core.
emu_args() ->
    try erlang:system_info(emu_args) of
        Args -> {[unicode:characters_to_binary(Arg) || Arg <- Args], []}
    catch
        error:_ -> {undefined, unavailable(emu_args)}
    end.

sockets(no_sockets) ->
    {unknown, []};
sockets(sockets) ->
    case is_idle(whereis(socket_registry), 20) of
        true ->
            try
                {socket:number_of(), []}
            catch
                error:_ -> {unknown, unavailable(sockets)}
            end;
        false ->
            {unknown, [#{what => sockets, reason => timeout}]};
        undefined ->
            {unknown, unavailable(sockets)}
    end.

%% The registry is asked without a limit of time, and asking it from another process would need one: so it is asked only
%% when it waits for a question. It answers each in microseconds; one that is not idle in so many looks is stuck.
is_idle(undefined, _Looks) ->
    undefined;
is_idle(_Registry, 0) ->
    false;
is_idle(Registry, Looks) ->
    case erlang:process_info(Registry, [status, message_queue_len]) of
        [{status, waiting}, {message_queue_len, 0}] -> true;
        [{status, suspended} | _] -> false;
        undefined -> undefined;
        _ -> receive after 1 -> is_idle(Registry, Looks - 1) end
    end.

unavailable(What) ->
    [#{what => What, reason => unavailable}].
