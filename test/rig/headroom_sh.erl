%% Runs a command of the shell.
-module(headroom_sh).

-export([run/1]).

%% Its status and all that it wrote, which may come later than the status.
-spec run(iodata()) -> {non_neg_integer(), binary()}.
run(Command) ->
    Port = open_port({spawn_executable, "/bin/sh"},
                     [{args, ["-c", unicode:characters_to_binary(Command)]}, stderr_to_stdout, binary, eof, exit_status]),
    Output = collect(Port, []),
    receive
        {Port, {exit_status, Status}} ->
            %% With `eof' a port stays open at its end, and its pipe with it.
            _ = try erlang:port_close(Port) catch error:badarg -> gone end,
            {Status, Output}
    end.

collect(Port, Output) ->
    receive
        {Port, {data, Data}} -> collect(Port, [Output, Data]);
        {Port, eof} -> iolist_to_binary(Output)
    end.
