%% @private
%% Asks the core about the facts of this moment. No answer throws because of the node's state.
%%
%% A question and the moment that it is about are all that is handed over; what a question means stands in the core.
-module(headroom_ask).

-export([snapshot/0, json/0, report/2, health/0, capacity/0, version/0]).
-export([hazards/0, boot_advice/0]).
-export([diagnose/3, explain/3]).
-export([requirement/1, plan/1, health_json/0, status_record/1]).
-export([show/2]).
-export([with_library/1, ask/3, kept/2, change/2, exposed/0]).

%% So many characters the library reads as a list.
-define(CHARACTERS, 500).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

-spec snapshot() -> headroom:snapshot() | unavailable().
snapshot() ->
    with_library(fun() ->
        Snapshot = ask(snapshot, headroom_beam:now(sockets), fresh),
        Snapshot#{node := node()}
    end).

-spec json() -> binary() | unavailable().
json() ->
    with_library(fun() -> ask(json, headroom_beam:now(sockets), fresh) end).

%% The report, with the holder that is told first where it was looked for; `late' if it was not found in time.
-spec report(ascii | unicode, {ok, map()} | late | none) -> binary() | unavailable().
report(Charset, First) ->
    Question = case First of
                   {ok, Holder} -> {report, {Charset, Holder}};
                   late -> {report, {Charset, undefined}};
                   none -> {report, Charset}
               end,
    with_library(fun() ->
        Facts = headroom_beam:facts(sockets),
        ask(Question, Facts#{exposure => headroom_exposure:facts(), aside => headroom_beam:aside()}, fresh)
    end).

-spec health() -> ok | {warning | critical, [headroom:finding()]} | unavailable().
health() ->
    with_library(fun() -> pulse(health, recent) end).

-spec capacity() -> #{headroom:use() => headroom:capacity()} | unavailable().
capacity() ->
    with_library(fun() -> pulse(capacity, fresh) end).

-spec version() -> map() | unavailable().
version() ->
    with_library(fun() -> headroom_nif:version() end).

-spec hazards() -> [headroom:finding()] | unavailable().
hazards() ->
    with_library(fun() -> ask(hazards, exposed(), fresh) end).

-spec boot_advice() -> [headroom:boot_line()] | unavailable().
boot_advice() ->
    with_library(fun() -> ask(boot_advice, headroom_beam:now(no_sockets), fresh) end).

-spec diagnose(term(), headroom:operation(), boolean()) -> headroom:verdict() | unavailable().
diagnose(Reason, Operation, Probe) ->
    why(diagnose, Reason, Operation, Probe).

-spec explain(term(), headroom:operation(), boolean()) -> binary() | unavailable().
explain(Reason, Operation, Probe) ->
    why(explain, Reason, Operation, Probe).

why(How, Given, Operation, Probe) ->
    Question = {How, compact(Given), Operation, Probe},
    Ask = fun(Moment) ->
              case headroom_nif:ask(Question, Moment) of
                  %% Where no process waits for a scheduler meanwhile.
                  too_long -> headroom_nif:ask_long(Question, Moment);
                  Answer -> Answer
              end
          end,
    with_library(fun() -> at(Ask, headroom_beam:now(no_sockets), fresh) end).

%% A long list of characters becomes a binary: as a list only its beginning would be looked at.
compact([C | _] = List) when is_integer(C), C >= 0, length(List) > ?CHARACTERS ->
    try unicode:characters_to_binary(List) of
        Text when is_binary(Text) -> Text;
        _ -> List
    catch
        error:badarg -> List
    end;
compact(Reason) ->
    Reason.

-spec requirement(headroom:requirements()) ->
    met | {unmet, [headroom:finding()], binary()} | {bad_requirement, term(), binary()} | unavailable().
requirement(Required) ->
    with_library(fun() -> ask({require, Required}, headroom_beam:now(no_sockets), fresh) end).

-spec plan(headroom:planned()) -> headroom:plan() | {error, {bad_plan, term(), binary()}} | unavailable().
plan(Asked) ->
    case with_library(fun() -> ask({plan, Asked}, headroom_beam:facts(no_sockets), fresh) end) of
        {bad_plan, _, _} = Bad -> {error, Bad};
        Answer -> Answer
    end.

-spec health_json() -> {ok | warning | critical, binary()} | unavailable().
health_json() ->
    with_library(fun() -> pulse(health_json, recent) end).

-spec status_record(non_neg_integer()) -> binary() | unavailable().
status_record(Sequence) ->
    with_library(fun() ->
        Node = atom_to_binary(node(), utf8),
        EtsTables = erlang:system_info(ets_count),
        Vitals = headroom_beam:vitals(headroom_config:thresholds()),
        kept(fun(Patience) -> headroom_nif:status_record(Vitals, EtsTables, Node, Sequence, Patience) end, recent)
    end).

pulse(Asked, Patience) ->
    Vitals = headroom_beam:vitals(headroom_config:thresholds()),
    %% Straight on: nearly always this is all.
    case headroom_nif:pulse(Asked, Vitals, Patience) of
        More when More =:= unkept; More =:= scan_needed ->
            kept(fun(Counted) -> headroom_nif:pulse(Asked, Vitals, Counted) end, Patience);
        Answer ->
            Answer
    end.

%% Asks the library, which has to be told what is fixed when it was just loaded.
-spec kept(fun((fresh | recent | never) -> Answer | scan_needed | unkept), fresh | recent) -> Answer.
kept(Ask, Patience) ->
    case counted(Ask, Patience) of
        unkept ->
            ok = headroom_beam:keep(),
            counted(Ask, Patience);
        Answer ->
            Answer
    end.

%% An answer in sentences, with calls as a prompt of that language takes them; any other term as `~p' would print it.
-spec show(term(), erlang | elixir) -> binary() | unavailable().
show(Answer, Dialect) ->
    with_library(fun() ->
        case headroom_nif:show(Answer, Dialect) of
            unknown -> unicode:characters_to_binary(io_lib:format("~tp~n", [Answer]));
            Text -> Text
        end
    end).

%% The facts of the VM with what would be hit at exhaustion.
-spec exposed() -> headroom_beam:facts().
exposed() ->
    (headroom_beam:facts(no_sockets))#{exposure => headroom_exposure:facts()}.

%% Hands a question with its moment to the library, and counts when it needs a count.
-spec ask(headroom_nif:question(), headroom_beam:facts() | headroom_beam:now(), fresh | recent | never) ->
    headroom_nif:answer().
ask(Question, Beam, Patience) ->
    at(fun(Moment) -> headroom_nif:ask(Question, Moment) end, Beam, Patience).

%% Hands a change with its moment to the library; what is held back afterwards is noted.
-spec change(headroom_nif:change(), fresh | never) -> {ok, term()} | {error, term()}.
change(Change, Patience) ->
    Result = at(fun(Moment) -> headroom_nif:change(Change, Moment) end, headroom_beam:now(no_sockets), Patience),
    ok = headroom_held:note_fds(),
    Result.

at(Ask, Beam, Patience) ->
    Thresholds = headroom_config:thresholds(),
    try
        counted(fun(Counted) -> Ask({Beam, Thresholds, Counted}) end, Patience)
    catch
        %% The library was just loaded; it has not begun with what it was asked.
        error:unkept ->
            ok = headroom_beam:keep(),
            at(Ask, Beam, Patience);
        %% A wrong argument of the caller's; those of the library's function would fill the screen.
        error:badarg -> erlang:error(badarg)
    end.

%% A limit that another call moves makes a count worthless: so often it is made again.
-define(COUNTS, 3).

%% Where the descriptor table takes several steps to count, they are made here, each a short call.
-spec counted(fun((fresh | recent | never) -> Answer | scan_needed), fresh | recent | never) -> Answer.
counted(Ask, Patience) ->
    counted(Ask, Patience, ?COUNTS).

counted(Ask, _Patience, 0) ->
    Ask(never);
counted(Ask, Patience, Left) ->
    case Ask(Patience) of
        scan_needed ->
            ok = scan(headroom_nif:scan(start)),
            counted(Ask, recent, Left - 1);
        Answer ->
            Answer
    end.

scan(done) -> ok;
scan(State) -> scan(headroom_nif:scan(State)).

%% Runs what needs the native library.
-spec with_library(fun(() -> Answer)) -> Answer | unavailable().
with_library(Fun) ->
    try
        Fun()
    catch
        error:{nif_not_loaded, _} = Reason -> {error, Reason}
    end.
