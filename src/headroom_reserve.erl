%% @private
%% Takes the reserve, one call at a time, and owns its idle ports. Giving it back needs no answer of this process.
-module(headroom_reserve).

-behaviour(gen_server).

-export([start_link/0, reserve/1, release/0, give_back/0, tick/0]).
-export([init/1, handle_call/3, handle_cast/2]).

-include_lib("kernel/include/logger.hrl").

%% How long a caller waits for the holder, in milliseconds.
-define(PATIENCE, 5000).

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec reserve(term()) -> {ok, map()} | {error, term()}.
reserve(Argument) ->
    case headroom_ask:with_library(fun() -> headroom_nif:reserve_option(Argument) end) of
        {ok, Wanted} ->
            %% A holder that comes to it later than its caller waits takes nothing.
            Until = erlang:monotonic_time(millisecond) + ?PATIENCE,
            try
                gen_server:call(?MODULE, {reserve, Wanted, Until}, ?PATIENCE + 500)
            catch
                exit:{Reason, {gen_server, call, _}} -> {error, {no_holder, Reason}}
            end;
        {error, {nif_not_loaded, _}} = Error ->
            Error;
        {error, _} ->
            erlang:error(badarg)
    end.

%% In the caller.
-spec release() -> {ok, map()} | {error, term()}.
release() ->
    Ports = headroom_held:close_ports(all),
    case headroom_ask:with_library(fun release_fds/0) of
        {ok, Fds} -> {ok, #{fds => Fds, ports => Ports}};
        {error, _} = Error -> Error
    end.

%% What is still held back when its holder is gone; says how many descriptors.
-spec give_back() -> {ok, non_neg_integer()} | {error, term()}.
give_back() ->
    case headroom_held:fds() of
        0 -> {ok, 0};
        _ -> release_fds()
    end.

release_fds() ->
    headroom_ask:change(release, never).

%% The clock. What the guard gave back in the meantime, and the ports that go with it; a full port table is given its own,
%% which no thread could do, and needs none, since nothing spins there. A library that was just loaded gets its guard again.
-spec tick() -> none | {gave_back, #{fds := non_neg_integer(), ports := non_neg_integer(), at := non_neg_integer()}}
              | {error, term()}.
tick() ->
    Gave = headroom_ask:with_library(fun() ->
        Told = headroom_guard:gave(),
        ok = headroom_held:note_fds(),
        _ = headroom_guard:stand(),
        Told
    end),
    case Gave of
        {{ok, Fds}, At} -> {gave_back, #{fds => Fds, ports => headroom_held:close_ports(all), at => At}};
        {{error, Why}, _At} -> {error, Why};
        _ -> full_ports()
    end.

full_ports() ->
    Full = headroom_config:release_on() =:= full
        andalso erlang:system_info(port_count) >= erlang:system_info(port_limit),
    case Full andalso headroom_held:close_ports(all) of
        Ports when is_integer(Ports), Ports > 0 ->
            {gave_back, #{fds => 0, ports => Ports, at => erlang:system_time(millisecond)}};
        _ ->
            none
    end.

%%% In the process

%% Its predecessor's ports are gone, and so is what the limit was lowered by.
init([]) ->
    ok = headroom_held:init(),
    case give_back() of
        {ok, 0} -> ok;
        Result -> ?LOG_WARNING("headroom gave its reserve back, since its holder ended: ~0p", [Result])
    end,
    {ok, no_state}.

handle_call({reserve, Wanted, Until}, _From, State) ->
    case erlang:monotonic_time(millisecond) =< Until of
        true -> {reply, headroom_ask:with_library(fun() -> take(Wanted) end), State};
        false -> {noreply, State}
    end.

handle_cast(_, State) ->
    {noreply, State}.

%% Descriptors first: the library knows whether both fit.
take(#{ports := Ports} = Wanted) ->
    Before = headroom_held:fds(),
    case lower(Wanted) of
        {ok, Soft} ->
            Held = headroom_held:ports(),
            case hold(Ports - Held) of
                ok ->
                    stand(headroom_guard:stand()),
                    {ok, #{fds => headroom_held:fds(), ports => headroom_held:ports(), soft => Soft}};
                {error, system_limit} ->
                    _ = lower(#{fds => Before, ports => Held}),
                    {error, {too_many, #{resource => ports, wanted => Ports, room => Held}}}
            end;
        {error, _} = Error ->
            Error
    end.

stand(ok) -> ok;
stand({error, Why}) -> ?LOG_WARNING("headroom gives its reserve back only when it is told to: ~ts", [Why]).

lower(Wanted) ->
    headroom_ask:change({reserve, Wanted}, fresh).

hold(More) when More >= 0 ->
    headroom_held:open_ports(More);
hold(Fewer) ->
    _ = headroom_held:close_ports(-Fewer),
    ok.
