%% @private
%% Does the little that can be done about hazards while the node runs. The core decides what is done; here it is done.
-module(headroom_harden).

-export([harden/0, harden_at_start/0]).

-include_lib("kernel/include/logger.hrl").

%% How long the loading of modules may take.
-define(PATIENCE, 5000).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

-spec harden() -> {ok, [headroom:hardened()]} | unavailable().
harden() ->
    headroom_ask:with_library(fun() ->
        Exposure = headroom_exposure:facts(),
        #{hazards := Hazards, start_resolver := Start, load_modules := Load} = plan(Exposure),
        %% First what may halt the node: what was true of its room is not for long.
        {Resolver, Refusal} = start_resolver(Start, Exposure),
        Attempts = #{hazards => Hazards, resolver => Resolver, refusal => Refusal, modules => load_modules(Load)},
        {ok, ask({hardened, Attempts}, headroom_exposure:facts())}
    end).

plan(Exposure) ->
    ask(harden_plan, Exposure).

%% As the environment asks for it; says in the log what was done.
-spec harden_at_start() -> ok | {error, {bad_option, harden, binary()}}.
harden_at_start() ->
    case headroom_config:harden() of
        true ->
            {ok, Outcome} = harden(),
            lists:foreach(fun tell/1, Outcome);
        false ->
            ok;
        {error, _} = Error ->
            Error
    end.

tell(#{hazard := Hazard, done := true, note := Note}) ->
    ?LOG_NOTICE("headroom hardened the node: ~ts: ~ts", [Hazard, Note]);
tell(#{hazard := Hazard, note := Note}) when Hazard =:= resolver_not_started; Hazard =:= formatters_not_loaded ->
    ?LOG_WARNING("headroom could not harden the node: ~ts: ~ts", [Hazard, Note]);
tell(_) ->
    ok.

ask(Question, Exposure) ->
    headroom_ask:ask(Question, (headroom_beam:facts(no_sockets))#{exposure => Exposure}, fresh).

start_resolver(true, Exposure) ->
    case headroom_helper:start(fun() -> maps:get(start_resolver, plan(Exposure)) end) of
        {refused, Reason} -> {refused, Reason};
        Attempt -> {Attempt, undefined}
    end;
start_resolver(false, _Exposure) ->
    {not_made, undefined}.

%% A file system that hangs holds the code server, too.
load_modules(true) ->
    case headroom_deadline:run(fun headroom_preload:run/0, ?PATIENCE) of
        {ok, ok} -> made;
        {error, timeout} -> no_answer;
        {error, _} -> failed
    end;
load_modules(false) ->
    not_made.
