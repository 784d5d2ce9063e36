%% @private
%% Takes the reserve, one call at a time, and owns its idle ports. Giving it back needs no answer of this process.
-module(headroom_reserve).

-behaviour(gen_server).

-export([start_link/0, wanted/1, reserve/1, release/0, give_back/0]).
-export([init/1, handle_call/3, handle_cast/2]).

-include_lib("kernel/include/logger.hrl").

%% Far more than there can be, and what the native library can read.
-define(MOST, 16#FFFFFFFFFFFFFFFF).

-type wanted() :: #{fds := non_neg_integer(), ports := non_neg_integer()}.

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% What an argument or an option asks for.
-spec wanted(term()) -> {ok, wanted()} | {error, binary() | {term(), binary()}}.
wanted(Fds) when is_integer(Fds) ->
    wanted(#{fds => Fds});
wanted(Map) when is_map(Map) ->
    %% Of a large map a few keys are looked at: more than two are wrong.
    Bad = [{Key, why(Key)} || {Key, Value} <- first(3, maps:next(maps:iterator(Map))), not is_wanted(Key, Value)],
    case Bad of
        [] -> {ok, maps:map(fun(_, Value) -> min(Value, ?MOST) end, maps:merge(#{fds => 0, ports => 0}, Map))};
        [First | _] -> {error, First}
    end;
wanted(_) ->
    {error, <<"neither a number nor a map">>}.

first(0, _) -> [];
first(_, none) -> [];
first(Left, {Key, Value, Rest}) -> [{Key, Value} | first(Left - 1, maps:next(Rest))].

is_wanted(Key, Value) ->
    lists:member(Key, [fds, ports]) andalso is_integer(Value) andalso Value >= 0.

why(Key) when Key =:= fds; Key =:= ports -> <<"not a non-negative integer">>;
why(_) -> <<"neither fds nor ports">>.

-spec reserve(term()) -> {ok, map()} | {error, term()}.
reserve(Argument) ->
    case wanted(Argument) of
        {ok, Wanted} ->
            try
                gen_server:call(?MODULE, {reserve, Wanted}, infinity)
            catch
                exit:{Reason, {gen_server, call, _}} -> {error, {no_holder, Reason}}
            end;
        {error, _} ->
            erlang:error(badarg)
    end.

%% In the caller.
-spec release() -> {ok, map()} | {error, term()}.
release() ->
    Ports = headroom_held:close_ports(all),
    case headroom_view:with_library(fun release_fds/0) of
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
    Result = headroom_nif:release_fds(headroom_beam:max_fds(), headroom_held:fds()),
    ok = headroom_held:note_fds(),
    Result.

%%% In the process

%% Its predecessor's ports are gone, and so is what the limit was lowered by.
init([]) ->
    ok = headroom_held:init(),
    case give_back() of
        {ok, 0} -> ok;
        Result -> ?LOG_WARNING("headroom gave its reserve back, since its holder ended: ~0p", [Result])
    end,
    {ok, no_state}.

handle_call({reserve, Wanted}, _From, State) ->
    {reply, headroom_view:with_library(fun() -> take(Wanted) end), State}.

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
                    {ok, #{fds => headroom_held:fds(), ports => headroom_held:ports(), soft => Soft}};
                {error, system_limit} ->
                    _ = lower(#{fds => Before, ports => Held}),
                    {error, {too_many, #{resource => ports, wanted => Ports, room => Held}}}
            end;
        {error, _} = Error ->
            Error
    end.

lower(Wanted) ->
    Beam = headroom_beam:facts(no_sockets),
    Thresholds = headroom_config:thresholds(),
    Ask = fun(Patience) -> headroom_nif:reserve_fds(Wanted, Beam, Thresholds, Patience) end,
    Result = headroom_view:counted(Ask, fresh),
    ok = headroom_held:note_fds(),
    Result.

hold(More) when More >= 0 ->
    headroom_held:open_ports(More);
hold(Fewer) ->
    _ = headroom_held:close_ports(-Fewer),
    ok.
