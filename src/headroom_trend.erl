%% @private
%% Asks the library about the watched node: samples, trends, metrics. The memory is there; this holds none.
-module(headroom_trend).

-export([sample/1, look/0, sketch/0]).
-export([data/0, json/0, text/1, chart/0]).
-export([metrics/0, prometheus/0]).
-export([holder/0, groups/0, holders_text/0]).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

%% Takes a sample. One that is due in so many milliseconds belongs to the same memory as those before.
-spec sample(pos_integer()) -> map() | unavailable().
sample(Interval) ->
    measured(fun(Vitals, Ets, Patience) -> headroom_nif:sample(Vitals, Ets, Interval, Patience) end).

%% Whether descriptors or ports grow, and the alarms that the trends raise or clear now.
-spec look() -> {boolean(), [{headroom:name(), boolean(), binary()}]}.
look() ->
    try
        headroom_nif:trends(now_ms())
    catch
        error:{nif_not_loaded, _} -> {false, []}
    end.

-spec sketch() -> map() | unavailable().
sketch() ->
    measured(fun headroom_nif:sketch/3).

-spec data() -> map() | {error, not_watched} | unavailable().
data() ->
    watched(fun() -> headroom_nif:trend_data(now_ms()) end).

-spec json() -> binary() | {error, not_watched} | unavailable().
json() ->
    watched(fun() -> headroom_nif:trend_json(now_ms()) end).

-spec text(ascii | unicode) -> binary() | {error, not_watched} | unavailable().
text(Charset) ->
    watched(fun() -> headroom_nif:trend_text(now_ms(), Charset) end).

-spec chart() -> binary() | {error, not_watched} | unavailable().
chart() ->
    watched(fun() -> headroom_nif:trend_chart(now_ms()) end).

-spec metrics() -> [map()] | unavailable().
metrics() ->
    measured(fun(Vitals, Ets, Patience) -> headroom_nif:metrics(data, Vitals, Ets, Patience) end).

-spec prometheus() -> binary() | unavailable().
prometheus() ->
    measured(fun(Vitals, Ets, Patience) -> headroom_nif:metrics(text, Vitals, Ets, Patience) end).

watched(Ask) ->
    case headroom_ask:with_library(Ask) of
        not_watched -> {error, not_watched};
        Answer -> Answer
    end.

measured(Ask) ->
    headroom_ask:with_library(fun() ->
        Vitals = headroom_beam:vitals(headroom_config:thresholds()),
        Ets = erlang:system_info(ets_count),
        headroom_ask:kept(fun(Patience) -> Ask(Vitals, Ets, Patience) end, recent)
    end).

now_ms() ->
    erlang:system_time(millisecond).

%% What holds most descriptors now, in a few words; noted for the record and for other nodes.
-spec holder() -> binary() | none.
holder() ->
    case headroom_inventory:inventory(#{top => 1, sample => 0}) of
        #{holders := [First | _], total := Total} ->
            Holder = named(First, Total),
            ok = headroom_nif:note_holder(Holder),
            Holder;
        _ ->
            none
    end.

%% Notes who holds how many descriptors, to tell later which group grew.
-spec groups() -> ok.
groups() ->
    case headroom_inventory:inventory(#{top => 16, sample => 0}) of
        #{holders := Holders} ->
            Groups = [{Group, Count, idle(Holder)} || #{group := Group, count := Count} = Holder <- Holders],
            headroom_nif:note_groups(Groups);
        _ -> ok
    end.

idle(#{idle := #{beyond := Beyond}}) -> Beyond;
idle(_) -> undefined.

named(#{group := Group, message := <<>>, count := Count}, Total) ->
    unicode:characters_to_binary(io_lib:format("~ts: ~b of ~b descriptors", [Group, Count, Total]));
named(#{group := Group, message := Message}, _Total) ->
    <<Group/binary, ": ", Message/binary>>.

-spec holders_text() -> binary() | none.
holders_text() ->
    case headroom_inventory:text(#{}) of
        Text when is_binary(Text) -> Text;
        _ -> none
    end.
