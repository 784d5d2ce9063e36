%% @private
%% Asks the core about the facts of this moment. No answer throws because of the node's state.
-module(headroom_view).

-export([snapshot/0, json/0, report/1, health/0, capacity/0, version/0]).
-export([with_library/1, counted/2, ask/3]).
-export([requirement/1, health_json/0, status_record/1]).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

-spec snapshot() -> headroom:snapshot() | unavailable().
snapshot() ->
    with_library(fun() -> snapshot(sockets) end).

-spec json() -> binary() | unavailable().
json() ->
    with_library(fun() -> ask(fun headroom_nif:snapshot_json/3, headroom_beam:facts(sockets), fresh) end).

-spec report(ascii | unicode) -> binary() | unavailable().
report(Charset) ->
    with_library(fun() ->
        Beam = (headroom_beam:facts(sockets))#{exposure => headroom_exposure:facts()},
        ask(fun(Facts, Thresholds, Patience) -> headroom_nif:report(Facts, Thresholds, Patience, Charset) end,
            Beam, fresh)
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

-spec requirement(headroom:requirements()) ->
    met | {unmet, [headroom:finding()], binary()} | {bad_requirement, term(), binary()} | unavailable().
requirement(Required) ->
    Ask = fun(Beam, Thresholds, Patience) -> headroom_nif:requirement(Beam, Thresholds, Patience, Required) end,
    with_library(fun() -> ask(Ask, headroom_beam:facts(no_sockets), fresh) end).

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
    kept(fun(Counted) -> headroom_nif:pulse(Asked, Vitals, Counted) end, Patience).

%% Asks the library, which has to be told what is fixed when it was just loaded.
kept(Ask, Patience) ->
    case counted(Ask, Patience) of
        unkept ->
            ok = headroom_beam:keep(),
            counted(Ask, Patience);
        Answer ->
            Answer
    end.

snapshot(Sockets) ->
    Snapshot = ask(fun headroom_nif:snapshot/3, headroom_beam:facts(Sockets), fresh),
    Snapshot#{node := node()}.

%% Hands the facts of the VM and the thresholds to a function of the library, and counts when it needs a count.
-spec ask(fun((map(), headroom_nif:thresholds(), fresh | recent | never) -> Answer | scan_needed), map(),
          fresh | recent) -> Answer.
ask(Ask, Beam, Patience) ->
    Thresholds = headroom_config:thresholds(),
    try
        counted(fun(Counted) -> Ask(Beam, Thresholds, Counted) end, Patience)
    catch
        %% A wrong argument of the caller's; those of the library's function would fill the screen.
        error:badarg -> erlang:error(badarg)
    end.

%% A limit that another call moves makes a count worthless: so often it is made again.
-define(COUNTS, 3).

%% Where the descriptor table takes several steps to count, they are made here, each a short call.
-spec counted(fun((fresh | recent | never) -> Answer | scan_needed), fresh | recent) -> Answer.
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
