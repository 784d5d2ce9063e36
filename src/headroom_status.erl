%% @private
%% Keeps the status file fresh: a file that was opened at the start, for readers outside a node that can open nothing.
%%
%% A process of its own, because a write can wait for a file system. If it ends, the file grows old, and readers say so.
%% A folder that is not there yet, or is read-only, is waited for: no node stays down for want of monitoring.
-module(headroom_status).

-behaviour(gen_server).

-export([start_link/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include_lib("kernel/include/file.hrl").
-include_lib("kernel/include/logger.hrl").

-define(INTERVAL, 1000).
%% What a record begins with: nothing else is ever overwritten.
-define(MARK, "{\"headroom_status\":").

-spec start_link(file:filename_all()) -> {ok, pid()} | {error, {bad_option, status_file, binary()}}.
start_link(Path) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Path, []).

init(Path) ->
    %% To remove the file when the application stops.
    process_flag(trap_exit, true),
    State = #{path => Path, file => none, sequence => 0},
    case open(Path) of
        {ok, File} ->
            {ok, tick(State#{file := File})};
        {error, {What, Reason}} ->
            ?LOG_WARNING("headroom keeps no status file for now: ~ts ~ts (~p); it goes on trying",
                         [Path, What, Reason]),
            {ok, tick(State)};
        {error, Why} ->
            {stop, {bad_option, status_file, Why}}
    end.

handle_call(_Request, _From, State) ->
    {reply, {error, unknown_call}, State}.

handle_cast(_Request, State) ->
    {noreply, State}.

handle_info(tick, State) ->
    {noreply, tick(State)};
handle_info(try_again, #{path := Path} = State) ->
    case open(Path) of
        {ok, File} ->
            ?LOG_NOTICE("headroom keeps the status file ~ts from now on", [Path]),
            {noreply, tick(State#{file := File})};
        {error, _} ->
            {noreply, tick(State)}
    end;
handle_info(_Other, State) ->
    {noreply, State}.

%% No status is better than the last one of a node that is gone.
terminate(_Reason, #{file := none}) ->
    ok;
terminate(_Reason, #{path := Path}) ->
    file:delete(Path, [raw]).

%% What cannot be written now is tried again; meanwhile the file grows old.
tick(#{file := none} = State) ->
    _ = erlang:send_after(?INTERVAL, self(), try_again),
    State;
tick(#{file := File, sequence := Sequence} = State) ->
    _ = erlang:send_after(?INTERVAL, self(), tick),
    _ = case headroom_view:status_record(Sequence) of
            Record when is_binary(Record) -> file:pwrite(File, 0, Record);
            {error, _} = Error -> Error
        end,
    State#{sequence := Sequence + 1}.

%% A new file, so that nobody's link is followed, nor a descriptor that an earlier node still holds written to.
open(Path) ->
    maybe_open(removable(Path), Path).

maybe_open({error, Why}, _Path) ->
    {error, Why};
maybe_open(ok, Path) ->
    case file:open(Path, [raw, binary, write, exclusive]) of
        {ok, File} ->
            case file:change_mode(Path, 8#600) of
                ok -> {ok, File};
                {error, Reason} -> {error, {"cannot be kept from others", Reason}}
            end;
        {error, Reason} ->
            {error, {"cannot be created", Reason}}
    end.

removable(Path) ->
    case file:read_link_info(Path, [raw]) of
        {error, enoent} -> ok;
        {error, Reason} -> {error, {"cannot be looked at", Reason}};
        {ok, #file_info{type = regular}} -> remove_own(Path);
        {ok, #file_info{}} -> {error, <<"is there and no regular file">>}
    end.

remove_own(Path) ->
    case beginning(Path) of
        {ok, ?MARK} -> remove(Path);
        eof -> remove(Path);
        {error, Reason} -> {error, {"cannot be read", Reason}};
        _ -> {error, <<"is there and no status file of headroom">>}
    end.

beginning(Path) ->
    case file:open(Path, [raw, read]) of
        {ok, File} ->
            Read = file:read(File, length(?MARK)),
            ok = file:close(File),
            Read;
        {error, _} = Error ->
            Error
    end.

remove(Path) ->
    case file:delete(Path, [raw]) of
        ok -> ok;
        {error, Reason} -> {error, {"cannot be replaced", Reason}}
    end.
