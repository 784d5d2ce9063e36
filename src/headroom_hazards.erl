%% @private
%% What would hurt this node at exhaustion, and the little that can be done about it while it runs. The core decides what
%% is done; here it is done.
-module(headroom_hazards).

-export([hazards/0, harden/0, harden_at_start/0]).

-include_lib("kernel/include/logger.hrl").
-include_lib("kernel/include/file.hrl").

-type unavailable() :: {error, {nif_not_loaded, term()}}.

-spec hazards() -> [headroom:finding()] | unavailable().
hazards() ->
    headroom_view:with_library(fun() -> ask(fun headroom_nif:hazards/3) end).

-spec harden() -> {ok, [headroom:hardened()]} | unavailable().
harden() ->
    headroom_view:with_library(fun() ->
        #{hazards := Hazards, start_resolver := Resolver, load_modules := Modules} = ask(fun headroom_nif:harden_plan/3),
        Attempts = #{hazards => Hazards, modules => load_modules(Modules), resolver => start_resolver(Resolver)},
        {ok, ask(fun(Beam, Thresholds, Patience) -> headroom_nif:hardened(Beam, Thresholds, Patience, Attempts) end)}
    end).

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

ask(Ask) ->
    headroom_view:ask(Ask, (headroom_beam:facts(no_sockets))#{exposure => headroom_exposure:facts()}, fresh).

load_modules(true) ->
    ok = headroom_preload:run(),
    made;
load_modules(false) ->
    not_made.

%% The lookup of an address in digits reaches the helper, so that it is known to work, and no file or network.
start_resolver(true) ->
    case has_program() of
        true ->
            try inet_gethost_native:gethostbyname("127.0.0.1") of
                {ok, _} -> made;
                {error, _} -> failed
            catch
                _:_ -> failed
            end;
        false ->
            no_program
    end;
start_resolver(false) ->
    not_made.

%% Looked for beforehand: without the program the attempt would halt the node.
has_program() ->
    {ok, [Folder]} = init:get_argument(bindir),
    case file:read_file_info(filename:join(Folder, "inet_gethost"), [raw]) of
        {ok, #file_info{type = regular, mode = Mode}} -> Mode band 8#111 =/= 0;
        _ -> false
    end.
