%% `headroom lint' of configurations as they are shipped: nothing is wrong with them, so nothing is found.
-module(headroom_lint_tests).

-include_lib("eunit/include/eunit.hrl").

%% A false alarm in what everybody has would end the use of it.
shipped_test_() ->
    [{Package, {timeout, 600, fun() -> packaged(Package) end}} || Package <- ["ejabberd", "rabbitmq-server"], installed(Package)].

installed(Package) ->
    {Status, _} = headroom_sh:run(["dpkg -L ", Package]),
    Status =:= 0.

%% The files of the package, and what its scripts made of them, below a folder of their own.
packaged(Package) ->
    Root = headroom_scratch:path("root"),
    {0, _} = headroom_sh:run(["mkdir -p ", Root, " && for f in $(dpkg -L ", Package, " | grep -E '^/(etc|lib/systemd|usr/lib/systemd)/'); do "
                              "if [ -f \"$f\" ]; then mkdir -p \"", Root, "$(dirname \"$f\")\" && cp -P \"$f\" \"", Root, "$f\"; fi; done; "
                              "if [ -f /etc/default/", Package, " ]; then mkdir -p ", Root, "/etc/default && cp /etc/default/", Package, " ", Root,
                              "/etc/default; fi"]),
    clean(Root),
    {0, _} = headroom_sh:run(["rm -rf ", Root]).

%% The templates of a Mix release, and the release itself.
mix_release_test_() ->
    {timeout, 600, fun() ->
        Root = headroom_scratch:path("mix"),
        {0, _} = headroom_sh:run(["mkdir -p ", Root, " && cd ", Root, " && env -u MIX_ENV -u MIX_BUILD_ROOT -u MIX_TARGET sh -c "
                                  "'mix new shop && cd shop && mix release.init && MIX_ENV=prod mix release --quiet'"]),
        clean(filename:join(Root, "shop")),
        clean(filename:join(Root, "shop/_build/prod/rel/shop")),
        {0, _} = headroom_sh:run(["rm -rf ", Root])
    end}.

clean(Root) ->
    ?assertEqual({0, <<"no findings\n">>}, headroom_sh:run([headroom_command:shell(), " lint --root ", Root])).
