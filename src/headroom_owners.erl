%% @private
%% Helpers that ask processes about themselves, started with the application: a process inside a long native call keeps
%% whoever asks it waiting, and that must not be the shell of the operator.
%%
%% A helper that waits is left behind, and the next one goes on with the rest. What comes too late is thrown away by the
%% helper itself: no message reaches a caller that has gone on.
-module(headroom_owners).

-export([start_link/1, names/0, init/2]).
-export([ask/1, within/2, option/2]).
-export_type([owner/0, files/0, process/0, question/0]).

%% What one process is asked: who it is, whom it works for and how many files it may have, or the last alone. Or the
%% sockets of the VM.
-type question() :: {owner, pid()} | {files, pid()} | sockets | {call, fun(() -> term())}.
%% What a process has in common with others of its kind.
-type process() :: {Name :: atom(), Label :: term(), Ancestor :: atom(), Initial :: mfa() | undefined,
                    Parent :: atom() | binary(), Application :: atom()}.
%% The process that works with a descriptor, and how many references watch the one that was asked about.
-type owner() :: {pid(), process() | gone, References :: non_neg_integer()}.
%% Whose the files are of a process that was asked about. `sure': each reference is a file, and nothing else.
-type files() :: {pid(), process() | gone, References :: pos_integer(), sure | unsure}.

%% Milliseconds without an answer until the next helper goes on, and of all such waiting together.
-define(PATIENCE, 20).
-define(PATIENCE_IN_ALL, 100).
-define(LOOK, 5).
%% Answers in one message.
-define(BATCH, 200).
%% The largest dictionary that is copied, in words of the heap that it is on; where single entries can be asked for, any.
-define(HEAP, 100000).
%% From a connection's own processes to the one that uses it.
-define(HOPS, 3).

-define(AT, 1).
-define(STATE, 2).
-define(RUNS, 0).
-define(SENDS, 1).
-define(OVER, 2).

names() ->
    [headroom_owners_1, headroom_owners_2, headroom_owners_3, headroom_owners_4].

-spec start_link(atom()) -> {ok, pid()}.
start_link(Name) ->
    proc_lib:start_link(?MODULE, init, [Name, self()]).

%%% In the caller

%% The answers to the questions, those that were not answered in time as `busy', and what nobody could be asked.
-spec ask([question()]) -> {[{question(), term()}], Busy :: [question()], NotAsked :: [question()]}.
ask(Questions) ->
    Helpers = [Helper || Name <- names(), Helper <- [whereis(Name)], is_pid(Helper), Helper =/= self()],
    go_on(Questions, Helpers, [], [], [], ?PATIENCE_IN_ALL).

%% What a call answers, if that comes in so many milliseconds: made by the last helper, which is free most.
-spec within(fun(() -> {ok, term()} | none), non_neg_integer()) -> {ok, term()} | none.
within(Fun, Milliseconds) ->
    Question = {call, Fun},
    case whereis(lists:last(names())) of
        Helper when is_pid(Helper) ->
            {Ref, _} = Job = {make_ref(), atomics:new(2, [])},
            Helper ! {ask, self(), Job, [Question]},
            receive
                {Ref, done, [{Question, Answer}]} -> Answer
            after Milliseconds ->
                case end_job(Job, []) of
                    [{Question, Answer}] -> Answer;
                    [] -> none
                end
            end;
        _ ->
            none
    end.

go_on([], _Helpers, Jobs, Answers, Waiting, Left) ->
    finish(Jobs, Answers, Waiting, [], Left);
go_on(Questions, Helpers, Jobs, Answers, Waiting, Left) when Helpers =:= []; Left =< 0 ->
    finish(Jobs, Answers, Waiting, Questions, Left);
go_on(Questions, [Helper | Helpers], Jobs, Answers, Waiting, Left) ->
    Job = {make_ref(), atomics:new(2, [])},
    Helper ! {ask, self(), Job, Questions},
    case answers(Job, Questions, Answers, 0, 0, Left) of
        {done, More} ->
            finish([Job | Jobs], More, Waiting, [], Left);
        {stuck, More, [Stuck | Rest], StillLeft} ->
            go_on(Rest, Helpers, [Job | Jobs], More, [Stuck | Waiting], StillLeft);
        %% It has not even begun: it waits for what another caller asked.
        {idle, More, StillLeft} ->
            go_on(Questions, Helpers, [Job | Jobs], More, Waiting, StillLeft)
    end.

answers({Ref, Progress} = Job, Questions, Answers, At, Still, Left) ->
    receive
        {Ref, done, Last} -> {done, Last ++ Answers};
        {Ref, More} -> answers(Job, Questions, More ++ Answers, At, 0, Left)
    after ?LOOK ->
        case atomics:get(Progress, ?AT) of
            At when Still + ?LOOK >= ?PATIENCE; Still + ?LOOK >= Left ->
                stuck(Job, Questions, Answers, At, Left - Still - ?LOOK);
            At -> answers(Job, Questions, Answers, At, Still + ?LOOK, Left);
            Now -> answers(Job, Questions, Answers, Now, 0, Left)
        end
    end.

stuck(_Job, _Questions, Answers, 0, Left) -> {idle, Answers, Left};
stuck(_Job, Questions, Answers, At, Left) ->
    %% What it has answered and not sent yet is asked again: it may never be sent.
    {Before, [Stuck | Rest]} = lists:split(At - 1, Questions),
    Answered = maps:from_list(Answers),
    {stuck, Answers, [Stuck | [Question || Question <- Before, not is_map_key(Question, Answered)] ++ Rest], Left}.

%% Ends all jobs, takes what came meanwhile, and leaves nothing behind in the mailbox.
finish(Jobs, Answers, [_ | _] = Waiting, NotAsked, Left) when Left > 0 ->
    receive after ?LOOK -> ok end,
    More = lists:foldl(fun({Ref, _}, Acc) -> received(Ref, Acc) end, Answers, Jobs),
    Still = [Question || Question <- Waiting, not lists:keymember(Question, 1, More)],
    finish(Jobs, More, Still, NotAsked, Left - ?LOOK);
finish([Job], Answers, [], [], _Left) ->
    {end_job(Job, Answers), [], []};
%% What was asked a second time may have two answers.
finish(Jobs, Answers0, Waiting, NotAsked, _Left) ->
    Answers = lists:foldl(fun end_job/2, Answers0, Jobs),
    Answered = maps:from_list(Answers),
    {maps:to_list(Answered),
     [Question || Question <- Waiting, not maps:is_key(Question, Answered)],
     [Question || Question <- NotAsked, not maps:is_key(Question, Answered)]}.

end_job({Ref, Progress} = Job, Answers) ->
    case atomics:compare_exchange(Progress, ?STATE, ?RUNS, ?OVER) of
        ?SENDS ->
            erlang:yield(),
            end_job(Job, Answers);
        _ ->
            received(Ref, Answers)
    end.

received(Ref, Answers) ->
    receive
        {Ref, done, More} -> received(Ref, More ++ Answers);
        {Ref, More} -> received(Ref, More ++ Answers)
    after 0 ->
        Answers
    end.

%%% In a helper

init(Name, Parent) ->
    true = register(Name, self()),
    proc_lib:init_ack(Parent, {ok, self()}),
    loop(#{keys => keys(), helper => self()}).

%% What this release can be asked for at once. Keys that are asked of a process in one call cost little more than one.
keys() ->
    Basic = [registered_name, initial_call, group_leader, monitored_by],
    Entries = [{dictionary, '$ancestors'}, {dictionary, '$initial_call'}, {dictionary, '$process_label'}],
    Parent = [parent || can_ask([parent])],
    case can_ask(Entries) of
        true -> {entries, Basic ++ Parent ++ Entries};
        false -> {dictionary, Basic ++ Parent ++ [total_heap_size]}
    end.

can_ask(Keys) ->
    try
        is_list(process_info(self(), Keys))
    catch
        error:badarg -> false
    end.

loop(State) ->
    receive
        {ask, From, {Ref, Progress}, Questions} ->
            Tables = case lists:keymember(files, 1, Questions) of
                         true -> users_of_tables();
                         false -> #{}
                     end,
            run(Questions, 1, [], 0, From, Ref, Progress, State#{applications => applications(), tables => Tables}),
            loop(State);
        _ ->
            loop(State)
    end.

run([], _At, Answers, _Count, From, Ref, Progress, _State) ->
    _ = send(Progress, From, {Ref, done, Answers}),
    ok;
run(Questions, At, Answers, ?BATCH, From, Ref, Progress, State) ->
    case send(Progress, From, {Ref, Answers}) of
        ok -> run(Questions, At, [], 0, From, Ref, Progress, State);
        over -> ok
    end;
run([Question | Questions], At, Answers, Count, From, Ref, Progress, State) ->
    ok = atomics:put(Progress, ?AT, At),
    Start = erlang:monotonic_time(millisecond),
    Answer = {Question, answer(Question, State)},
    %% What took long is sent at once: the caller may just be about to give up.
    Counted = case erlang:monotonic_time(millisecond) - Start of
                  Took when Took >= ?LOOK -> ?BATCH;
                  _ -> Count + 1
              end,
    run(Questions, At + 1, [Answer | Answers], Counted, From, Ref, Progress, State).

send(Progress, From, Message) ->
    case atomics:compare_exchange(Progress, ?STATE, ?RUNS, ?SENDS) of
        ok ->
            From ! Message,
            ok = atomics:put(Progress, ?STATE, ?RUNS),
            ok;
        ?OVER ->
            over
    end.

%% Which application's master is the group leader: a table of OTP that anybody may read. Asking the master would be a message.
applications() ->
    try
        maps:from_list([{Master, Application} || [Application, Master] <-
                            ets:match(ac_tab, {{application_master, '$1'}, '$2'})])
    catch
        error:badarg -> #{}
    end.

answer({owner, Pid}, State) -> owner(Pid, State);
answer({files, Pid}, State) -> files(Pid, State);
answer(sockets, _State) -> sockets();
answer({call, Fun}, _State) -> Fun().

owner(Pid, State) ->
    case info(Pid, State) of
        undefined ->
            {Pid, gone, 0};
        #{watchers := Watchers} = Info ->
            {User, Process} = user(Pid, Info, ?HOPS, State),
            {User, Process, references(Watchers)}
    end.

user(Pid, #{entry := Entry} = Info, Hops, State) ->
    case works_for(Pid, Entry) of
        User when is_pid(User), Hops > 0 -> user(User, Hops - 1, State);
        _ -> {Pid, process(Info, State)}
    end.

user(Pid, Hops, State) ->
    case info(Pid, State) of
        undefined -> {Pid, gone};
        Info -> user(Pid, Info, Hops, State)
    end.

%% The process of a TLS connection, that of a socket with the face of gen_tcp, and those of files that are not raw, or are
%% buffered or compressed, watch the one that uses them.
works_for(Pid, {Module, init, _}) when Module =:= ssl_gen_statem; Module =:= gen_tcp_socket; Module =:= tls_connection;
                                       Module =:= dtls_connection; Module =:= raw_file_io_delayed;
                                       Module =:= raw_file_io_deflate; Module =:= raw_file_io_inflate;
                                       Module =:= raw_file_io_list ->
    monitored(Pid);
works_for(_Pid, _Entry) ->
    none.

monitored(Pid) ->
    case process_info(Pid, monitors) of
        {monitors, Monitors} -> only([User || {process, User} <- Monitors, is_pid(User)]);
        undefined -> none
    end.

only(Pids) ->
    case lists:usort(Pids) of
        [Pid] -> Pid;
        _ -> none
    end.

info(Pid, #{keys := {How, Keys}}) when node(Pid) =:= node() ->
    case process_info(Pid, Keys) of
        undefined -> undefined;
        [{registered_name, Name}, {initial_call, Call}, {group_leader, Leader}, {monitored_by, Watchers} | More] ->
            {Ancestors, Entry, Label} = entries(How, Pid, Call, More),
            #{name => Name, call => Call, leader => Leader, watchers => Watchers, parent => value(parent, More),
              ancestors => Ancestors, entry => Entry, label => label(Label)}
    end;
info(_Pid, _State) ->
    undefined.

entries(entries, _Pid, _Call, Info) ->
    {value({dictionary, '$ancestors'}, Info), value({dictionary, '$initial_call'}, Info),
     value({dictionary, '$process_label'}, Info)};
%% Only processes that proc_lib began have something to say there.
entries(dictionary, Pid, {proc_lib, _, _}, Info) ->
    case value(total_heap_size, Info) < ?HEAP andalso process_info(Pid, dictionary) of
        {dictionary, Entries} ->
            {value('$ancestors', Entries), value('$initial_call', Entries), value('$process_label', Entries)};
        _ ->
            {undefined, undefined, undefined}
    end;
entries(dictionary, _Pid, _Call, _Info) ->
    {undefined, undefined, undefined}.

value(Key, Pairs) ->
    case lists:keyfind(Key, 1, Pairs) of
        {_, Value} -> Value;
        false -> undefined
    end.

%% What is a text or a number alone is that of one process.
label(Label) when is_binary(Label); is_number(Label) -> undefined;
label(Label) -> Label.

process(#{name := Name, call := Call, leader := Leader, entry := Entry, ancestors := Ancestors, label := Label,
          parent := Spawner}, #{applications := Applications}) ->
    Ancestor = ancestor(Ancestors),
    Parent = case Ancestor of
                 undefined when Name =:= [], Label =:= undefined -> parent(Spawner);
                 _ -> undefined
             end,
    {registered(Name), Label, Ancestor, initial(Entry, Call), Parent, maps:get(Leader, Applications, undefined)}.

registered([]) -> undefined;
registered(Name) -> Name.

ancestor([Name | _]) when is_atom(Name) -> Name;
ancestor([_ | Ancestors]) -> ancestor(Ancestors);
ancestor(_) -> undefined.

initial({Module, Function, Arity}, _Call) when is_atom(Module), is_atom(Function), is_integer(Arity) ->
    {Module, Function, Arity};
initial(_Entry, {proc_lib, _, _}) -> undefined;
initial(_Entry, {erlang, apply, 2}) -> undefined;
initial(_Entry, Call) -> Call.

%% Whoever spawned it; a name outlives the look, a number says at least which ones belong together.
parent(Pid) when is_pid(Pid), node(Pid) =:= node() ->
    case process_info(Pid, registered_name) of
        {registered_name, Name} -> Name;
        _ -> list_to_binary(pid_to_list(Pid))
    end;
parent(_) ->
    undefined.

%% Each open file of the VM watches its owner by a reference, as sockets of the socket module do, and what native code of
%% libraries likes to: no more than the number of them is known.
references(Watchers) ->
    length(lists:usort([Ref || Ref <- Watchers, is_reference(Ref)])).

files(Pid, State) ->
    case process_info(Pid, monitored_by) of
        {monitored_by, [_ | _] = Watchers} ->
            case references(Watchers) of
                0 -> none;
                Count -> files(Pid, Count, State)
            end;
        _ ->
            none
    end.

files(Pid, Count, State) ->
    case info(Pid, State) of
        undefined -> none;
        %% Those of the terminal watch their own.
        #{name := Name} when Name =:= user_drv_reader; Name =:= user_drv_writer -> none;
        #{entry := {dets, init, _}} = Info -> table(Pid, Count, dets, dets_owners, Info, State);
        #{entry := {disk_log, init, _}} = Info -> table(Pid, Count, disk_log, disk_log_pids, Info, State);
        #{entry := Entry} = Info ->
            case {works_for(Pid, Entry), process_info(Pid, current_function)} of
                {User, _} when is_pid(User) -> used(User, Count, State);
                %% A file that is not raw has a process of its own, which watches the one that uses it.
                {none, {current_function, {file_io_server, _, _}}} ->
                    case monitored(Pid) of
                        none -> {Pid, process(Info, State), Count, sure};
                        User -> used(User, Count, State)
                    end;
                _ ->
                    {Pid, process(Info, State), Count, unsure}
            end
    end.

used(Pid, Count, State) ->
    {User, Process} = user(Pid, ?HOPS, State),
    {User, Process, Count, sure}.

%% A file that OTP keeps for others, by its name there, and by whoever opened it, if that is one. The tables say what it is
%% without a message to their owners.
table(Pid, Count, Kind, Names, Info, State) ->
    Label = case looked_up(Names, Pid) of
                [{_, Table} | _] -> {Kind, Table};
                [] -> Kind
            end,
    case opener(Kind, Pid, Label, State) of
        none ->
            {Pid, setelement(2, process(Info, State), Label), Count, sure};
        User ->
            case user(User, 0, State) of
                {_, gone} ->
                    {Pid, setelement(2, process(Info, State), Label), Count, sure};
                {_, {Name, Its, Ancestor, _, Parent, Application}} ->
                    {User, {undefined, Label, undefined, undefined, first([Name, Its, Ancestor, Parent]), Application},
                     Count, sure}
            end
    end.

first([undefined | Names]) -> first(Names);
first([Name | _]) when is_atom(Name); is_binary(Name) -> Name;
first([_ | Names]) -> first(Names);
first([]) -> undefined.

opener(disk_log, Pid, _Label, _State) ->
    case process_info(Pid, links) of
        {links, Links} ->
            only([Link || Link <- Links, is_pid(Link)] -- [whereis(disk_log_sup), whereis(disk_log_server)]);
        undefined -> none
    end;
opener(dets, _Pid, {dets, Table}, #{tables := Tables}) ->
    only(maps:get(Table, Tables, []));
opener(dets, _Pid, _Label, _State) ->
    none.

%% Who has which table of dets open. Its server keeps that in a table that has no name of its own.
users_of_tables() ->
    case whereis(dets) of
        undefined ->
            #{};
        Server ->
            Stores = [Store || Store <- ets:all(), ets:info(Store, name) =:= dets, ets:info(Store, owner) =:= Server],
            Users = [{Table, User} || Store <- Stores, {User, Table} <- rows(Store), is_pid(User)],
            lists:foldl(fun({Table, User}, Tables) ->
                            Tables#{Table => [User | maps:get(Table, Tables, [])]}
                        end, #{}, Users)
    end.

rows(Table) ->
    try
        ets:tab2list(Table)
    catch
        error:badarg -> []
    end.

looked_up(Table, Key) ->
    try
        ets:lookup(Table, Key)
    catch
        error:badarg -> []
    end.

%% The sockets of the socket module: its registry is a process, which may be suspended or busy.
sockets() ->
    [{Socket, Fd, Owner} || Socket <- socket:which_sockets(), {ok, Fd} <- [option(Socket, fd)],
                            {ok, Owner} <- [option(Socket, controlling_process)]].

%% Of a socket that may be closed by now. It is no message.
-spec option(socket:socket(), fd | controlling_process) -> {ok, term()} | none | {error, term()}.
option(Socket, Option) ->
    try
        socket:getopt(Socket, otp, Option)
    catch
        error:_ -> none
    end.
