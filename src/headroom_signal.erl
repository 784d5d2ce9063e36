%% @private
%% `kill -USR2': the operator's last word to a node that nobody can enter. Report, holders and trend go to the log, and
%% what is held back is given back.
%%
%% A VM that handles no such signal dies of it. So it is ignored from the stop of the application on, never left to the
%% default again: somebody may still have the command in his hand.
-module(headroom_signal).

-behaviour(gen_event).

-export([arm/1, disarm/0]).
-export([init/1, handle_event/2, handle_call/2]).

%% How long the server of signals is waited for, in milliseconds.
-define(PATIENCE, 5000).

%% Other handlers of the server see the signal, too, and do nothing with this one.
-spec arm(sigusr2 | false) -> ok.
arm(false) ->
    ok;
arm(sigusr2) ->
    try
        {ok, ok} = headroom_deadline:run(fun add_handler/0, ?PATIENCE),
        ok = os:set_signal(sigusr2, handle),
        headroom_held:note_signal(true)
    catch
        %% Not on this system, or nobody serves signals, or the one who does is stuck.
        _:_ -> ok
    end.

-spec disarm() -> ok.
disarm() ->
    case headroom_held:signal() of
        true ->
            ok = os:set_signal(sigusr2, ignore),
            %% Where there is no room for a process the handler stays: what it would do is ignored by now.
            _ = headroom_deadline:run(fun() -> gen_event:delete_handler(erl_signal_server, ?MODULE, []) end, ?PATIENCE),
            headroom_held:note_signal(false);
        false ->
            ok
    end.

add_handler() ->
    case lists:member(?MODULE, gen_event:which_handlers(erl_signal_server)) of
        true -> ok;
        false -> gen_event:add_handler(erl_signal_server, ?MODULE, [])
    end.

init([]) ->
    {ok, no_state}.

%% Two messages: the room must come back even where the log is stuck.
handle_event(sigusr2, State) ->
    _ = [headroom_watch ! signal || is_pid(erlang:whereis(headroom_watch))],
    headroom_voice:called(),
    {ok, State};
handle_event(_Other, State) ->
    {ok, State}.

handle_call(_Request, State) ->
    {ok, {error, unknown_call}, State}.
