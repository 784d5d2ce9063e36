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
    State = #{path => Absolute, file => none, sequence => 0, told => false, history => none},
    case create(State) of
        {error, Why} when is_binary(Why) -> {stop, {bad_option, status_file, Why}};
        Created -> {ok, later((created(Created, State))#{history := history(Absolute)})}
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
    case found(State) of
        own -> file:delete(Path, [raw]);
        _ -> ok
    end.

later(State) ->
    _ = case State of
            #{timer := Timer} -> erlang:cancel_timer(Timer);
            #{} -> none
        end,
    State#{timer => erlang:start_timer(?PATIENCE, self(), alone)}.

history(Path) ->
    case headroom_config:history() of
        true -> headroom_history:open(Path);
        false -> none
    end.

%% What the node was like is kept beside it, for the morning after.
noted(#{history := none} = State) ->
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
tick(#{path := Path, file := {File, _}} = State) ->
    case found(State) of
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

%% What stands at the path.
found(#{file := none}) ->
    gone;
found(#{path := Path, file := {_, Identity}}) ->
    case file:read_link_info(Path, [raw]) of
        {ok, Info} -> case identity(Info) of Identity -> own; _ -> another end;
        {error, enoent} -> gone;
        %% The folder cannot be looked into now; the descriptor still writes.
        {error, _} -> own
    end.

identity(#file_info{major_device = Device, inode = Inode}) -> {Device, Inode}.

write(File, #{sequence := Sequence} = State) ->
    _ = case headroom_ask:status_record(Sequence) of
            Record when is_binary(Record) -> file:pwrite(File, 0, Record);
            {error, _} = Error -> Error
        end,
    State#{sequence := Sequence + 1, told := false}.

created({ok, File}, #{path := Path, told := Told} = State) ->
    _ = [?LOG_NOTICE("headroom keeps the status file ~ts from now on", [Path]) || Told],
    State#{file := File, told := false};
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

%% Written whole where nobody else may look, then put in its place in one step: never empty, never readable for others, and
%% no link of somebody else's is followed.
create(#{path := Path} = State) ->
    case replaceable(Path) of
        {error, _} = Error -> Error;
        Place -> in_private_folder(Place, State)
    end.

in_private_folder(Place, #{path := Path} = State) ->
    Folder = unicode:characters_to_binary([Path, io_lib:format(".~s-~b", [os:getpid(), rand:uniform(1 bsl 40)])]),
    Draft = <<Folder/binary, "/status">>,
    case file:make_dir(Folder) of
        ok ->
            Result = draft(Place, Folder, Draft, State),
            %% Not there any more where it was moved into its place.
            _ = file:delete(Draft, [raw]),
            _ = file:del_dir(Folder),
            Result;
        {error, Reason} ->
            {error, {"cannot be created", Reason}}
    end.

draft(Place, Folder, Draft, #{path := Path} = State) ->
    case kept_private(Folder, 8#700, fun() -> file:open(Draft, [raw, binary, write, exclusive]) end) of
        {ok, File} ->
            Placed = kept_private(Draft, 8#600, fun() -> place(Place, File, Draft, Path, State) end),
            _ = [file:close(File) || element(1, Placed) =:= error],
            Placed;
        {error, {_, _}} = Error ->
            Error;
        {error, Reason} ->
            {error, {"cannot be created", Reason}}
    end.

kept_private(Path, Mode, Then) ->
    case file:change_mode(Path, Mode) of
        ok -> Then();
        {error, Reason} -> {error, {"cannot be kept from others", Reason}}
    end.

place(Place, File, Draft, Path, State) ->
    _ = write(File, State),
    {ok, Info} = file:read_file_info(Draft, [raw]),
    case put(Place, Draft, Path) of
        ok -> {ok, {File, identity(Info)}};
        {error, Reason} -> {error, {"cannot be put in its place", Reason}}
    end.

%% A link never takes the place of what somebody else put there in the meantime. Not every file system has links.
put(free, Draft, Path) ->
    case file:make_link(Draft, Path) of
        ok -> ok;
        {error, eexist} = Error -> Error;
        {error, _} -> file:rename(Draft, Path)
    end;
put(earlier, Draft, Path) ->
    file:rename(Draft, Path).

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
