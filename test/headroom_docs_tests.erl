%% The documentation of the doors, as the shell of this release shows it.
-module(headroom_docs_tests).

-include_lib("eunit/include/eunit.hrl").

%% At three in the morning h(headroom) is the manual: on a release where it shows nothing, nobody learns what to call.
every_export_test_() ->
    [{timeout, 600, {atom_to_list(Module), fun() ->
        {docs_v1, _, erlang, <<"text/markdown">>, #{<<"en">> := _}, _, Docs} = docs(Module),
        Shown = shown(Module),
        Exports = [{function, Name, Arity} || {Name, Arity} <- Module:module_info(exports), Name =/= module_info],
        [begin
             {_, _, [_ | _], #{<<"en">> := Text}, _} = lists:keyfind(Export, 1, Docs),
             FirstLine = words(hd(string:split(Text, "\n"))),
             ?assertNotEqual({Export, nomatch}, {Export, string:find(Shown, FirstLine)})
         end || Export <- Exports]
     end}} || Module <- [headroom, headroom_health]].

%% Text of a source file that no compiler checks drifts: there is one comment a function, and it is not EDoc's.
no_second_text_test_() ->
    {timeout, 600, fun() ->
        Sources = filelib:wildcard(filename:join(source_folder(), "*.erl")),
        ?assert(length(Sources) > 10),
        [begin
             {ok, Text} = file:read_file(Source),
             ?assertEqual({Source, nomatch}, {Source, re:run(Text, "^%+ @doc", [multiline, {capture, none}])})
         end || Source <- Sources]
    end}.

docs(Module) ->
    {ok, Docs} = code:get_doc(Module),
    Docs.

%% What h/2 prints of all exports, in a shell of its own: the device of a test has no options.
shown(Module) ->
    Erl = filename:join([code:root_dir(), "bin", "erl"]),
    Ebin = filename:dirname(code:which(Module)),
    Show = io_lib:format("[c:h(~s, F) || F <- proplists:get_keys(~s:module_info(exports))], halt().", [Module, Module]),
    words(os:cmd(io_lib:format("~s -noinput -noshell -pa '~s' -eval '~s'", [Erl, Ebin, Show]))).

%% Without marks and lines: releases render code and emphasis each in its way, and not where no terminal is.
words(Text) ->
    Plain = re:replace(Text, "\\e\\[[0-9;]*m|[`*]", "", [global, {return, binary}, unicode]),
    re:replace(Plain, "\\s+", " ", [global, {return, binary}, unicode]).

source_folder() ->
    filename:dirname(proplists:get_value(source, headroom:module_info(compile))).
