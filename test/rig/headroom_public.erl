%% Each exported function of `headroom' with arguments to call it with: what "every public call" means in the suites.
%%
%% A function that is added to the door needs an entry here; headroom_public_tests fails until it has one. The kinds:
%%   data      answers, and changes nothing: no side effect, no module loaded
%%   prints    the same, and prints
%%   changes   does something by design. At exhaustion it may answer {error, Reason}; it never throws
%%   starts    starts the application: for a node that has room
-module(headroom_public).

-export([calls/0, missing/0, call_all/1, failures/1, loading/1]).

-type kind() :: data | prints | changes | starts.
-type call() :: {Function :: atom(), Args :: [term()], kind()}.

-spec calls() -> [call()].
calls() ->
    [{report, [], prints},
     {report_text, [], data},
     {snapshot, [], data},
     {snapshot, [json], data},
     {health, [], data},
     {capacity, [], data},
     {capacity, [gen_tcp], data},
     {capacity, [socket], data},
     {capacity, [file], data},
     {capacity, [port_program], data},
     {version, [], data},
     {diagnose, [emfile], data},
     {diagnose, [{error, system_limit}, accept], data},
     {diagnose, [enfile, socket, #{probe => true}], data},
     {diagnose, [<<"Too many processes">>, undefined, #{probe => false}], data},
     {explain, [emfile], prints},
     {explain, [system_limit, open_port], prints},
     {explain_text, [enfile], data},
     {explain_text, [emfile, file], data},
     {show, [{ok, #{fds => 0, ports => 0}}], prints},
     {show, [{no, answer, "of", headroom}], prints},
     {hazards, [], data},
     {boot_advice, [], data},
     {plan, [#{sessions => 50000}], data},
     {holders, [], prints},
     {holders, [#{top => 3, addresses => false}], prints},
     {inventory, [], data},
     {inventory, [#{kind => tcp, details => true, idle_ms => 1}], data},
     {relief, [], data},
     {close, [{close_wait, <<"nobody">>}], changes},
     {trend, [], prints},
     {trend_data, [], data},
     {chart, [svg], data},
     {metrics, [], data},
     {prometheus, [], data},
     {cluster, [], prints},
     {cluster, [#{timeout => 100}], prints},
     {cluster_data, [], data},
     {cluster_data, [#{nodes => [nobody@nowhere]}], data},
     {harden, [], changes},
     {raise_nofile, [max], changes},
     {clamp_nofile, [], changes},
     {reserve, [#{fds => 2, ports => 2}], changes},
     {release, [], changes},
     {check, [#{fds => 1, ports => #{min => 1, max => 1 bsl 40, free => 0}}], data},
     {check, [#{fds => 1 bsl 40, ports => #{max => 1, free => 1 bsl 40}}], changes},
     {assert, [[{fds, 1}]], data},
     {start, [], starts}].

%% Exported and not in the table, or in the table and not exported.
-spec missing() -> [{atom(), arity()}].
missing() ->
    Exported = [Export || {Name, _} = Export <- headroom:module_info(exports), Name =/= module_info],
    Called = [{Function, length(Args)} || {Function, Args, _} <- calls()],
    (Exported -- Called) ++ [Call || Call <- Called, not lists:member(Call, Exported)].

%% Each call of these kinds with what it answered. An exception is one of the answers.
-spec call_all([kind()]) -> [{call(), {ok, term()} | {atom(), term(), list()}}].
call_all(Kinds) ->
    [{Call, try_call(Call)} || {_, _, Kind} = Call <- calls(), lists:member(Kind, Kinds)].

%% Those of the answers that are none. Printing calls answer ok. No call throws, and only those that change something may
%% answer an error.
failures(Answers) ->
    [Answer || {{_, _, Kind}, Outcome} = Answer <- Answers, not is_answer(Kind, Outcome)].

is_answer(changes, Outcome) -> element(1, Outcome) =:= ok;
%% A library that has just come knows nothing of the time before it, and says so.
is_answer(_, {ok, {error, not_watched}}) -> true;
is_answer(prints, Outcome) -> Outcome =:= {ok, ok};
is_answer(data, {ok, {error, _}}) -> false;
is_answer(data, Outcome) -> element(1, Outcome) =:= ok.

%% The calls that changed which modules are loaded, and what they loaded.
-spec loading([kind()]) -> [{call(), [module()]}].
loading(Kinds) ->
    [{Call, Loaded} || {_, _, Kind} = Call <- calls(), lists:member(Kind, Kinds), Loaded <- [loaded_by(Call)],
                       Loaded =/= []].

loaded_by(Call) ->
    Before = erlang:loaded(),
    _ = try_call(Call),
    erlang:loaded() -- Before.

try_call({Function, Args, _}) ->
    try
        {ok, apply(headroom, Function, Args)}
    catch
        Class:Reason:Stacktrace -> {Class, Reason, Stacktrace}
    end.
