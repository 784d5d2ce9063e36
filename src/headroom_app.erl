%% @private
%% The application: loads and warms everything that an incident needs, takes the configuration over.
-module(headroom_app).

-behaviour(application).
-behaviour(supervisor).

-export([start/2, stop/1]).
-export([init/1]).

-include_lib("kernel/include/logger.hrl").

start(_Type, _Args) ->
    headroom_preload:run(),
    case headroom_nif:load_status() of
        ok ->
            case headroom_config:load() of
                ok ->
                    headroom_beam:warm(),
                    headroom_exposure:warm(),
                    harden();
                {error, _} = Error ->
                    Error
            end;
        {error, Reason} ->
            ?LOG_WARNING("headroom answers nothing: ~0p", [Reason]),
            start_supervisor()
    end.

stop(_State) ->
    ok.

harden() ->
    case headroom_hazards:harden_at_start() of
        ok -> start_supervisor();
        {error, _} = Error -> Error
    end.

start_supervisor() ->
    supervisor:start_link({local, headroom_sup}, ?MODULE, []).

init([]) ->
    {ok, {#{strategy => one_for_one, intensity => 3, period => 60}, []}}.
