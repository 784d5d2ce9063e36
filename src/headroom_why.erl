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
    Ask = fun(Beam, Thresholds, Patience) -> How(Reason, Operation, Probe, Beam, Thresholds, Patience) end,
    headroom_view:with_library(fun() -> headroom_view:ask(Ask, headroom_beam:facts(no_sockets), fresh) end).
