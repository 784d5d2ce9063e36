-module(headroom_prometheus).

-export([register/0]).
-export([collect_mf/2, deregister_cleanup/1]).

-include("headroom_doc.hrl").

%% As `prometheus_collector' of prometheus.erl has it, which headroom does not depend on.

?MODULEDOC("""
A collector for prometheus.erl, where a node has that already: its endpoint then tells headroom:metrics/0, too.

`headroom_prometheus:register().` once, after both applications were started. With RabbitMQ:
`rabbitmqctl eval 'headroom_prometheus:register().'`, and its own endpoint has them.
""").

?DOC("""
Registers the collector in the default registry of prometheus.erl: `{error, no_prometheus}` if that is not there.
""").
-spec register() -> ok | {error, no_prometheus}.
register() ->
    case code:ensure_loaded(prometheus_registry) of
        {module, Registry} -> Registry:register_collector(?MODULE);
        {error, _} -> {error, no_prometheus}
    end.

?DOC("""
Hands each metric to a scrape, as prometheus.erl asks for it.
""").
-spec collect_mf(term(), fun((term()) -> term())) -> ok.
collect_mf(_Registry, Callback) ->
    Model = prometheus_model_helpers,
    case headroom_trend:metrics() of
        Metrics when is_list(Metrics) ->
            lists:foreach(
                fun(#{name := Name, help := Help, kind := Kind, samples := Samples}) ->
                    Callback(Model:create_mf(Name, Help, Kind, [value(Model, Kind, Sample) || Sample <- Samples]))
                end,
                [Metric || Metric <- Metrics, not is_elsewhere(Metric)]);
        {error, _} ->
            ok
    end.

%% A name that two collectors tell is one that a scrape refuses.
is_elsewhere(#{name := <<"process_", _/binary>>}) -> erlang:module_loaded(prometheus_process_collector);
is_elsewhere(_) -> false.

value(Model, gauge, #{labels := Labels, value := Value}) -> Model:gauge_metric(Labels, Value);
value(Model, counter, #{labels := Labels, value := Value}) -> Model:counter_metric(Labels, Value).

?DOC("""
There is nothing to clean up.
""").
-spec deregister_cleanup(term()) -> ok.
deregister_cleanup(_Registry) ->
    ok.
