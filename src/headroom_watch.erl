%% @private
%% The one clock: takes a sample in each interval and hands what it brought to whoever wants it.
%%
%% What is remembered lives in the native library, so that a new process goes on where its predecessor ended. Nothing here
%% waits: what can, the log, telemetry, a file, belongs to a process of its own. It opens nothing and starts no process.
-module(headroom_watch).

-behaviour(gen_server).

-export([start_link/1, sketch/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% The trends move slowly: they are looked at every so many samples.
-define(LOOK_EVERY, 10).
%% Who holds descriptors is looked at every so many samples: rarely, and more often while they grow.
-define(GROUPS_EVERY, 900).
-define(GROWING_GROUPS_EVERY, 30).
%% Ids of our alarms.
-define(LEVEL, {headroom, level}).
-define(FULL(Name), {headroom, {full, Name}}).

-type options() :: #{interval := pos_integer(), report_every := non_neg_integer()}.
-export_type([options/0]).

-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(Options) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Options, []).

%% What another node is told of this one.
-spec sketch() -> map() | {error, term()}.
sketch() ->
    headroom_trend:sketch().

init(#{interval := Interval} = Options) ->
    %% The first one at once; those after it at whole intervals from here, however late one of them comes.
    Now = erlang:monotonic_time(millisecond),
    self() ! {tick, Now},
    {ok, Options#{interval := Interval, ticks => 0, reported => never}}.

%% Asked by message from another node: that needs no process here.
handle_call(sketch, _From, State) ->
    {reply, sketch(), State};
handle_call(_Request, _From, State) ->
    {reply, {error, unknown_call}, State}.

handle_cast(_Request, State) ->
    {noreply, State}.

handle_info({tick, Due}, #{interval := Interval} = State) ->
    Next = next(Due, erlang:monotonic_time(millisecond), Interval),
    _ = erlang:send_after(Next, self(), {tick, Next}, [{abs, true}]),
    {noreply, tick(State)};
%% SIGUSR2: what is held back is given back here, whatever the log does meanwhile.
handle_info(signal, State) ->
    _ = headroom_reserve:release(),
    {noreply, State};
handle_info(_Other, State) ->
    {noreply, State}.

terminate(_Reason, _State) ->
    ok.

%% What is late is left out, not made up for.
next(Due, Now, Interval) when Due + Interval > Now -> Due + Interval;
next(Due, Now, Interval) -> Due + ((Now - Due) div Interval + 1) * Interval.

tick(#{interval := Interval, ticks := Ticks} = State) ->
    _ = headroom_status_file:tick(),
    gave_back(headroom_reserve:tick()),
    Sampled = headroom_trend:sample(Interval),
    Counted = State#{ticks := Ticks + 1},
    case Sampled of
        #{turn := Turn, emptied := Emptied, used := Used} ->
            headroom_voice:measured(Used),
            %% The line of a turn has it, too.
            _ = [headroom_voice:emptied() || Emptied =/= [], Turn =:= undefined],
            looked(turned(Turn, Counted));
        {error, _} ->
            Counted
    end.

gave_back(none) -> ok;
gave_back(Gave) -> headroom_voice:gave_back(Gave).

turned(undefined, State) ->
    State;
turned(#{from := From, to := To, line := Line}, State) ->
    _ = alarm(?LEVEL, To =:= warning orelse To =:= critical, Line),
    {Report, Reported} = reports(To, State),
    headroom_voice:turned(From, To, Line, Report),
    State#{reported := Reported}.

%% At critical the whole report, but no more often than is wanted: a level that comes and goes fills no disk.
reports(critical, #{reported := Reported, report_every := Every}) ->
    Now = erlang:monotonic_time(millisecond),
    case Reported =:= never orelse Now - Reported >= Every of
        true -> {true, Now};
        false -> {false, Reported}
    end;
reports(_, #{reported := Reported}) ->
    {false, Reported}.

looked(#{ticks := Ticks} = State) when Ticks rem ?LOOK_EVERY =:= 0 ->
    {Growing, Alarms} = headroom_trend:look(),
    _ = [headroom_voice:grouped() || is_due(Growing, Ticks)],
    lists:foreach(
        fun({Name, Raised, Line}) ->
            _ = alarm(?FULL(Name), Raised, Line),
            headroom_voice:alarmed(Name, Raised, Line)
        end,
        Alarms),
    State;
looked(State) ->
    State.

is_due(_, ?LOOK_EVERY) -> true;
is_due(true, Ticks) -> Ticks rem ?GROWING_GROUPS_EVERY =:= 0;
is_due(false, Ticks) -> Ticks rem ?GROUPS_EVERY =:= 0.

%% Only where SASL runs, and by message alone.
alarm(Id, Raised, Line) ->
    case erlang:whereis(alarm_handler) of
        undefined -> ok;
        _ when Raised ->
            ok = gen_event:notify(alarm_handler, {clear_alarm, Id}),
            gen_event:notify(alarm_handler, {set_alarm, {Id, Line}});
        _ -> gen_event:notify(alarm_handler, {clear_alarm, Id})
    end.
