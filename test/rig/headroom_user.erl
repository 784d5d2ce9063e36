%% Nodes of another user, whom the limits of a user bind.
-module(headroom_user).

-export([unprivileged/0, no_os_process/1]).

%% Options of headroom_child. Limits of a user bind nobody who may administer the system; to read what was built in a folder of
%% somebody else's is what is left of it.
unprivileged() ->
    Reads = "-all,+dac_read_search",
    Prefix = ["setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", "--inh-caps=" ++ Reads, "--ambient-caps=" ++ Reads,
              "--bounding-set=" ++ Reads],
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
