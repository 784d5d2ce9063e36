%% @private
%% Changes of the soft limit of descriptors, each made in the caller.
-module(headroom_nofile).

-export([raise/1, clamp/0]).

%% What the native library can read; no kernel accepts as much.
-define(MOST, 16#FFFFFFFFFFFFFFFF).

%% The limits alone are needed, so nothing has to be counted first.
-spec raise(non_neg_integer() | max) -> {ok, map()} | {error, term()}.
raise(Wanted) when is_integer(Wanted), Wanted >= 0 ->
    change({raise, min(Wanted, ?MOST)});
raise(max) ->
    change({raise, max});
raise(_) ->
    erlang:error(badarg).

-spec clamp() -> {ok, map()} | {error, term()}.
clamp() ->
    change(clamp).

change(Change) ->
    headroom_ask:with_library(fun() -> headroom_ask:change(Change, never) end).
