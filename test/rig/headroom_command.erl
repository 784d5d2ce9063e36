%% The command `headroom'.
-module(headroom_command).

-export([path/0, shell/0]).

%% HEADROOM_CLI, or what cargo builds of this tree.
-spec path() -> file:filename().
path() ->
    case os:getenv("HEADROOM_CLI") of
        false -> build();
        Command -> Command
    end.

%% The same as a word of a shell: the folder may have a space in its name.
-spec shell() -> string().
shell() ->
    "'" ++ path() ++ "'".

build() ->
    {Status, Output} = headroom_sh:run("cargo build --quiet --locked --package headroom_cli"),
    Command = filename:join([os:getenv("CARGO_TARGET_DIR", "target"), "debug", "headroom"]),
    {0, true, _} = {Status, filelib:is_regular(Command), Output},
    filename:absname(Command).
