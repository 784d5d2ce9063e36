%% Compiles the C sources beside the tests: what is preloaded into a node, or run as a program of its own.
-module(headroom_cc).

-export([compile/2]).

%% A file in the folder for temporary files, which the caller deletes.
-spec compile(file:filename(), [string()]) -> {ok, file:filename()} | {skipped, string()}.
compile(Source, Flags) ->
    case os:find_executable("cc") of
        false ->
            {skipped, "no C compiler here"};
        Cc ->
            Folder = filename:dirname(proplists:get_value(source, ?MODULE:module_info(compile))),
            Name = lists:concat(["headroom-", os:getpid(), "-", erlang:unique_integer([positive]), "-",
                                 filename:rootname(Source)]),
            Target = filename:join(os:getenv("TMPDIR", "/tmp"), Name),
            Words = [Cc, "-o", Target, filename:join(Folder, Source) | Flags],
            Quoted = lists:join(" ", ["'" ++ Word ++ "'" || Word <- Words]),
            [] = os:cmd(lists:flatten([Quoted, " 2>&1"])),
            {ok, Target}
    end.
