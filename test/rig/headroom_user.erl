%% Nodes of another user, whom the limits of a user bind.
-module(headroom_user).

-export([unprivileged/0, no_os_process/1]).

%% Options of headroom_child. Limits of a user bind nobody with these capabilities.
unprivileged() ->
    Prefix = ["setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", "--bounding-set=-all"],
    case headroom_sh:run([lists:join(" ", Prefix), " true"]) of
        {0, _} ->
            #{prefix => Prefix, env => [{"HOME", "/tmp"}]};
        {_, Refused} ->
            io:format(user, "skipped: no other user here: ~ts", [Refused]),
            skipped
    end.

%% From now on the node can start no program: its parent is the process of the VM that starts them all.
no_os_process(Child) ->
    "" = headroom_child:call(Child, os, cmd, ["prlimit --pid $PPID --nproc=1:1 2>&1"]),
    ok.
