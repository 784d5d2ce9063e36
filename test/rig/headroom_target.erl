%% Run by script/targets on another system, in a node that has the sources and the library in /mnt/headroom and no rebar3.
-module(headroom_target).

-export([main/0]).

main() ->
    Ebin = "/mnt/headroom/ebin",
    [{ok, _} = compile:file(File, [{outdir, Ebin}]) || File <- filelib:wildcard("/mnt/headroom/src/*.erl")],
    true = code:add_patha(Ebin),
    {ok, _} = application:ensure_all_started(headroom),
    Health = headroom:health(),
    %% Two roads to one number: the list has its own descriptor in it.
    #{fds := #{open := Open}, nofile := #{soft := Soft}} = headroom:snapshot(),
    {ok, Listed} = prim_file:list_dir("/proc/self/fd"),
    Open = length(Listed) - 1,
    true = is_integer(Soft),
    true = is_binary(headroom:report_text()),
    #{verdict := _} = headroom:diagnose(emfile, accept),
    {ok, Socket} = gen_tcp:listen(0, []),
    {ok, More} = headroom_nif:open_count(),
    true = More > Open,
    ok = gen_tcp:close(Socket),
    Health =:= ok orelse is_tuple(Health) orelse error({health, Health}),
    io:format("ok: OTP ~s, ~b of ~b descriptors~n", [erlang:system_info(otp_release), Open, Soft]),
    halt(0).
