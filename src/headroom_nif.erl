%% @private
%% The functions of the native library. This module stays small and unchanged, so that nobody needs to reload it.
-module(headroom_nif).

-export([load_status/0]).
-export([version/0, boot/2, thresholds/1]).
-export([open_count/0, keep/1, pulse/3, status_record/5, scan/1]).
-export([snapshot/3, snapshot_json/3, report/4]).
-export([hazards/3, harden_plan/3, hardened/4]).
-export([diagnose/6, explain_text/6, diagnose_long/6, explain_text_long/6]).
-export([raise_nofile/3, clamp_nofile/2, boot_advice/3]).
-export([reserve_fds/4, release_fds/2, reserved_fds/0]).
-export([requirement/4, last_words/1]).
-export([look/1, identify/1, details/1, standard_pipes/1, holders/3]).

-nifs([version/0, boot/2, thresholds/1,
       open_count/0, keep/1, pulse/3, status_record/5, scan/1,
       snapshot/3, snapshot_json/3, report/4,
       hazards/3, harden_plan/3, hardened/4,
       diagnose/6, explain_text/6]).
-nifs([diagnose_long/6, explain_text_long/6]).
-nifs([raise_nofile/3, clamp_nofile/2, boot_advice/3,
       reserve_fds/4, release_fds/2, reserved_fds/0]).
-nifs([requirement/4, last_words/1]).
-nifs([look/1, identify/1, details/1, standard_pipes/1, holders/3]).
-on_load(init/0).

%% In each stub itself: dialyzer knows `erlang:nif_error' and takes the specs as they are.
-define(NOT_LOADED, erlang:nif_error({nif_not_loaded, load_error()})).

-type patience() :: fresh | recent | never.
-type thresholds() :: tuple(). % as `thresholds/1' gave them: cheaper to hand over than a map
-export_type([thresholds/0]).

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

-spec open_count() -> {ok, pos_integer()} | scan_needed | {error, atom() | {errno, integer()}}.
open_count() -> ?NOT_LOADED.

-spec keep(map()) -> ok.
keep(_Fixed) -> ?NOT_LOADED.

-spec pulse(health | health_json | capacity, tuple(), patience()) ->
    ok | {warning | critical, [map()]} | {ok | warning | critical, binary()} | map() | scan_needed | unkept.
pulse(_Asked, _Vitals, _Patience) -> ?NOT_LOADED.

-spec status_record(tuple(), non_neg_integer(), binary(), non_neg_integer(), patience()) ->
    binary() | scan_needed | unkept.
status_record(_Vitals, _EtsTables, _Node, _Sequence, _Patience) -> ?NOT_LOADED.

-spec scan(start | map()) -> map() | done.
scan(_State) -> ?NOT_LOADED.

-spec snapshot(map(), thresholds(), patience()) -> map() | scan_needed.
snapshot(_Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec snapshot_json(map(), thresholds(), patience()) -> binary() | scan_needed.
snapshot_json(_Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec report(map(), thresholds(), patience(), ascii | unicode) -> binary() | scan_needed.
report(_Beam, _Thresholds, _Patience, _Charset) -> ?NOT_LOADED.

-spec hazards(map(), thresholds(), patience()) -> [map()] | scan_needed.
hazards(_Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec harden_plan(map(), thresholds(), patience()) -> map() | scan_needed.
harden_plan(_Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec hardened(map(), thresholds(), patience(), map()) -> [map()] | scan_needed.
hardened(_Beam, _Thresholds, _Patience, _Attempts) -> ?NOT_LOADED.

-spec diagnose(term(), headroom:operation(), boolean(), map(), thresholds(), patience()) -> map() | scan_needed.
diagnose(_Reason, _Operation, _Probe, _Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec explain_text(term(), headroom:operation(), boolean(), map(), thresholds(), patience()) -> binary() | scan_needed.
explain_text(_Reason, _Operation, _Probe, _Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

%% The same for long texts, on a dirty CPU scheduler.
-spec diagnose_long(term(), headroom:operation(), boolean(), map(), thresholds(), patience()) -> map() | scan_needed.
diagnose_long(_Reason, _Operation, _Probe, _Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec explain_text_long(term(), headroom:operation(), boolean(), map(), thresholds(), patience()) -> binary() | scan_needed.
explain_text_long(_Reason, _Operation, _Probe, _Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec raise_nofile(non_neg_integer() | max, map(), thresholds()) -> {ok, map()} | {error, term()}.
raise_nofile(_Wanted, _Beam, _Thresholds) -> ?NOT_LOADED.

-spec clamp_nofile(headroom:limit(), non_neg_integer()) -> {ok, map()} | {error, term()}.
clamp_nofile(_MaxFds, _Kept) -> ?NOT_LOADED.

-spec boot_advice(map(), thresholds(), patience()) -> [map()] | scan_needed.
boot_advice(_Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec reserve_fds(map(), map(), thresholds(), patience()) -> {ok, headroom:limit()} | {error, term()} | scan_needed.
reserve_fds(_Wanted, _Beam, _Thresholds, _Patience) -> ?NOT_LOADED.

-spec release_fds(headroom:limit(), non_neg_integer()) -> {ok, non_neg_integer()} | {error, term()}.
release_fds(_MaxFds, _Kept) -> ?NOT_LOADED.

-spec reserved_fds() -> non_neg_integer() | undefined.
reserved_fds() -> ?NOT_LOADED.

-spec requirement(map(), thresholds(), patience(), headroom:requirements()) ->
    met | {unmet, [headroom:finding()], binary()} | {bad_requirement, term(), binary()} | scan_needed.
requirement(_Beam, _Thresholds, _Patience, _Required) -> ?NOT_LOADED.

-spec last_words(binary()) -> ok | timeout.
last_words(_Text) -> ?NOT_LOADED.

%% A look at all descriptors, step by step; `busy': another look is being made.
-spec look({start, non_neg_integer()} | map()) -> {more, map(), binary()} | {done, map()} | busy.
look(_State) -> ?NOT_LOADED.

-spec identify([non_neg_integer()]) -> binary() | busy.
identify(_Fds) -> ?NOT_LOADED.

-spec details([non_neg_integer()]) ->
    [{non_neg_integer(), binary() | undefined, binary() | undefined, binary() | undefined}] | busy.
details(_Fds) -> ?NOT_LOADED.

-spec standard_pipes([{non_neg_integer(), pos_integer()}]) -> [{non_neg_integer(), [non_neg_integer()]}].
standard_pipes(_Programs) -> ?NOT_LOADED.

-spec holders(doubts | inventory | relief | targets | {text, map()}, tuple(), map()) -> map() | [map()] | binary().
holders(_Question, _Sight, _Options) -> ?NOT_LOADED.
