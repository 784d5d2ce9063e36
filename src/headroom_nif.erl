%% @private
%% The functions of the native library: one to ask, one to change, and the few that are neither. What can be asked and
%% changed stands in the library, so this module stays small and nobody needs to reload it.
-module(headroom_nif).

-export([load_status/0]).
-export([version/0, boot/2, thresholds/1, reserve_option/1]).
-export([ask/2, ask_long/2, change/2, reserved_fds/0, guard/3, gave/0]).
-export([open_count/0, keep/1, pulse/3, status_record/5, scan/1]).
-export([last_words/1, show/2]).
-export([look/1, identify/1, details/1, standard_pipes/1, holders/3]).
-export([sample/4, trends/1, note_holder/1, note_groups/1, sketch/3, cluster_text/1]).
-export([trend_data/1, trend_json/1, trend_text/2, trend_chart/1, metrics/4]).

-nifs([version/0, boot/2, thresholds/1, reserve_option/1,
       ask/2, ask_long/2, change/2, reserved_fds/0, guard/3, gave/0,
       open_count/0, keep/1, pulse/3, status_record/5, scan/1,
       last_words/1, show/2,
       look/1, identify/1, details/1, standard_pipes/1, holders/3]).
-nifs([sample/4, trends/1, note_holder/1, note_groups/1, sketch/3, cluster_text/1,
       trend_data/1, trend_json/1, trend_text/2, trend_chart/1, metrics/4]).
-on_load(init/0).

%% In each stub itself: dialyzer knows `erlang:nif_error' and takes the specs as they are.
-define(NOT_LOADED, erlang:nif_error({nif_not_loaded, load_error()})).

-type patience() :: fresh | recent | never.
-type thresholds() :: binary(). % as `thresholds/1' gave them: read in a fraction of the time that a map takes
-type moment() :: {headroom_beam:facts() | headroom_beam:now(), thresholds(), patience()}.
-type question() :: snapshot | json | {report, ascii | unicode | {ascii | unicode, map()}}
                  | boot_advice | hazards | harden_plan | {hardened, map()}
                  | {diagnose | explain, term(), headroom:operation(), boolean()}
                  | {plan, term()}
                  | {require, headroom:requirements()}.
-type answer() :: term(). % of the shape that the public function names
-type change() :: {raise, non_neg_integer() | max} | clamp | {reserve, headroom_held:facts()} | release.
-export_type([thresholds/0, moment/0, question/0, answer/0, change/0]).

%% A first load that fails leaves the stubs, so that callers get the reason and not `undef'. A reload that fails is
%% refused, so that the working instance stays.
init() ->
    Before = persistent_term:get(?MODULE, undefined),
    case erlang:load_nif(filename:join(priv_dir(), "headroom_nif"), 0) of
        ok -> persistent_term:put(?MODULE, loaded);
        {error, Reason} when Before =:= loaded -> {error, Reason};
        {error, Reason} -> persistent_term:put(?MODULE, {failed, Reason})
    end.

priv_dir() ->
    case code:priv_dir(headroom) of
        {error, bad_name} ->
            %% The directory is not called headroom; `code:which' would not say where when cover compiled the module.
            Ebin = filename:dirname(code:where_is_file("headroom_nif.beam")),
            filename:join([Ebin, "..", "priv"]);
        Dir ->
            Dir
    end.

%% Whether the library is there.
-spec load_status() -> ok | {error, {nif_not_loaded, term()}}.
load_status() ->
    case persistent_term:get(?MODULE, undefined) of
        loaded -> ok;
        _ -> {error, {nif_not_loaded, load_error()}}
    end.

load_error() ->
    case persistent_term:get(?MODULE, undefined) of
        {failed, {Kind, Text}} -> {Kind, unicode:characters_to_binary(Text)};
        Other -> Other
    end.

-spec version() -> map().
version() -> ?NOT_LOADED.

-spec boot([string()] | undefined, non_neg_integer() | undefined) -> map().
boot(_EmuArgs, _PortLimit) -> ?NOT_LOADED.

-spec thresholds(map()) -> {ok, thresholds()} | {error, {term(), binary()}}.
thresholds(_Option) -> ?NOT_LOADED.

-spec reserve_option(term()) -> {ok, headroom_held:facts()} | {error, binary() | {term(), binary()}}.
reserve_option(_Option) -> ?NOT_LOADED.

%% Answers, or needs a count first, or has more to read than a normal scheduler has the time for. Facts that do not fit raise `{bad_facts, Why}', a question that does not, `badarg'.
-spec ask(question(), moment()) -> answer() | scan_needed | too_long.
ask(_Question, _Moment) -> ?NOT_LOADED.

%% The same with a long reason in the question, on a dirty CPU scheduler.
-spec ask_long(question(), moment()) -> answer() | scan_needed.
ask_long(_Question, _Moment) -> ?NOT_LOADED.

-spec change(change(), moment()) -> {ok, term()} | {error, term()} | scan_needed.
change(_Change, _Moment) -> ?NOT_LOADED.

-spec reserved_fds() -> non_neg_integer() | undefined.
reserved_fds() -> ?NOT_LOADED.

%% Sets or takes away the thread that gives the reserve back, and what it gave back since this was asked last.
-spec guard(waiting | full | off, [integer()], non_neg_integer()) -> ok | {error, binary()} | unkept.
guard(_On, _Listeners, _Held) -> ?NOT_LOADED.

-spec gave() -> undefined | {{ok, non_neg_integer()} | {error, term()}, non_neg_integer()}.
gave() -> ?NOT_LOADED.

-spec open_count() -> {ok, pos_integer()} | scan_needed | {error, atom() | {errno, integer()}}.
open_count() -> ?NOT_LOADED.

-spec keep(map()) -> ok.
keep(_Fixed) -> ?NOT_LOADED.

%% What is asked often, in one call, from a few numbers and what the library keeps.
-spec pulse(health | health_json | capacity, tuple(), patience()) ->
    ok | {warning | critical, [map()]} | {ok | warning | critical, binary()} | map() | scan_needed | unkept.
pulse(_Asked, _Vitals, _Patience) -> ?NOT_LOADED.

-spec status_record(tuple(), non_neg_integer(), binary(), non_neg_integer(), patience()) ->
    binary() | scan_needed | unkept.
status_record(_Vitals, _EtsTables, _Node, _Sequence, _Patience) -> ?NOT_LOADED.

-spec scan(start | map()) -> map() | done.
scan(_State) -> ?NOT_LOADED.

-spec last_words(binary()) -> ok | timeout.
last_words(_Text) -> ?NOT_LOADED.

%% What a function of headroom answered, in sentences.
-spec show(term(), erlang | elixir) -> binary() | unknown.
show(_Answer, _Dialect) -> ?NOT_LOADED.

%% A look at all descriptors, step by step; `busy': another look is being made.
-spec look({start, non_neg_integer()} | map()) -> {more, map(), binary()} | {done, map()} | busy.
look(_State) -> ?NOT_LOADED.

-spec identify([non_neg_integer()]) -> binary() | busy.
identify(_Fds) -> ?NOT_LOADED.

-spec details([non_neg_integer()]) ->
    [{non_neg_integer(), binary() | undefined, binary() | undefined, binary() | undefined}] | busy.
details(_Fds) -> ?NOT_LOADED.

-spec standard_pipes([{Owner, Process, OsPid :: pos_integer()}]) -> [{Owner, Process, Inodes :: [non_neg_integer()]}].
standard_pipes(_Programs) -> ?NOT_LOADED.

-spec holders(doubts | inventory | json | first | relief | targets | {text, map()}, tuple(), map()) ->
    map() | [map()] | binary().
holders(_Question, _Sight, _Options) -> ?NOT_LOADED.

-spec sample(tuple(), non_neg_integer(), pos_integer(), patience()) -> map() | scan_needed | unkept.
sample(_Vitals, _EtsTables, _Interval, _Patience) -> ?NOT_LOADED.

-spec trends(integer()) -> {boolean(), [{headroom:name(), boolean(), binary()}]}.
trends(_SystemTime) -> ?NOT_LOADED.

-spec note_holder(binary()) -> ok.
note_holder(_Holder) -> ?NOT_LOADED.

-spec note_groups([{binary(), non_neg_integer(), non_neg_integer() | undefined}]) -> ok.
note_groups(_Groups) -> ?NOT_LOADED.

-spec sketch(tuple(), non_neg_integer(), patience()) -> map() | scan_needed | unkept.
sketch(_Vitals, _EtsTables, _Patience) -> ?NOT_LOADED.

-spec cluster_text([map()]) -> binary().
cluster_text(_Rows) -> ?NOT_LOADED.

-spec trend_data(integer()) -> map() | not_watched.
trend_data(_SystemTime) -> ?NOT_LOADED.

-spec trend_json(integer()) -> binary() | not_watched.
trend_json(_SystemTime) -> ?NOT_LOADED.

-spec trend_text(integer(), ascii | unicode) -> binary() | not_watched.
trend_text(_SystemTime, _Charset) -> ?NOT_LOADED.

-spec trend_chart(integer()) -> binary() | not_watched.
trend_chart(_SystemTime) -> ?NOT_LOADED.

-spec metrics(data | text, tuple(), non_neg_integer(), patience()) -> [map()] | binary() | scan_needed | unkept.
metrics(_Form, _Vitals, _EtsTables, _Patience) -> ?NOT_LOADED.
