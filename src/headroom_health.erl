-module(headroom_health).

-export([response/0]).

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
