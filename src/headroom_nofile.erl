%% @private
%% Changes of the soft limit of descriptors, each made in the caller, and what to change before the next start.
-module(headroom_nofile).

-export([raise/1, clamp/0, boot_advice/0]).

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

-spec boot_advice() -> [headroom:boot_line()] | {error, term()}.
boot_advice() ->
    headroom_view:with_library(fun() ->
        headroom_view:ask(fun headroom_nif:boot_advice/3, headroom_beam:facts(no_sockets), fresh)
    end).

ask(Wanted) ->
    headroom_nif:raise_nofile(Wanted, headroom_beam:facts(no_sockets), headroom_config:thresholds()).

change(Change) ->
    headroom_view:with_library(fun() ->
        Result = Change(),
        ok = headroom_held:note_fds(),
        Result
    end).
