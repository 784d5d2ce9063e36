%% How the open descriptors are counted: by the kernel (6.2 and later), or one by one.
-module(headroom_roads).

-export([all/0]).

%% A name and the options of a node for each road that this kernel has. Where it does not count by itself, or where the
%% variable forces the nodes of a whole run, there is one.
-spec all() -> [{string(), headroom_child:options()}].
all() ->
    Forced = {"counted one by one", #{env => [{"HEADROOM_FORCE_SCAN", "1"}]}},
    case headroom_nif:open_count() of
        scan_needed -> [Forced];
        {ok, _} -> [{"counted by the kernel", #{}}, Forced]
    end.
