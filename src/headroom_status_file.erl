%% @private
%% Keeps the status file fresh: a file that is open from the start on, for readers outside a node that can open nothing.
%%
%% A process of its own, because a write can wait for a file system. If it ends, the file grows old, and readers say so.
%% A folder that is not there yet, or is read-only, is waited for: no node stays down for want of monitoring. The file at
%% the path is this node's own only while it is the one that is open here: another node may have put its own there, and
%% what is not our own is neither written nor deleted.
-module(headroom_status_file).

-behaviour(gen_server).

-export([start_link/1, tick/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include_lib("kernel/include/file.hrl").
-include_lib("kernel/include/logger.hrl").

%% How long the file may go without the clock of the application, which may be off, slow, or just being started again.
-define(PATIENCE, 1500).
%% What a record begins with: nothing else is ever replaced.
-define(MARK, "{\"headroom_status\":").

-spec start_link(file:filename_all()) -> {ok, pid()} | {error, {bad_option, status_file, binary()}}.
start_link(Path) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Path, []).

%% The clock says that it is time. While a file system is stuck, one such word is enough.
-spec tick() -> ok.
tick() ->
    case erlang:whereis(?MODULE) of
        undefined ->
            ok;
        Pid ->
            _ = [Pid ! tick || erlang:process_info(Pid, message_queue_len) =:= {message_queue_len, 0}],
            ok
    end.

init(Path) ->
    %% To remove the file when the application stops.
    process_flag(trap_exit, true),
    %% As it is now: the working directory may be another one when the file is looked for again.
    {ok, Folder} = prim_file:get_cwd(),
    Absolute = filename:absname(Path, Folder),
    State = #{path => unicode:characters_to_binary(Absolute), file => none, sequence => 0, told => false, history => none},
    case create(State) of
        {error, Why} when is_binary(Why) -> {stop, {bad_option, status_file, Why}};
        Created -> {ok, later(created(Created, State))}
    end.

handle_call(_Request, _From, State) ->
    {reply, {error, unknown_call}, State}.

handle_cast(_Request, State) ->
    {noreply, State}.

handle_info(tick, State) ->
    {noreply, later(noted(tick(State)))};
handle_info({timeout, Timer, alone}, #{timer := Timer} = State) ->
    {noreply, later(noted(tick(State)))};
handle_info(_Other, State) ->
    {noreply, State}.

%% No status is better than the last one of a node that is gone.
terminate(_Reason, #{path := Path} = State) ->
    case State of
        #{file := {_, Identity}} -> headroom_own_file:delete(Path, Identity);
        #{file := none} -> ok
    end.

later(State) ->
    _ = case State of
            #{timer := Timer} -> erlang:cancel_timer(Timer);
            #{} -> none
        end,
    State#{timer => erlang:start_timer(?PATIENCE, self(), alone)}.

%% Where there was no folder for it, there is none for the history either.
with_history(#{history := none, path := Path} = State) ->
    case headroom_config:history() of
        true -> State#{history := headroom_history:open(Path, fun headroom_ask:status_record/1)};
        false -> State
    end;
with_history(State) ->
    State.

%% What the node was like is kept beside it, for the morning after.
noted(#{history := none} = State) ->
    State;
%% The node that has the file has its history, too.
noted(#{file := {_, _}, told := true} = State) ->
    State;
noted(#{history := History} = State) ->
    Level = case headroom_ask:health() of
                {Bad, _} when Bad =:= warning; Bad =:= critical -> Bad;
                _ -> ok
            end,
    State#{history := headroom_history:note(History, Level, fun headroom_ask:status_record/1)}.

%% What cannot be written now is tried again; meanwhile the file grows old.
tick(#{file := none} = State) ->
    created(create(State), State);
tick(#{path := Path, file := {File, Identity}} = State) ->
    case headroom_own_file:found(Path, Identity) of
        own ->
            write(File, State);
        gone ->
            %% The old one is of no use to anybody; its descriptor may be the only one that is free.
            _ = file:close(File),
            Without = State#{file := none},
            created(create(Without), Without);
        another ->
            told(State, "the file at ~ts is not this node's any more; it is left alone", [Path])
    end.

write(File, #{sequence := Sequence} = State) ->
    _ = case headroom_ask:status_record(Sequence) of
            Record when is_binary(Record) -> file:pwrite(File, 0, Record);
            {error, _} = Error -> Error
        end,
    State#{sequence := Sequence + 1, told := false}.

created({ok, File}, #{path := Path, told := Told} = State) ->
    _ = [?LOG_NOTICE("headroom keeps the status file ~ts from now on", [Path]) || Told],
    with_history(State#{file := File, told := false});
created({error, {What, Reason}}, #{path := Path} = State) ->
    told(State, "~ts ~ts (~p); it goes on trying", [Path, What, Reason]);
created({error, Why}, #{path := Path} = State) ->
    told(State, "what stands at ~ts ~ts", [Path, Why]).

%% Once for as long as it lasts.
told(#{told := true} = State, _Format, _Args) ->
    State;
told(State, Format, Args) ->
    ?LOG_WARNING("headroom keeps no status file for now: " ++ Format, Args),
    State#{told := true}.

create(#{path := Path} = State) ->
    case replaceable(Path) of
        {error, _} = Error -> Error;
        Place -> headroom_own_file:create(Path, Place, fun(File) -> write(File, State) end)
    end.

%% Whether nothing is there, or what an earlier node left behind.
replaceable(Path) ->
    case file:read_link_info(Path, [raw]) of
        {error, enoent} -> free;
        {error, Reason} -> {error, {"cannot be looked at", Reason}};
        {ok, #file_info{type = regular}} -> earlier(Path);
        {ok, #file_info{}} -> {error, <<"is there and no regular file">>}
    end.

earlier(Path) ->
    case beginning(Path) of
        {ok, ?MARK} -> earlier;
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
