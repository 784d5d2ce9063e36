%% What somebody with a shell on the machine sees of a node, and does to it.
-module(headroom_outside).

-export([set_soft/2, descriptors/1]).

%% The soft limit of descriptors; the hard one stays.
-spec set_soft(headroom_child:child(), non_neg_integer()) -> ok.
set_soft(Child, Soft) ->
    Command = io_lib:format("prlimit --pid ~b --nofile=~b: 2>&1", [headroom_child:os_pid(Child), Soft]),
    "" = os:cmd(lists:flatten(Command)),
    ok.

%% The numbers of its open descriptors.
-spec descriptors(headroom_child:child()) -> [non_neg_integer()].
descriptors(Child) ->
    {ok, Names} = file:list_dir("/proc/" ++ integer_to_list(headroom_child:os_pid(Child)) ++ "/fd"),
    [list_to_integer(Name) || Name <- Names].
