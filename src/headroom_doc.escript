%% -*- erlang -*-
%% Writes the documentation chunk (EEP 48) that OTP 27 makes of -doc by itself. Run by script/doc-chunks.
%%   escript src/headroom_doc.escript EBIN SOURCE...

-mode(compile).
-include_lib("kernel/include/eep48.hrl").

main([Ebin | Sources]) ->
    lists:foreach(fun(Source) -> write(Source, Ebin) end, Sources).

write(Source, Ebin) ->
    {ok, Forms} = epp:parse_file(Source, [{macros, [{'HEADROOM_DOCS', true}]}]),
    %% A quotation mark in the text, for one: before OTP 27 it would end there.
    [] = [Error || {error, _} = Error <- Forms],
    Beam = filename:join(Ebin, filename:basename(Source, ".erl") ++ ".beam"),
    {ok, _Module, Chunks} = beam_lib:all_chunks(Beam),
    {ok, Documented} = beam_lib:build_module(Chunks ++ [{"Docs", term_to_binary(docs(Forms), [compressed])}]),
    %% Renamed: a node may be loading the module.
    Partial = Beam ++ "." ++ os:getpid(),
    ok = file:write_file(Partial, Documented),
    ok = file:rename(Partial, Beam).

docs(Forms) ->
    Exported = lists:append([Exports || {attribute, _, export, Exports} <- Forms]),
    Docs = documented(Forms),
    #docs_v1{anno = erl_anno:new(1), format = <<"text/markdown">>,
             module_doc = case [Text || {attribute, _, moduledoc, Text} <- Forms] of
                              [Text] -> text(Text);
                              [] -> none
                          end,
             docs = [entry(Function, maps:get(Function, Docs, none), Forms) || Function <- Exported]}.

entry({Name, Arity} = Function, Doc, Forms) ->
    {[{Anno, Clause}], Specs} =
        {[{Anno, Clause} || {function, Anno, N, A, [Clause | _]} <- Forms, {N, A} =:= Function],
         [Spec || {attribute, _, spec, {F, _}} = Spec <- Forms, F =:= Function]},
    {{function, Name, Arity}, Anno, [slogan(Function, Clause)], Doc, #{signature => Specs}}.

%% Arguments by their names, where the first clause has names for all of them.
slogan({Name, Arity}, {clause, _, Patterns, _, _}) ->
    Names = [atom_to_binary(Var, utf8) || {var, _, Var} <- Patterns],
    case length(Names) of
        Arity -> iolist_to_binary([atom_to_binary(Name, utf8), "(", lists:join(", ", Names), ")"]);
        _ -> iolist_to_binary(io_lib:format("~s/~b", [Name, Arity]))
    end.

%% What stands before a function, or before its specification, is the function's.
documented(Forms) ->
    {Docs, none} = lists:foldl(fun documented/2, {#{}, none}, Forms),
    Docs.

documented({attribute, _, doc, Text}, {Docs, none}) -> {Docs, text(Text)};
documented({attribute, _, spec, {Function, _}}, {Docs, Doc}) when Doc =/= none -> {Docs#{Function => Doc}, none};
documented({function, _, Name, Arity, _}, {Docs, Doc}) when Doc =/= none -> {Docs#{{Name, Arity} => Doc}, none};
documented(_Form, State) -> State.

text(Text) ->
    #{<<"en">> => unicode:characters_to_binary(string:trim(Text))}.
