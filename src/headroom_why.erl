%% @private
%% Asks the core why a call failed, about the facts of this moment.
-module(headroom_why).

-export([diagnose/3, explain/3]).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

%% A longer text is read where no process waits for a scheduler meanwhile.
-define(SHORT, 4096).

-spec diagnose(term(), headroom:operation(), boolean()) -> headroom:verdict() | unavailable().
diagnose(Reason, Operation, Probe) ->
    ask(fun headroom_nif:diagnose/6, fun headroom_nif:diagnose_long/6, Reason, Operation, Probe).

-spec explain(term(), headroom:operation(), boolean()) -> binary() | unavailable().
explain(Reason, Operation, Probe) ->
    ask(fun headroom_nif:explain_text/6, fun headroom_nif:explain_text_long/6, Reason, Operation, Probe).

ask(How, HowLong, Given, Operation, Probe) ->
    {Length, Reason} = measured(Given),
    Chosen = case Length of short -> How; long -> HowLong end,
    Ask = fun(Beam, Thresholds, Patience) -> Chosen(Reason, Operation, Probe, Beam, Thresholds, Patience) end,
    headroom_view:with_library(fun() -> headroom_view:ask(Ask, headroom_beam:facts(no_sockets), fresh) end).

%% A long list of characters becomes a binary: as a list only its beginning would be looked at.
measured(Text) when is_binary(Text), byte_size(Text) > ?SHORT ->
    {long, Text};
measured([C | _] = List) when is_integer(C), C >= 0, length(List) > ?SHORT div 4 ->
    try unicode:characters_to_binary(List) of
        Text when is_binary(Text) -> measured(Text);
        _ -> {short, List}
    catch
        error:badarg -> {short, List}
    end;
measured(Reason) ->
    {short, Reason}.
