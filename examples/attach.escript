#!/usr/bin/env escript
%%! -hidden
%% Puts headroom into a running node that does not have it and prints its report; or takes it out again.
%%
%%   ERL_FLAGS="-sname helper" escript examples/attach.escript attach NODE EBIN [COOKIE]
%%   ERL_FLAGS="-sname helper" escript examples/attach.escript detach NODE [COOKIE]
%%
%% EBIN is a folder of headroom's beams beside its priv, on the node's host and built by an OTP that its release can load. For TLS
%% between nodes add its flags (-proto_dist inet_tls ...) to ERL_FLAGS. A node with fewer than 5 free descriptors is harmed by the
%% attempt: look first, with `headroom inspect`.
main(["attach", Node, Ebin | Cookie]) ->
    Target = connect(Node, Cookie),
    true = call(Target, code, add_patha, [filename:absname(Ebin)]),
    ok = call(Target, application, load, [headroom]),
    %% What its configuration asks of a headroom of its own release could halt it.
    Options = call(Target, application, get_all_env, [headroom]),
    [ok = call(Target, application, unset_env, [headroom, Key]) || {Key, _} <- Options],
    ok = call(Target, application, set_env, [headroom, preload, false]),
    %% In embedded mode no module is loaded when it is called.
    {ok, Modules} = call(Target, application, get_key, [headroom, modules]),
    ok = call(Target, code, ensure_modules_loaded, [Modules]),
    ok = call(Target, application, start, [headroom]),
    io:put_chars(call(Target, headroom, report_text, []));
main(["detach", Node | Cookie]) ->
    Target = connect(Node, Cookie),
    Ebin = filename:dirname(call(Target, code, which, [headroom])),
    ok = call(Target, application, stop, [headroom]),
    ok = call(Target, headroom_app, forget, []),
    {ok, Modules} = call(Target, application, get_key, [headroom, modules]),
    ok = call(Target, application, unload, [headroom]),
    [call(Target, code, Function, [Module]) || Module <- Modules, Function <- [purge, delete, purge]],
    true = call(Target, code, del_path, [Ebin]),
    io:put_chars("nothing of headroom is left but its atoms\n");
main(_) ->
    io:put_chars(standard_error, "usage: see the first lines of this file\n"),
    halt(2).

connect(Node, Cookie) ->
    Target = list_to_atom(Node),
    [true = erlang:set_cookie(Target, list_to_atom(Text)) || Text <- Cookie],
    case net_kernel:connect_node(Target) of
        true -> Target;
        _ -> io:put_chars(standard_error, [Node, " cannot be reached, or has another cookie\n"]), halt(3)
    end.

call(Node, Module, Function, Args) ->
    case rpc:call(Node, Module, Function, Args, 20000) of
        {badrpc, Reason} -> io:format(standard_error, "~s:~s: ~0tp~n", [Module, Function, Reason]), halt(3);
        Answer -> Answer
    end.
