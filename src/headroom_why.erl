%% @private
%% Asks the core why a call failed, about the facts of this moment.
-module(headroom_why).

-export([diagnose/3, explain/3]).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

-spec diagnose(term(), headroom:operation(), boolean()) -> headroom:verdict() | unavailable().
diagnose(Reason, Operation, Probe) ->
    ask(fun headroom_nif:diagnose/6, Reason, Operation, Probe).

-spec explain(term(), headroom:operation(), boolean()) -> binary() | unavailable().
explain(Reason, Operation, Probe) ->
    ask(fun headroom_nif:explain_text/6, Reason, Operation, Probe).

ask(How, Reason, Operation, Probe) ->
    headroom_view:with_library(fun() ->
        Beam = headroom_beam:facts(no_sockets),
        Thresholds = headroom_config:thresholds(),
        Ask = fun(Patience) -> How(Reason, Operation, Probe, Beam, Thresholds, Patience) end,
        try
            headroom_view:counted(Ask, fresh)
        catch
            %% An unknown operation; the arguments of the library's function would fill the caller's screen.
            error:badarg -> erlang:error(badarg)
        end
    end).
