%% @private
%% The guard of the reserve: a thread of the native library that gives the descriptors back without the VM, where a listener
%% of the distribution that spins, or anything else, keeps a lone scheduler busy.
%%
%% Here is only what it is told: what to look for, which sockets are the distribution's, how much is held.
-module(headroom_guard).

-export([stand/0, dismiss/0, gave/0]).

%% Sets it as it is configured, while something is held; the same again changes nothing.
-spec stand() -> ok | {error, binary()}.
stand() ->
    case {headroom_config:release_on(), headroom_held:fds()} of
        {false, _} -> dismiss();
        {_, 0} -> dismiss();
        {On, Held} -> guard(On, listeners(), Held)
    end.

-spec dismiss() -> ok.
dismiss() ->
    headroom_nif:guard(off, [], 0).

%% What it gave back since this was asked last, and when.
-spec gave() -> undefined | {{ok, non_neg_integer()} | {error, term()}, non_neg_integer()}.
gave() ->
    headroom_nif:gave().

guard(On, Listeners, Held) ->
    case headroom_nif:guard(On, Listeners, Held) of
        unkept ->
            ok = headroom_beam:keep(),
            headroom_nif:guard(On, Listeners, Held);
        Set ->
            Set
    end.

listeners() ->
    [Fd || Port <- headroom_exposure:listeners(), {ok, Fd} <- [prim_inet:getfd(Port)]].
