%% @private
%% What a release needs before it may start: asked for in a call, or by the application's environment at its start.
-module(headroom_requirement).

-export([check/1, assert/1, boot/0, child/1]).
-export([bad_configuration/1]).

-include_lib("kernel/include/logger.hrl").

%% EX_CONFIG of sysexits.h: starting again without a change is of no use.
-define(STATUS, 78).

-type bad() :: {bad_requirement, term(), binary()}.

-spec check(headroom:requirements()) -> ok | {error, [headroom:finding()] | bad() | {nif_not_loaded, term()}}.
check(Required) ->
    case headroom_ask:requirement(Required) of
        met -> ok;
        {unmet, Findings, _Text} -> {error, Findings};
        {bad_requirement, _, _} = Bad -> {error, Bad};
        {error, _} = Error -> Error
    end.

-spec assert(headroom:requirements()) -> ok | {error, {nif_not_loaded, term()}}.
assert(Required) ->
    case headroom_ask:requirement(Required) of
        met ->
            ok;
        {unmet, _Findings, Text} ->
            refuse(Text);
        {bad_requirement, Key, Why} ->
            refuse(format("headroom: bad requirement ~0tp: ~ts~n", [Key, Why]));
        {error, Reason} = Error ->
            ok = say(unchecked(Reason)),
            Error
    end.

%% What the environment requires, once, when the application starts. A bad option is named, also when all is met.
-spec boot() -> ok | {error, term()}.
boot() ->
    case {application:get_env(headroom, require), on_unmet()} of
        {_, {error, _} = Error} -> Error;
        {undefined, _} -> ok;
        {{ok, Required}, OnUnmet} -> boot(Required, OnUnmet)
    end.

boot(Required, OnUnmet) ->
    try headroom_ask:requirement(Required) of
        met -> ok;
        {unmet, Findings, Text} -> unmet(OnUnmet, {unmet, Findings}, Text);
        {bad_requirement, _, _} = Bad -> {error, Bad};
        {error, Reason} -> unmet(OnUnmet, Reason, unchecked(Reason))
    catch
        error:badarg -> {error, {bad_option, require, <<"neither a map nor a list of pairs">>}}
    end.

%% The same where a supervisor asks at its start. Only where the node ends of it anyway it is halted here: nobody else could
%% make 78 of it.
-spec child(headroom:requirements()) ->
    ignore | {error, {unmet, [headroom:finding()]} | bad() | {bad_option, on_unmet, binary()} | {nif_not_loaded, term()}}.
child(Required) ->
    case {headroom_ask:requirement(Required), on_unmet()} of
        {_, {error, Bad}} -> bad_configuration(Bad);
        {met, _} -> ignore;
        {{unmet, Findings, Text}, OnUnmet} -> child_unmet(OnUnmet, {unmet, Findings}, Text);
        {{bad_requirement, _, _} = Bad, _} -> bad_configuration(Bad);
        {{error, Reason}, OnUnmet} -> child_unmet(OnUnmet, Reason, unchecked(Reason))
    end.

child_unmet(warn, Reason, Text) ->
    ok = unmet(warn, Reason, Text),
    ignore;
child_unmet(stop, Reason, Text) ->
    unmet(stop, Reason, Text);
child_unmet(Halt, Reason, Text) ->
    case node_ends() of
        true -> halt_unmet(Halt, Text);
        false -> {error, Reason}
    end.

%% A start that cannot be: where the node ends of it anyway, one sentence instead of the reports of its supervisors.
-spec bad_configuration(Bad) -> {error, Bad} when Bad :: {atom(), term(), binary()}.
bad_configuration({_Kind, Key, Why} = Bad) ->
    case node_ends() of
        true -> refuse(format("headroom: bad configuration, ~0tp: ~ts~nexit status ~b~n", [Key, Why, ?STATUS]));
        false -> {error, Bad}
    end.

%% Whether the node ends when this start fails: the application that starts here is a permanent one, as in a release.
node_ends() ->
    Starting = proplists:get_value(starting, application:info(), []),
    case application:get_application() of
        {ok, App} -> [permanent || {A, permanent, _, _} <- Starting, A =:= App] =/= [];
        undefined -> false
    end.

unmet(stop, Reason, Text) -> ?LOG_ERROR("~ts", [Text]), {error, Reason};
unmet(warn, _Reason, Text) -> ?LOG_WARNING("~ts", [Text]);
unmet(Halt, _Reason, Text) -> halt_unmet(Halt, Text).

-spec halt_unmet(halt | {halt, string()}, binary()) -> no_return().
halt_unmet(halt, Text) -> refuse([Text, hint()]);
halt_unmet({halt, Word}, Text) -> refuse([Text, taken_as_halt(Word), hint()]).

%% The variable wins. A word in it that is none of ours must not start a node that would have been refused.
on_unmet() ->
    case os:getenv("HEADROOM_ON_UNMET", "") of
        "" -> on_unmet(application:get_env(headroom, on_unmet, halt));
        "halt" -> halt;
        "stop" -> stop;
        "warn" -> warn;
        Word -> {halt, Word}
    end.

on_unmet(What) when What =:= halt; What =:= stop; What =:= warn -> What;
on_unmet(_) -> {error, {bad_option, on_unmet, <<"neither halt, stop nor warn">>}}.

taken_as_halt(Word) ->
    format("HEADROOM_ON_UNMET is ~0tp, neither halt, stop nor warn: taken as halt~n", [Word]).

hint() ->
    format("exit status ~b; HEADROOM_ON_UNMET=warn starts the node all the same~n", [?STATUS]).

unchecked(Reason) ->
    format("headroom: the requirements cannot be checked: ~0tp~n", [Reason]).

%% A text that is cut at an odd character is better than none.
-spec format(string(), [term()]) -> binary().
format(Format, Args) ->
    case unicode:characters_to_binary(io_lib:format(Format, Args)) of
        Text when is_binary(Text) -> Text;
        {_, Text, _} -> Text
    end.

%% Without flushing: a port whose reader stands still would hold the halt for ever.
-spec refuse(iodata()) -> no_return().
refuse(Text) ->
    ok = say(iolist_to_binary(Text)),
    erlang:halt(?STATUS, [{flush, false}]).

say(Text) ->
    try headroom_nif:last_words(Text) of
        _ -> ok
    catch
        error:{nif_not_loaded, _} -> say_by_device(Text)
    end.

%% Nothing but the VM's own device is left, and it may stand still.
say_by_device(Text) ->
    {Writer, Ref} = spawn_monitor(fun() ->
        ok = io:put_chars(standard_error, Text),
        await_written()
    end),
    receive
        {'DOWN', Ref, process, Writer, _} -> ok
    after 1000 ->
        true = erlang:demonitor(Ref, [flush]),
        true = exit(Writer, kill),
        ok
    end.

%% Up to OTP 27 the device answers before its port, of this name, has written.
await_written() ->
    Devices = [Port || Port <- erlang:ports(), erlang:port_info(Port, name) =:= {name, "2/2"}],
    case [Port || Port <- Devices, erlang:port_info(Port, queue_size) =/= {queue_size, 0}] of
        [] -> ok;
        _ -> receive after 10 -> await_written() end
    end.
