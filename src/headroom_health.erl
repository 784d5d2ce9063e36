-module(headroom_health).

-export([response/0, metrics_response/0]).

-include("headroom_doc.hrl").

?MODULEDOC("""
Health for probes over HTTP, as data for any web handler.
""").

?DOC("""
Status, headers and body of the answer to a probe: 200 while the level is ok or warning, 503 when it is critical.

The body is JSON with the level and the findings that raised it. Without the native library the level is not known:
that is 503, too, and the word is unknown. Opens nothing, spawns nothing; it costs a few times health/0.
""").
-spec response() -> {200 | 503, [{binary(), binary()}], binary()}.
response() ->
    case headroom_ask:health_json() of
        {critical, Json} -> response(503, Json);
        {error, _} -> response(503, <<"{\"level\":\"unknown\",\"findings\":[]}">>);
        {_OkOrWarning, Json} -> response(200, Json)
    end.

response(Status, Json) ->
    {Status, [{<<"content-type">>, <<"application/json">>}, {<<"cache-control">>, <<"no-store">>}], Json}.

?DOC("""
Status, headers and body of the answer to a scrape: 200 with headroom:prometheus/0, 503 without the native library.
""").
-spec metrics_response() -> {200 | 503, [{binary(), binary()}], binary()}.
metrics_response() ->
    case headroom_trend:prometheus() of
        Text when is_binary(Text) ->
            {200, [{<<"content-type">>, <<"text/plain; version=0.0.4; charset=utf-8">>},
                   {<<"cache-control">>, <<"no-store">>}], Text};
        {error, _} ->
            {503, [{<<"content-type">>, <<"text/plain; charset=utf-8">>}, {<<"cache-control">>, <<"no-store">>}],
             <<"the native library of headroom is not loaded\n">>}
    end.
