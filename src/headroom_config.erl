%% @private
%% The application's environment, checked once when the application starts.
-module(headroom_config).

-export([load/0, thresholds/0, reserve/0, release_on/0]).
-export([status_file/0, door/0]).
-export([harden/0]).
-export([watch/0, signal/0, history/0]).

-define(THRESHOLDS, {?MODULE, thresholds}).

%% Takes the environment over; a bad value is named.
-spec load() -> ok | {error, {bad_option, term(), binary()}}.
load() ->
    case thresholds(application:get_env(headroom, thresholds, #{})) of
        ok -> check_watch(check_door(check_status_file(check_release_on(check_reserve(reserve())), status_file()), door()));
        {error, _} = Error -> Error
    end.

%% Whether the start of the application hardens the node.
-spec harden() -> boolean() | {error, {bad_option, harden, binary()}}.
harden() ->
    case application:get_env(headroom, harden, false) of
        Harden when is_boolean(Harden) -> Harden;
        _ -> {error, {bad_option, harden, <<"neither true nor false">>}}
    end.

thresholds(Option) when map_size(Option) > 100 ->
    {error, {bad_option, thresholds, <<"more keys than there are">>}};
thresholds(Option) when is_map(Option) ->
    case headroom_nif:thresholds(Option) of
        {ok, Thresholds} -> persistent_term:put(?THRESHOLDS, Thresholds);
        {error, {Key, Why}} -> {error, {bad_option, {thresholds, Key}, Why}}
    end;
thresholds(_) ->
    {error, {bad_option, thresholds, <<"not a map">>}}.

%% The thresholds in force: those of the environment, or the defaults while the application was not started.
-spec thresholds() -> headroom_nif:thresholds().
thresholds() ->
    case persistent_term:get(?THRESHOLDS, undefined) of
        undefined ->
            {ok, Defaults} = headroom_nif:thresholds(#{}),
            Defaults;
        Thresholds ->
            Thresholds
    end.

%% What is held back from the start on.
-spec reserve() -> none | term().
reserve() ->
    application:get_env(headroom, reserve, none).

check_reserve(none) ->
    ok;
check_reserve(Option) ->
    case headroom_nif:reserve_option(Option) of
        {ok, _} -> ok;
        {error, {Key, Why}} -> {error, {bad_option, {reserve, Key}, Why}};
        {error, Why} -> {error, {bad_option, reserve, Why}}
    end.

%% What gives it back without anybody's word.
-spec release_on() -> false | waiting | full.
release_on() ->
    application:get_env(headroom, release_on, false).

check_release_on(ok) ->
    case lists:member(release_on(), [false, waiting, full]) of
        true -> ok;
        false -> {error, {bad_option, release_on, <<"neither false, waiting nor full">>}}
    end;
check_release_on(Error) ->
    Error.

%% Where the status is written to.
-spec status_file() -> none | term().
status_file() ->
    application:get_env(headroom, status_file, none).

check_status_file(ok, none) -> ok;
check_status_file(ok, <<_, _/binary>>) -> ok;
check_status_file(ok, [_ | _]) -> ok;
check_status_file(ok, _) -> {error, {bad_option, status_file, <<"no path">>}};
check_status_file(Error, _) -> Error.

%% Where the door is to be.
-spec door() -> default | false | term().
door() ->
    application:get_env(headroom, door, default).

%% Relative to what a path would be is nothing that a client could know.
check_door(ok, default) -> ok;
check_door(ok, false) -> ok;
check_door(ok, <<$/, _/binary>>) -> ok;
check_door(ok, [$/ | _] = Path) ->
    case io_lib:char_list(Path) of
        true -> ok;
        false -> bad_door()
    end;
check_door(ok, _) -> bad_door();
check_door(Error, _) -> Error.

bad_door() -> {error, {bad_option, door, <<"neither false nor an absolute path">>}}.

%% How the node is watched: in which interval, and how often at most the whole report goes to the log.
-spec watch() -> headroom_watch:options() | false.
watch() ->
    case application:get_env(headroom, watch, true) of
        false -> false;
        true -> watch(#{});
        Options -> watch(Options)
    end.

watch(Options) ->
    maps:merge(#{interval => 1000, report_every => 600000}, Options).

%% The signal that is armed.
-spec signal() -> sigusr2 | false.
signal() ->
    application:get_env(headroom, signal, sigusr2).

%% Whether the last records of the status file are kept beside it.
-spec history() -> boolean().
history() ->
    application:get_env(headroom, history, true) =:= true.

check_watch(ok) ->
    case {application:get_env(headroom, watch, true), signal()} of
        {_, Signal} when Signal =/= sigusr2, Signal =/= false ->
            {error, {bad_option, signal, <<"neither sigusr2 nor false">>}};
        {Watch, _} when is_boolean(Watch) -> ok;
        {Watch, _} when is_map(Watch) -> check_watch_keys(maps:to_list(Watch));
        {_, _} -> {error, {bad_option, watch, <<"neither true, false nor a map">>}}
    end;
check_watch(Error) ->
    Error.

check_watch_keys([]) ->
    ok;
check_watch_keys([{interval, N} | Rest]) when is_integer(N), N >= 100, N =< 60000 ->
    check_watch_keys(Rest);
check_watch_keys([{interval, _} | _]) ->
    {error, {bad_option, {watch, interval}, <<"no whole number of milliseconds from 100 to 60000">>}};
check_watch_keys([{report_every, N} | Rest]) when is_integer(N), N >= 0 ->
    check_watch_keys(Rest);
check_watch_keys([{report_every, _} | _]) ->
    {error, {bad_option, {watch, report_every}, <<"no whole number of milliseconds from 0">>}};
check_watch_keys([{Key, _} | _]) ->
    {error, {bad_option, {watch, Key}, <<"its keys are interval and report_every">>}}.
