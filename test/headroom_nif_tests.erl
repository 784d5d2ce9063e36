%% Whatever term reaches the native library, it answers or raises badarg, and the node lives.
-module(headroom_nif_tests).

-include_lib("eunit/include/eunit.hrl").

-export([try_public/0, try_one/2, real_calls/0]).

%% One clumsy line at the prompt, or one term that an OTP release shapes differently, must not end a node.
odd_terms_test_() ->
    in_child(fun(Child) ->
        Calls = headroom_child:call(Child, ?MODULE, real_calls, []),
        ?assertEqual([], stubs() -- [{Function, length(Args)} || {Function, Args} <- Calls]),
        {Tried, Bad} = headroom_child:call(Child, fun() -> try_oddities() end, 100000),
        ?assertEqual([], Bad),
        ?assert(Tried > 1000)
    end).

%% The same at the door: the functions that take arguments.
odd_arguments_test_() ->
    in_child(fun(Child) ->
        ?assertEqual([], headroom_child:call(Child, fun() -> try_public() end, 100000))
    end).

%% Terms that nobody thought of, in the place of arguments and inside of real ones.
random_terms_test_() ->
    case code:ensure_loaded(proper) of
        {module, proper} ->
            in_child(fun random_terms/1);
        {error, _} ->
            io:format(user, "skipped: random terms at the NIF boundary need PropEr~n", []),
            []
    end.

random_terms(Child) ->
    Calls = headroom_child:call(Child, ?MODULE, real_calls, []),
    Stubs = stubs(),
    Options = [quiet, {numtests, 1000}, {to_file, user}],
    Arbitrary = proper_types:bind(proper_types:elements(Stubs), fun({Function, Arity}) ->
        {Function, [proper_types:any() || _ <- lists:seq(1, Arity)]}
    end, false),
    ?assert(proper:quickcheck(proper:forall(Arbitrary, fun({Function, Args}) -> survives(Child, Function, Args) end),
                              Options)),
    Mutated = {proper_types:elements(Calls), proper_types:non_neg_integer(), proper_types:any()},
    ?assert(proper:quickcheck(proper:forall(Mutated, fun({{Function, Args}, Place, Term}) ->
        survives(Child, Function, mutate(Args, Place, Term))
    end), [{max_size, 200} | Options])).

survives(Child, Function, Args) ->
    is_survival(headroom_child:call(Child, ?MODULE, try_one, [Function, Args])).

%% An atom made from data is never given back: a node that meets many names would end with a full atom table.
no_atom_is_made_test_() ->
    in_child(fun(Child) ->
        ?assertEqual([], headroom_child:call(Child, fun() ->
            Calls = real_calls(),
            Fresh = fun() ->
                [try_one(Function, mutate(Args, Place, random_binary()))
                 || {Function, Args} <- Calls, Place <- lists:seq(0, places(Args) - 1)]
            end,
            _ = Fresh(),
            Before = erlang:system_info(atom_count),
            _ = Fresh(),
            lists:seq(Before + 1, erlang:system_info(atom_count))
        end))
    end).

random_binary() -> << <<(rand:uniform(26) + $a - 1)>> || _ <- lists:seq(1, 20) >>.

%%% Run in the child

%% Real calls with their parts replaced by each odd term: how many there were, and which of them were no answer and no
%% badarg. Of the facts, which most calls share, each call takes another fifth.
try_oddities() ->
    Calls = real_calls(),
    Tries = [{Function, Place, Name, try_one(Function, mutate(Args, Place, Term))}
             || {Nth, {Function, Args}} <- lists:zip(lists:seq(1, length(Calls)), Calls), Places <- [places(Args)],
                Place <- lists:seq(0, Places - 1), Places < 50 orelse Place rem 5 =:= Nth rem 5,
                {Name, Term} <- oddities()],
    {length(Tries), [Try || {_, _, _, Outcome} = Try <- Tries, not is_survival(Outcome)]}.

%% assert/1 ends the node when its argument is none that it can grant.
try_public() ->
    [{Function, Args, Name, Outcome}
     || {Function, Args, Kind} <- headroom_public:calls(), lists:member(Kind, [data, prints]), Function =/= assert, Function =/= show,
        Place <- lists:seq(0, places(Args) - 1), {Name, Term} <- oddities(),
        Outcome <- [try_call(headroom, Function, mutate(Args, Place, Term))], not is_survival(Outcome)].

try_one(Function, Args) -> try_call(headroom_nif, Function, Args).

%% Large terms stay where they are.
try_call(Module, Function, Args) ->
    try apply(Module, Function, Args) of
        _ -> answer
    catch
        Class:Reason -> {Class, Reason}
    end.

%% Facts are the application's own; where they do not fit, the key is named.
is_survival({error, {bad_facts, Why}}) -> is_binary(Why);
is_survival(Outcome) -> Outcome =:= answer orelse Outcome =:= {error, badarg}.

%% What the public functions hand to the library, seen by tracing, and what the application's start does.
real_calls() ->
    Thresholds = [{thresholds, [#{default => #{warning => 70}, fds => #{critical_free => 64}}]}],
    Boot = [{boot, [["erl", "+Q", "1024", "--", "-root", "ü"], 1024]}],
    Scan = [{scan, [start]}, {scan, [headroom_nif:scan(start)]}],
    Self = self(),
    Tracer = spawn(fun() -> collect(Self, []) end),
    _ = erlang:trace_pattern({headroom_nif, '_', '_'}, true, [local]),
    _ = erlang:trace(all, true, [call, {tracer, Tracer}]),
    _ = [apply(headroom, Function, Args) || {Function, Args, Kind} <- headroom_public:calls(), lists:member(Kind, [data, changes])],
    {_, _, _} = headroom_health:response(),
    _ = headroom_ask:status_record(1),
    ok = headroom_beam:keep(),
    _ = erlang:trace(all, false, [call]),
    Delivered = erlang:trace_delivered(all),
    receive {trace_delivered, all, Delivered} -> ok end,
    _ = erlang:trace_pattern({headroom_nif, '_', '_'}, false, [local]),
    Tracer ! stop,
    Seen = receive {seen, Calls} -> Calls end,
    Vitals = headroom_beam:vitals(headroom_config:thresholds()),
    Watch = [{sample, [Vitals, 20, 1000, recent]}, {trends, [0]}, {note_holder, [<<"text">>]}, {note_groups, [[{<<"a">>, 1, undefined}]]},
             {trend_text, [0, ascii]}, {trend_json, [0]},
             {cluster_text, [[#{node => <<"a@host">>, state => watched, level => ok}]]}],
    Known = [{version, []}, {open_count, []}, {gave, []}, {guard, [full, [0, 1, 2], 0]}, {last_words, [<<"text">>]}, {show, [[], erlang]},
             {identify, [[0, 1, 2]]}, {details, [[0, 1, 2]]}, {standard_pipes, [[{0, list_to_integer(os:getpid())}]]},
             {ask_long, [{diagnose, <<"accept: emfile">>, accept, false},
                         {headroom_beam:facts(no_sockets), headroom_config:thresholds(), fresh}]}]
        ++ Watch ++ Thresholds ++ Boot ++ Scan,
    [Call || {Function, Args} = Call <- Known ++ Seen, lists:member({Function, length(Args)}, stubs())].

collect(Parent, Seen) ->
    receive
        {trace, _, call, {headroom_nif, Function, Args}} -> collect(Parent, [{Function, Args} | Seen]);
        stop -> Parent ! {seen, maps:values(maps:from_list([{kind(Call), Call} || Call <- Seen]))}
    end.

%% One call of each function, and one for each question and each change.
kind({Function, [What | _]}) when Function =:= ask; Function =:= change ->
    {Function, if is_tuple(What) -> element(1, What); true -> What end};
kind({Function, _}) ->
    Function.

stubs() -> headroom_nif:module_info(nifs).

%% Kept as one constant: no garbage collection copies the deep ones.
oddities() ->
    case persistent_term:get(?MODULE, undefined) of
        undefined ->
            persistent_term:put(?MODULE, make_oddities()),
            oddities();
        Oddities ->
            Oddities
    end.

make_oddities() ->
    Deep = lists:foldl(fun(_, Term) -> [Term] end, [], lists:seq(1, 1000000)),
    DeepTuple = lists:foldl(fun(_, Term) -> {Term} end, {}, lists:seq(1, 100000)),
    DeepMap = lists:foldl(fun(_, Term) -> #{a => Term} end, #{}, lists:seq(1, 100000)),
    [{improper, [1 | 2]}, {improper_list, [a, b | c]}, {huge_binary, binary:copy(<<"x">>, 3000000)},
     {no_utf8, <<255, 254, 0>>}, {bits, <<1:3>>}, {utf8, <<"日本"/utf8>>}, {empty, <<>>},
     {deep_list, Deep}, {deep_tuple, DeepTuple}, {deep_map, DeepMap}, {long_list, lists:seq(1, 20000)},
     {wide_tuple, list_to_tuple(lists:seq(1, 20000))}, {map, #{}}, {struct, #{'__struct__' => x}}, {nil, []},
     {bignum, 1 bsl 64}, {huge_bignum, 1 bsl 5000}, {negative, -1}, {negative_bignum, -(1 bsl 5000)},
     {max, (1 bsl 64) - 1}, {max_signed, (1 bsl 63) - 1}, {float, 1.0e308}, {small, 5.0e-324}, {minus_zero, -0.0},
     {atom, 'no such word'}, {unicode_atom, '日本'}, {long_atom, list_to_atom(lists:duplicate(255, 16#1F600))},
     {empty_atom, ''}, {pid, self()}, {ref, make_ref()}, {'fun', fun lists:map/2}, {closure, fun() -> ok end},
     {string, "text"}, {pair, {0, 0}}, {known, {infinity, unknown}}, {undefined, undefined}, {infinity, infinity},
     {unknown, unknown}, {true, true}, {zero, 0}].

%% How many places there are to put another term: the arguments and all of their parts.
places([]) -> 0;
places(Args) -> parts(Args) - 1.

parts(Map) when is_map(Map) -> 1 + parts_of(maps:to_list(Map));
parts(Tuple) when is_tuple(Tuple) -> 1 + parts_of(tuple_to_list(Tuple));
parts(List) when is_list(List) -> try 1 + parts_of(List) catch error:_ -> 1 end;
parts(_) -> 1.

parts_of(Terms) -> lists:sum([parts(Term) || Term <- Terms]).

%% The arguments with another term in one place.
mutate([], _, _) ->
    [];
mutate(Args, Place, Term) ->
    {Mutated, _} = elements(Args, Place rem places(Args), Term),
    Mutated.

%% A negative place has been passed.
part(_, 0, New) -> {New, -1};
part(Old, Place, _) when Place < 0 -> {Old, Place};
part(Map, Place, New) when is_map(Map) ->
    {Pairs, Rest} = elements(maps:to_list(Map), Place - 1, New),
    {maps:from_list([Pair || {_, _} = Pair <- Pairs]), Rest};
part(Tuple, Place, New) when is_tuple(Tuple) ->
    {Elements, Rest} = elements(tuple_to_list(Tuple), Place - 1, New),
    {list_to_tuple(Elements), Rest};
part([_ | _] = List, Place, New) -> elements(List, Place - 1, New);
part(Old, Place, _) -> {Old, Place - 1}.

elements(Terms, Place, New) ->
    lists:mapfoldl(fun(Term, Left) -> part(Term, Left, New) end, Place, Terms).

%% A node in alarm, so that a health check looks further.
in_child(Test) ->
    Options = #{load => [?MODULE, headroom_public, rand],
                args => ["-headroom", "thresholds", "#{fds => #{critical_free => 1000000}}"]},
    {timeout, 600, fun() -> headroom_child:with(Options, Test) end}.
