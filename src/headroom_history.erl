%% @private
%% What a node was like before it ended: a file beside the status file, in which the last records of it are kept.
%%
%% A ring of places of one size, so that it is bounded and needs no new descriptor: one record a minute, and one at each
%% change of level. It outlives the node; the next one goes on where this one ended.
-module(headroom_history).

-export([open/1, note/3]).

-include_lib("kernel/include/file.hrl").

%% Nine hours of a calm node, in two megabytes.
-define(PLACES, 512).
-define(SIZE, 4096).
-define(MINUTE, 60000).
%% As far into a record as its number stands.
-define(BEGINNING, 128).

-opaque history() :: #{file := file:fd(), next := non_neg_integer(), noted := integer() | never,
                       level := headroom:level() | none}.
-export_type([history/0]).

%% Nothing but a regular file that is empty or has our records in it is taken; without one the node lives as well.
-spec open(file:filename_all()) -> history() | none.
open(StatusFile) ->
    Path = unicode:characters_to_binary([StatusFile, ".history"]),
    case file:read_link_info(Path, [raw]) of
        {error, enoent} -> opened(Path);
        {ok, #file_info{type = regular}} -> opened(Path);
        _ -> none
    end.

opened(Path) ->
    case file:open(Path, [raw, binary, read, write]) of
        {ok, File} ->
            _ = file:change_mode(Path, 8#600),
            case next(File) of
                none ->
                    _ = file:close(File),
                    none;
                Next ->
                    #{file => File, next => Next, noted => never, level => none}
            end;
        {error, _} ->
            none
    end.

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

%% Keeps the record that is made of a number, if it is time for one.
-spec note(history() | none, headroom:level(), fun((non_neg_integer()) -> binary() | {error, term()})) ->
    history() | none.
note(none, _Level, _Record) ->
    none;
note(#{file := File, next := Next, noted := Noted, level := Before} = History, Level, Record) ->
    Now = erlang:monotonic_time(millisecond),
    case Level =/= Before orelse Noted =:= never orelse Now - Noted >= ?MINUTE of
        true ->
            _ = case Record(Next) of
                    Bytes when is_binary(Bytes) -> file:pwrite(File, (Next rem ?PLACES) * ?SIZE, Bytes);
                    {error, _} = Error -> Error
                end,
            History#{next := Next + 1, noted := Now, level := Level};
        false ->
            History
    end.
