%% @private
%% What a node was like before it ended: a file beside the status file, in which the last records of it are kept.
%%
%% A ring of places of one size, so that it is bounded and needs no new descriptor: one record a minute, and one at each
%% change of level. It outlives the node; the next one goes on where this one ended.
-module(headroom_history).

-export([open/2, note/3]).

-include_lib("kernel/include/file.hrl").

%% Nine hours of a calm node, in two megabytes.
-define(PLACES, 512).
-define(SIZE, 4096).
-define(MINUTE, 60000).
%% As far into a record as its number stands.
-define(BEGINNING, 128).

-type recorder() :: fun((non_neg_integer()) -> binary() | {error, term()}).
-opaque history() :: #{path := binary(), file := file:fd(), identity := headroom_own_file:identity(),
                       next := non_neg_integer(), noted := integer() | never, level := headroom:level() | none}.
-export_type([history/0]).

%% Nothing but a regular file that has our records in it is taken, and one that is made here begins with one; without one
%% the node lives as well.
-spec open(file:filename_all(), recorder()) -> history() | none.
open(StatusFile, Record) ->
    open_at(unicode:characters_to_binary([StatusFile, ".history"]), Record).

open_at(Path, Record) ->
    case file:read_link_info(Path, [raw]) of
        {error, enoent} -> made(Path, Record);
        {ok, #file_info{type = regular, size = Size} = Info} when Size > 0 -> opened(Path, Info);
        _ -> none
    end.

made(Path, Record) ->
    case headroom_own_file:create(Path, free, fun(File) -> write(File, 0, Record) end) of
        {ok, {File, Identity}} -> history(Path, File, Identity, 1);
        {error, _} -> none
    end.

opened(Path, Info) ->
    case file:open(Path, [raw, binary, read, write]) of
        {ok, File} ->
            case next(File) of
                none ->
                    _ = file:close(File),
                    none;
                Next ->
                    history(Path, File, headroom_own_file:identity(Info), Next)
            end;
        {error, _} ->
            none
    end.

history(Path, File, Identity, Next) ->
    #{path => Path, file => File, identity => Identity, next => Next, noted => never, level => none}.

next(File) ->
    Places = [file:pread(File, Place * ?SIZE, ?BEGINNING) || Place <- lists:seq(0, ?PLACES - 1)],
    Numbers = [number(Beginning) || {ok, Beginning} <- Places],
    case lists:member(none, Numbers) of
        true -> none;
        false -> lists:max([-1 | Numbers]) + 1
    end.

number(Beginning) ->
    case re:run(Beginning, "^{\"headroom_status\":1,\"sequence\":([0-9]+),", [{capture, all_but_first, binary}]) of
        {match, [Digits]} -> binary_to_integer(Digits);
        nomatch -> none
    end.

%% Keeps the record that is made of a number, if it is time for one. A file that vanished begins anew, and one that
%% somebody else put there is left alone.
-spec note(history() | none, headroom:level(), recorder()) -> history() | none.
note(none, _Level, _Record) ->
    none;
note(#{noted := Noted, level := Before} = History, Level, Record) ->
    Now = erlang:monotonic_time(millisecond),
    case Level =/= Before orelse Noted =:= never orelse Now - Noted >= ?MINUTE of
        true -> kept(History#{noted := Now, level := Level}, Record);
        false -> History
    end.

kept(#{path := Path, file := File, identity := Identity, next := Next} = History, Record) ->
    case headroom_own_file:found(Path, Identity) of
        own ->
            _ = write(File, Next, Record),
            History#{next := Next + 1};
        _ ->
            _ = file:close(File),
            case open_at(Path, Record) of
                none -> none;
                #{} = Anew -> maps:merge(Anew, maps:with([noted, level], History))
            end
    end.

write(File, Number, Record) ->
    case Record(Number) of
        Bytes when is_binary(Bytes) -> file:pwrite(File, (Number rem ?PLACES) * ?SIZE, Bytes);
        {error, _} = Error -> Error
    end.
