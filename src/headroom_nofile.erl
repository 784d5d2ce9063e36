%% @private
%% Changes of the soft limit of descriptors that anybody can ask for. Each is made in the caller.
-module(headroom_nofile).

-export([raise/1, clamp/0]).

%% What the native library can read; no kernel accepts as much.
-define(MOST, 16#FFFFFFFFFFFFFFFF).

-spec raise(non_neg_integer() | max) -> {ok, map()} | {error, term()}.
raise(Wanted) when is_integer(Wanted), Wanted >= 0 ->
    change(fun() -> ask(min(Wanted, ?MOST)) end);
raise(max) ->
    change(fun() -> ask(max) end);
raise(_) ->
    erlang:error(badarg).

-spec clamp() -> {ok, map()} | {error, term()}.
clamp() ->
    change(fun() -> headroom_nif:clamp_nofile(headroom_beam:max_fds(), headroom_held:fds()) end).

ask(Wanted) ->
    headroom_nif:raise_nofile(Wanted, headroom_beam:facts(no_sockets), headroom_config:thresholds()).

change(Change) ->
    headroom_view:with_library(fun() ->
        Result = Change(),
        ok = headroom_held:note_fds(),
        Result
    end).
