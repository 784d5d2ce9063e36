%% @private
%% Says what the clock brings: to the log, and to telemetry where that is loaded.
%%
%% A process of its own, because a log handler, or a function that somebody attached, may be slow or stuck for ever. What
%% it has not said is dropped then, so that nothing piles up; the clock and the reserve do not wait for it.
-module(headroom_voice).

-behaviour(gen_server).

-export([start_link/0]).
-export([measured/1, turned/4, alarmed/3, emptied/0, grouped/0, called/0, gave_back/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-include_lib("kernel/include/logger.hrl").

%% More than are waiting in any healthy node.
-define(MOST, 20).

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% A sample: each resource with its use and its limit.
-spec measured([{headroom:name(), non_neg_integer(), non_neg_integer() | undefined}]) -> ok.
measured(Used) ->
    case has_telemetry() of
        true -> say({measured, Used});
        false -> ok
    end.

%% Another level; with the report where that is wanted.
-spec turned(headroom:level(), headroom:level(), binary(), boolean()) -> ok.
turned(From, To, Line, Report) ->
    say({turned, From, To, Line, Report}).

%% A resource will be full soon, or will not any more.
-spec alarmed(headroom:name(), boolean(), binary()) -> ok.
alarmed(Name, Raised, Line) ->
    say({alarmed, Name, Raised, Line}).

%% Nothing of a resource is left since now: who holds it is looked at, for the record.
-spec emptied() -> ok.
emptied() ->
    say(emptied).

%% Who holds how many is to be noted, to tell later which group grew.
-spec grouped() -> ok.
grouped() ->
    say(grouped).

%% Somebody sent the signal: everything that is known goes to the log.
-spec called() -> ok.
called() ->
    say(called).

%% The reserve was given back without anybody's word, or could not be.
-spec gave_back({gave_back, map()} | {error, term()}) -> ok.
gave_back(Gave) ->
    say(Gave).

say(Message) ->
    case erlang:whereis(?MODULE) of
        undefined ->
            ok;
        Pid ->
            case erlang:process_info(Pid, message_queue_len) of
                {message_queue_len, Length} when Length < ?MOST -> gen_server:cast(Pid, Message);
                _ -> ok
            end
    end.

init([]) ->
    {ok, no_state}.

handle_call(_Request, _From, State) ->
    {reply, {error, unknown_call}, State}.

%% Nothing that a handler does may end this process for good.
handle_cast(Message, State) ->
    try
        tell(Message)
    catch
        _:_ -> ok
    end,
    {noreply, State}.

tell({measured, Used}) ->
    [execute([headroom, sample], measurements(U, Limit), #{resource => Name}) || {Name, U, Limit} <- Used];
tell({turned, From, To, Line, Report}) ->
    ?LOG(log_level(To), "~ts~ts", [Line, held_by(To)]),
    execute([headroom, level], #{level => number(To)}, #{from => From, to => To, message => Line}),
    [log(critical, [report]) || Report];
tell({alarmed, Name, Raised, Line}) ->
    ?LOG(case Raised of true -> warning; false -> notice end, "~ts", [Line]),
    execute([headroom, alarm], #{raised => number(Raised)}, #{resource => Name, message => Line});
tell({gave_back, #{fds := Fds, ports := Ports, at := At}}) ->
    Time = calendar:system_time_to_rfc3339(At, [{unit, millisecond}, {offset, "Z"}]),
    ?LOG_WARNING("headroom gave its reserve back by itself at ~ts: ~b descriptors, ~b ports (release_on)", [Time, Fds, Ports]);
tell({error, Why}) ->
    ?LOG_WARNING("headroom could not give its reserve back by itself: ~0p", [Why]);
tell(emptied) ->
    headroom_trend:holder();
tell(grouped) ->
    headroom_trend:groups();
tell(called) ->
    log(notice, [report, holders, trend]).

log(Level, Parts) ->
    Texts = [Text || Part <- Parts, Text <- [text(Part)], Text =/= none],
    ?LOG(Level, "~ts", [lists:join("\n", Texts)]).

text(report) -> shown(headroom_inventory:report(ascii));
text(trend) -> shown(headroom_trend:text(ascii));
text(holders) -> headroom_trend:holders_text().

shown(Text) when is_binary(Text) -> Text;
shown(_) -> none.

held_by(Level) when Level =:= warning; Level =:= critical ->
    case headroom_trend:holder() of
        none -> "";
        Holder -> [" held by: ", Holder]
    end;
held_by(_) ->
    "".

measurements(Used, undefined) -> #{used => Used};
measurements(Used, Limit) -> #{used => Used, limit => Limit}.

log_level(critical) -> critical;
log_level(warning) -> warning;
log_level(_) -> notice.

number(critical) -> 2;
number(warning) -> 1;
number(true) -> 1;
number(_) -> 0.

has_telemetry() ->
    erlang:function_exported(telemetry, execute, 3).

%% By a variable: it is no dependency.
execute(Event, Measurements, Metadata) ->
    Telemetry = telemetry,
    case has_telemetry() of
        true -> Telemetry:execute(Event, Measurements, Metadata);
        false -> ok
    end.
