%% Native code of a library, as others load it into a node: see headroom_busy.c.
-module(headroom_busy).

-export([compile/0, load/1, hold/1, close_fd/1]).

%% In the node of the tests: the library's path without its ending, which the caller deletes, or why there is none.
-spec compile() -> {ok, file:filename()} | {skipped, string()}.
compile() ->
    Headers = filename:join([code:root_dir(), "usr", "include"]),
    case filelib:is_file(filename:join(Headers, "erl_nif.h")) of
        false ->
            {skipped, "no erl_nif.h here"};
        true ->
            case headroom_cc:compile("headroom_busy.c", ["-shared", "-fPIC", "-I", Headers]) of
                {ok, File} ->
                    ok = file:rename(File, File ++ ".so"),
                    {ok, File};
                {skipped, _} = Skipped ->
                    Skipped
            end
    end.

-spec load(file:filename()) -> ok.
load(File) -> ok = erlang:load_nif(File, 0).

%% So many milliseconds on a normal scheduler.
-spec hold(non_neg_integer()) -> ok.
hold(_Milliseconds) -> erlang:nif_error(not_loaded).

-spec close_fd(non_neg_integer()) -> integer().
close_fd(_Fd) -> erlang:nif_error(not_loaded).
