%% @private
%% A file that is a node's own: made where nobody else may look, put in its place in one step, and known by what it is and
%% not by its path, so that what somebody else puts there is neither written nor deleted.
-module(headroom_own_file).

-export([create/3, found/2, delete/2, identity/1]).

-include_lib("kernel/include/file.hrl").

-type identity() :: {Device :: non_neg_integer(), Inode :: non_neg_integer()}.
-type failure() :: {What :: string(), Reason :: term()}.
-export_type([identity/0, failure/0]).

%% Written whole by the fun before anybody sees it: never empty, never readable for others, and no link of somebody
%% else's is followed. `free' takes no place that is taken by then, `earlier' takes that of what is there.
-spec create(binary(), free | earlier, fun((file:fd()) -> term())) -> {ok, {file:fd(), identity()}} | {error, failure()}.
create(Path, Place, Write) ->
    Folder = unicode:characters_to_binary([Path, io_lib:format(".~s-~b", [os:getpid(), rand:uniform(1 bsl 40)])]),
    Draft = <<Folder/binary, "/draft">>,
    case file:make_dir(Folder) of
        ok ->
            Result = draft({Place, Path}, Folder, Draft, Write),
            %% Not there any more where it was moved into its place.
            _ = file:delete(Draft, [raw]),
            _ = file:del_dir(Folder),
            Result;
        {error, Reason} ->
            {error, {"cannot be created", Reason}}
    end.

draft(To, Folder, Draft, Write) ->
    case kept_private(Folder, 8#700, fun() -> file:open(Draft, [raw, binary, read, write, exclusive]) end) of
        {ok, File} ->
            Placed = kept_private(Draft, 8#600, fun() -> place(To, File, Draft, Write) end),
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

place({Place, Path}, File, Draft, Write) ->
    _ = Write(File),
    case file:read_file_info(Draft, [raw]) of
        {ok, Info} ->
            case put(Place, Draft, Path) of
                ok -> {ok, {File, identity(Info)}};
                {error, Reason} -> {error, {"cannot be put in its place", Reason}}
            end;
        {error, Reason} ->
            {error, {"cannot be created", Reason}}
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

%% What stands at the path.
-spec found(file:filename_all(), identity()) -> own | gone | another.
found(Path, Identity) ->
    case file:read_link_info(Path, [raw]) of
        {ok, Info} -> case identity(Info) of Identity -> own; _ -> another end;
        {error, enoent} -> gone;
        %% The folder cannot be looked into now; what is open still works.
        {error, _} -> own
    end.

%% Deletes what stands there, if it is the one that is meant.
-spec delete(file:filename_all(), identity()) -> ok.
delete(Path, Identity) ->
    _ = [file:delete(Path, [raw]) || found(Path, Identity) =:= own],
    ok.

-spec identity(file:file_info()) -> identity().
identity(#file_info{major_device = Device, inode = Inode}) ->
    {Device, Inode}.
