%% @private
%% Who holds the descriptors: looks at them, collects what the VM knows of their owners, and lets the core join both.
%%
%% In this order, since nobody is blamed at first sight: the kernel, the VM, and what is in doubt once more, kernel before
%% and after the VM. Opens nothing, spawns nothing; processes are asked by helpers that were started with the application.
-module(headroom_inventory).

-export([inventory/1, text/1, json/1, report/1, relief/0, close/2]).

-type unavailable() :: {error, {nif_not_loaded, term()}}.

%% Descriptors in one call of the library.
-define(AT_ONCE, 512).
%% How often somebody else's look is waited for, a few milliseconds each time.
-define(TRIES, 1000).
%% Further looks at what still seems to belong to nobody, and the milliseconds before each.
-define(PAUSES, [0, 10, 20]).
%% How many are closed at most in one call.
-define(MOST, 100).
%% Milliseconds in which an owner that was asked to end may do so.
-define(ENDING, 500).
%% Milliseconds that a report waits for what is not its own.
-define(SOON, 2000).
%% Of Linux (netinet/in.h, linux/tcp.h).
-define(IPPROTO_TCP, 6).
-define(TCP_USER_TIMEOUT, 18).

-spec inventory(map()) -> map() | {error, busy} | unavailable().
inventory(Options) ->
    {Core, Details} = options(Options),
    Start = erlang:monotonic_time(microsecond),
    looked(Core, fun(Sight, Handles) ->
        Inventory = headroom_nif:holders(inventory, Sight, Core),
        Told = told(Inventory, Handles),
        Took = erlang:monotonic_time(microsecond) - Start,
        detailed(Details, Told#{took_us => Took})
    end).

-spec text(map()) -> binary() | {error, busy} | unavailable().
text(Options) ->
    {Core, _} = options(Options),
    looked(Core, fun(Sight, Handles) ->
        #{holders := Holders, zombies := Zombies} = headroom_nif:holders(inventory, Sight, Core),
        First = [Sample || #{sample := Samples} <- lists:sublist(Holders, 1), Sample <- Samples],
        Names = maps:from_list([{Claim, name(element(Claim + 1, Handles))}
                                || #{claim := Claim} <- First ++ Zombies, is_integer(Claim)]),
        headroom_nif:holders({text, Names}, Sight, Core)
    end).

%% Without the handles of the VM, which mean nothing elsewhere.
-spec json(map()) -> binary() | {error, busy} | unavailable().
json(Options) ->
    {Core, _} = options(Options),
    looked(Core, fun(Sight, _Handles) -> headroom_nif:holders(json, Sight, Core) end).

%% The report. Where descriptors or ports run out it says who has them, if that can be told soon.
-spec report(ascii | unicode) -> binary() | unavailable().
report(Charset) ->
    headroom_ask:report(Charset, first_holder(headroom_ask:health())).

first_holder({Level, [_ | _] = Findings}) when Level =:= warning; Level =:= critical ->
    case [Id || #{id := Id, resource := Resource} <- Findings, Resource =:= fds orelse Resource =:= ports] of
        [] -> none;
        _ ->
            case headroom_owners:within(fun first/0, ?SOON) of
                {ok, _} = First -> First;
                none -> late
            end
    end;
first_holder(_) ->
    none.

first() ->
    {Core, _} = options(#{top => 1, sample => 0}),
    case looked(Core, fun(Sight, _Handles) -> {ok, headroom_nif:holders(first, Sight, Core)} end) of
        {ok, _} = First -> First;
        {error, _} -> none
    end.

-spec relief() -> [map()] | {error, busy} | unavailable().
relief() ->
    {Core, _} = options(#{}),
    looked(Core, fun(Sight, _Handles) ->
        [existing(Offer) || Offer <- headroom_nif:holders(relief, Sight, Core)]
    end).

%% Closes what an offer of relief/0 has, after another look.
-spec close(owner_gone | close_wait | idle, binary()) ->
          {ok, map()} | {error, no_such_group | nothing_to_close | busy} | unavailable().
close(Why, Group) ->
    {Core, _} = options(#{}),
    looked(Core, fun(Sight, Handles) ->
        Offers = headroom_nif:holders(targets, Sight, Core),
        %% Processes of one name can belong to several applications: each of these is an offer.
        Named = [{How, maps:get(targets, Offer, [])} || #{group := Found, why := Because, how := How} = Offer <- Offers,
                                                        Found =:= Group, Because =:= Why],
        case [Offer || {How, _} = Offer <- Named, How =/= nothing] of
            [{How, _} | _] = Some ->
                Targets = lists:append([Each || {_, Each} <- Some]),
                Now = lists:sublist(Targets, ?MOST),
                {ok, closed(How, Now, Handles, length(Targets) - length(Now))};
            [] when Named =:= [] ->
                {error, no_such_group};
            [] ->
                {error, nothing_to_close}
        end
    end).

%%% The look

looked(#{idle_ms := Idle}, Answer) ->
    headroom_ask:with_library(fun() ->
        case look({start, Idle}, [], ?TRIES) of
            {error, busy} = Error ->
                Error;
            {Seen, Complete, Files} ->
                #{handles := Handles} = Vm = vm(Files),
                Sight = {Seen, Complete, owners(Vm), []},
                Answer(again(Sight, Vm, ?PAUSES), list_to_tuple(Handles))
        end
    end).

look(_State, _Seen, 0) ->
    {error, busy};
look(State, Seen, Tries) ->
    case headroom_nif:look(State) of
        {more, Next, Part} -> look(Next, [Part | Seen], ?TRIES);
        {done, #{complete := Complete, files := Files}} -> {lists:reverse(Seen), Complete, Files};
        busy -> waited(fun() -> look(State, Seen, Tries - 1) end)
    end.

waited(Again) ->
    receive after 5 -> Again() end.

identify(Fds) -> identify(Fds, []).

identify([], Parts) ->
    Parts;
identify(Fds, Parts) ->
    {Some, Rest} = lists:split(min(?AT_ONCE, length(Fds)), Fds),
    case headroom_nif:identify(Some) of
        busy -> waited(fun() -> identify(Fds, Parts) end);
        Part -> identify(Rest, [Part | Parts])
    end.

%% Nothing in doubt, or as often as there are pauses.
again(Sight, _Vm, []) ->
    Sight;
again({Seen, Complete, Owners, Looks} = Sight, Vm, [Pause | Pauses]) ->
    case headroom_nif:holders(doubts, Sight, options_of_doubts()) of
        #{claimed := [], unclaimed := [], claims := []} ->
            Sight;
        #{claimed := Claimed, unclaimed := Unclaimed, claims := Claims} ->
            receive after Pause -> ok end,
            Before = identify(Claimed ++ Unclaimed),
            {Standing, Now} = claimed_now(Claims, Unclaimed, Vm),
            After = identify(Unclaimed),
            again({Seen, Complete, Owners, Looks ++ [{Before, Standing, Now, After}]}, Vm, Pauses)
    end.

options_of_doubts() ->
    {Core, _} = options(#{}),
    Core.

%%% What the VM knows

%% `handles' are the ports and sockets with their owner and its user, in the order of the claims.
vm(Files) ->
    {Inet, Unopened, Programs, Fixed} = ports(),
    {Sockets, SocketsKnown} = sockets(),
    Claiming = Inet ++ Fixed ++ Sockets,
    Pids = lists:usort([Owner || {_, _, Owner} <- Claiming] ++ [Owner || {_, _, Owner} <- Programs]),
    Asked = case Files of
                true -> [{files, Pid} || Pid <- processes() -- Pids];
                false -> []
            end,
    {Answers, Busy, NotAsked} = headroom_owners:ask([{owner, Pid} || Pid <- Pids] ++ Asked),
    Owners = maps:from_list([{Pid, Owner} || {{owner, Pid}, Owner} <- Answers]
                            ++ [{Pid, {Pid, busy, 0}} || {owner, Pid} <- Busy]
                            ++ [{Pid, {Pid, not_asked, 0}} || {owner, Pid} <- NotAsked]),
    Claim = fun(Claimed, Acc) -> claim(Claimed, Owners, Acc) end,
    {Claims, Handles, Known} = lists:foldr(Claim, {[], [], {#{}, #{}}}, Claiming),
    {FileClaims, WithFiles} = files(Files, Answers, Sockets, Known),
    {Piped, {Kinds, Numbers}} = programs(Programs, Owners, WithFiles),
    #{claims => Claims,
      kinds => [Kind || {Kind, _} <- lists:keysort(2, maps:to_list(Kinds))],
      programs => Piped,
      files => FileClaims,
      complete => SocketsKnown andalso Busy =:= [] andalso NotAsked =:= [],
      asker => maps:get(self(), Numbers, undefined),
      handles => Handles,
      unopened => Unopened,
      known => maps:from_list([{Port, true} || {Port, _, _} <- Inet])}.

owners(#{kinds := Kinds, claims := Claims, programs := Programs, files := Files, complete := Complete, asker := Asker}) ->
    {Kinds, Claims, Programs, Files, Complete, Asker}.

%% Ports with a descriptor, those that may get one in a moment, those of programs, and those of given descriptors.
ports() ->
    lists:foldl(fun port/2, {[], [], [], []}, erlang:ports()).

port(Port, {Inet, Unopened, Programs, Fixed} = Ports) ->
    case erlang:port_info(Port, name) of
        {name, Name} when Name =:= "tcp_inet"; Name =:= "udp_inet"; Name =:= "sctp_inet" ->
            case {prim_inet:getfd(Port), erlang:port_info(Port, connected)} of
                {{ok, Fd}, {connected, Owner}} -> {[{Port, Fd, Owner} | Inet], Unopened, Programs, Fixed};
                {{error, _}, {connected, _}} -> {Inet, [Port | Unopened], Programs, Fixed};
                _ -> Ports
            end;
        {name, Name} ->
            case {erlang:port_info(Port, os_pid), erlang:port_info(Port, connected)} of
                {{os_pid, Pid}, {connected, Owner}} when is_integer(Pid) ->
                    {Inet, Unopened, [{Port, Pid, Owner} | Programs], Fixed};
                {{os_pid, undefined}, {connected, Owner}} ->
                    {Inet, Unopened, Programs, [{Port, Fd, Owner} || Fd <- given(Name)] ++ Fixed};
                _ -> Ports
            end;
        undefined ->
            Ports
    end.

%% A port of two given descriptors has them as its name: `0/1'.
given(Name) ->
    try
        lists:usort([list_to_integer(Fd) || Fd <- string:split(Name, "/", all)])
    catch
        error:badarg -> []
    end.

sockets() ->
    case headroom_owners:ask([sockets]) of
        {[{sockets, Sockets}], _, _} -> {Sockets, true};
        _ -> {[], false}
    end.

%% Each different kind of owner once, and a number for each process that works with descriptors.
claim({Handle, Fd, Owner}, Owners, {Claims, Handles, Known}) ->
    {User, Kind, _} = maps:get(Owner, Owners),
    {KindNumber, Number, More} = numbered(Kind, User, Known),
    {[{Fd, KindNumber, Number, queued(Kind, Handle)} | Claims], [{Handle, Owner, User} | Handles], More}.

numbered(Kind, User, {Kinds, Numbers}) ->
    {KindNumber, MoreKinds} = number(Kind, Kinds),
    {Number, MoreNumbers} = number(User, Numbers),
    {KindNumber, Number, {MoreKinds, MoreNumbers}}.

number(Key, Numbers) ->
    case Numbers of
        #{Key := Number} -> {Number, Numbers};
        _ -> Number = map_size(Numbers), {Number, Numbers#{Key => Number}}
    end.

%% Where nobody is left to take it, what the port itself still holds decides.
queued(gone, Port) when is_port(Port) ->
    case erlang:port_info(Port, queue_size) of
        {queue_size, Bytes} -> Bytes;
        undefined -> 0
    end;
queued(_, _) ->
    0.

%% References that are no sockets are open files; of them no more than the number is known.
files(false, _Answers, _Sockets, Known) ->
    {[], Known};
files(true, Answers, Sockets, Known) ->
    Owned = lists:foldl(fun({_, _, Owner}, Count) -> maps:update_with(Owner, fun(N) -> N + 1 end, 1, Count) end,
                        #{}, Sockets),
    lists:foldl(
        fun({{owner, Pid}, {User, Kind, References}}, Acc) ->
                file(User, Kind, References - maps:get(Pid, Owned, 0), unsure, Acc);
           ({{files, _}, {User, Kind, Count, Sure}}, Acc) ->
                file(User, Kind, Count, Sure, Acc);
           (_, Acc) ->
                Acc
        end, {[], Known}, Answers).

file(User, Kind, Count, Sure, {Files, Known}) when Count > 0 ->
    {KindNumber, Number, More} = numbered(Kind, User, Known),
    {[{KindNumber, Number, Count, Sure =:= sure} | Files], More};
file(_User, _Kind, _Count, _Sure, Acc) ->
    Acc.

programs([], _Owners, Known) ->
    {[], Known};
programs(Programs, Owners, Known) ->
    {Numbers, More} = lists:mapfoldl(
        fun({_, OsPid, Owner}, Acc) ->
            {User, Kind, _} = maps:get(Owner, Owners),
            {KindNumber, Number, Next} = numbered(Kind, User, Acc),
            {{KindNumber, Number, OsPid}, Next}
        end, Known, Programs),
    {headroom_nif:standard_pipes(Numbers), More}.

%%% The VM asked again

claimed_now(Claims, Unclaimed, #{handles := Handles, claims := Said} = Vm) ->
    All = list_to_tuple(lists:zip(Handles, Said)),
    Standing = [Claim || Claim <- Claims, stands(element(Claim + 1, All))],
    Now = case Unclaimed of
              [] -> [];
              _ -> new(Vm)
          end,
    {Standing, Now}.

stands({{Handle, Owner, _}, {Fd, _, _, _}}) -> stands(Handle, Fd, Owner).

stands(Handle, Fd, Owner) -> lists:member({Handle, Fd, Owner}, claims(Handle)).

%% What a port or a socket says it has, and whose it is.
claims(Port) when is_port(Port) ->
    {Inet, _, _, Fixed} = port(Port, {[], [], [], []}),
    Inet ++ Fixed;
claims(Socket) ->
    [{Socket, Fd, Owner} || {ok, Fd} <- [headroom_owners:option(Socket, fd)],
                            {ok, Owner} <- [headroom_owners:option(Socket, controlling_process)]].

%% The descriptors of ports that are new or had none, and of all sockets of the socket module.
new(#{known := Known, unopened := Unopened}) ->
    Ports = [Port || Port <- erlang:ports(), not is_map_key(Port, Known)],
    {Inet, _, _, Fixed} = lists:foldl(fun port/2, {[], [], [], []}, lists:usort(Ports ++ Unopened)),
    {Sockets, _} = sockets(),
    [Fd || {_, Fd, _} <- Inet ++ Fixed ++ Sockets].

%%% What is answered

%% Numbers of claims become ports, sockets and processes again, texts of atoms the atoms that they came from.
told(#{holders := Groups, zombies := Zombies, listeners := Listeners} = Inventory, Handles) ->
    Inventory#{holders := [(existing(Group))#{sample := [handle(Sample, Handles) || Sample <- Samples]}
                           || #{sample := Samples} = Group <- Groups],
               zombies := [handle(Zombie, Handles) || Zombie <- Zombies],
               listeners := [handle(Listener, Handles) || Listener <- Listeners]}.

handle(#{claim := undefined} = Item, _Handles) ->
    (maps:remove(claim, Item))#{handle => undefined, pid => undefined};
handle(#{claim := Claim} = Item, Handles) ->
    {Handle, _Owner, User} = element(Claim + 1, Handles),
    (maps:remove(claim, Item))#{handle => Handle, pid => User}.

existing(#{application := undefined} = Item) -> Item;
existing(#{application := Application} = Item) ->
    try
        Item#{application := binary_to_existing_atom(Application, utf8)}
    catch
        error:badarg -> Item
    end.

name({Handle, _Owner, User}) when is_port(Handle) ->
    list_to_binary([erlang:port_to_list(Handle), " of ", pid_to_list(User)]);
name({_Socket, _Owner, User}) ->
    list_to_binary(["a socket of ", pid_to_list(User)]).

detailed(none, Inventory) ->
    Inventory;
detailed(Which, #{holders := Groups} = Inventory) ->
    Fds = [Fd || #{sample := Samples} <- Groups, #{fd := Fd} <- Samples],
    Known = maps:from_list([{Fd, Detail} || {Fd, _, _, _} = Detail <- details(Fds)]),
    Inventory#{holders := [Group#{sample := [detail(Which, Sample, Known) || Sample <- Samples]}
                           || #{sample := Samples} = Group <- Groups]}.

details([]) ->
    [];
details(Fds) ->
    {Some, Rest} = lists:split(min(?AT_ONCE, length(Fds)), Fds),
    case headroom_nif:details(Some) of
        busy -> waited(fun() -> details(Fds) end);
        Details -> Details ++ details(Rest)
    end.

detail({Paths, Addresses}, #{fd := Fd} = Sample, Known) ->
    case Known of
        #{Fd := {Fd, Path, Local, Remote}} ->
            WithPath = case Paths of true -> Sample#{path => Path}; false -> Sample end,
            case Addresses of true -> WithPath#{local := Local, remote := Remote}; false -> WithPath end;
        _ ->
            Sample
    end.

%%% What is closed

%% Each one is looked at just before: the same socket, and the same port or process behind it.
closed(How, Targets, Handles, Left) ->
    Asked = [Target || Target <- Targets, is_still(Target, Handles), ask_to_close(How, Target, Handles)],
    Gone = await_gone(Asked, ?ENDING),
    #{asked => length(Asked), closed => Gone, moved => length(Targets) - length(Asked), left => Left}.

is_still(#{fd := Fd, cookie := Cookie, claim := Claim}, Handles) ->
    {Handle, Owner, _User} = element(Claim + 1, Handles),
    identified([Fd]) =:= [{Fd, Cookie}] andalso stands(Handle, Fd, Owner).

ask_to_close(close_port, #{claim := Claim}, Handles) ->
    {Port, Owner, _} = element(Claim + 1, Handles),
    not is_process_alive(Owner) andalso close_port(Port);
ask_to_close(exit_owner, #{claim := Claim}, Handles) ->
    {_, Owner, User} = element(Claim + 1, Handles),
    works_for(Owner, User) andalso exit(User, shutdown).

%% A connection's own process may work for another one by now.
works_for(User, User) ->
    true;
works_for(Owner, User) ->
    case headroom_owners:ask([{owner, Owner}]) of
        {[{_, {User, _, _}}], _, _} -> true;
        _ -> false
    end.

%% A port that is flushing its queue takes no close any more, but an option: with TCP_USER_TIMEOUT the kernel gives the
%% connection up at its next probe, and then the port closes.
close_port(Port) ->
    try
        erlang:port_close(Port)
    catch
        error:badarg -> prim_inet:setopt(Port, raw, {?IPPROTO_TCP, ?TCP_USER_TIMEOUT, <<1:32/native>>}) =:= ok
    end.

identified(Fds) ->
    [{Head band 16#FFFFFFFF, Cookie} || Part <- identify(Fds), <<Head:64/native, Cookie:64/native>> <= Part].

await_gone(Targets, Left) ->
    Fds = [Fd || #{fd := Fd} <- Targets],
    There = [{Fd, Cookie} || #{fd := Fd, cookie := Cookie} <- Targets],
    Still = length([Identity || Identity <- identified(Fds), lists:member(Identity, There)]),
    case Still of
        0 -> length(Targets);
        _ when Left =< 0 -> length(Targets) - Still;
        _ -> waited(fun() -> await_gone(Targets, Left - 5) end)
    end.

%%% Options

-spec options(map()) -> {map(), none | {boolean(), boolean()}}.
options(Options) ->
    Defaults = #{top => 20, idle_ms => 900000, group => undefined, kind => undefined, sample => 3,
                 details => false, paths => true, addresses => true},
    case maps:keys(maps:without(maps:keys(Defaults), Options)) of
        [] -> ok;
        _ -> erlang:error(badarg)
    end,
    All = maps:merge(Defaults, Options),
    lists:foreach(fun({Key, Value}) -> check(Key, Value) end, maps:to_list(All)),
    #{details := Details, paths := Paths, addresses := Addresses, group := Group} = All,
    Which = case Details of true -> {Paths, Addresses}; false -> none end,
    {(maps:without([details, paths], All))#{group := group(Group)}, Which}.

check(top, Value) when is_integer(Value), Value > 0, Value =< 1000 -> ok;
check(idle_ms, Value) when is_integer(Value), Value > 0, Value =< 16#FFFFFFFF -> ok;
check(group, Value) when is_atom(Value); is_binary(Value) -> ok;
check(kind, undefined) -> ok;
check(kind, Value) ->
    true = lists:member(Value, kinds_of_descriptors()) orelse erlang:error(badarg),
    ok;
check(sample, Value) when is_integer(Value), Value >= 0, Value =< 1000 -> ok;
check(Key, Value) when Key =:= details orelse Key =:= paths orelse Key =:= addresses, is_boolean(Value) -> ok;
check(_, _) -> erlang:error(badarg).

group(undefined) -> undefined;
group(Group) when is_atom(Group) -> atom_to_binary(Group, utf8);
group(Group) -> Group.

kinds_of_descriptors() ->
    [tcp, listen, udp, unix, netlink, sctp, file, deleted_file, directory, pipe, fifo, eventfd, epoll, timerfd, inotify,
     pidfd, memfd, device, other].
