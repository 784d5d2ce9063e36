%% @private
%% A way in that was opened while it could be: a local datagram socket through which the command `headroom door' asks what
%% a shell would ask, also when the node has no descriptor, port or process left.
%%
%% It costs one descriptor and one port. The port is of the inet driver, whose sends never wait for a reader; nothing is
%% spawned, opened or loaded for an answer.
%%
%% A request is <<"HRD1", Id:8/binary, Index:32, Question/binary>>, a reply <<"HRD1", Id:8/binary, Index:32, Count:32,
%% Status:8, Piece/binary>>. An answer is cut into pieces, and each but the first is sent when it is asked for, so that a
%% client that does not read never has more than a few of them in the queues of the kernel.
-module(headroom_door).

-behaviour(gen_server).

-export([start_link/1, path/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include_lib("kernel/include/file.hrl").
-include_lib("kernel/include/logger.hrl").

-define(MAGIC, "HRD1").
%% Many of them fit into what one socket may have on its way.
-define(PIECE, 8192).
%% Of so many clients the last answer is kept, for as many milliseconds.
-define(CLIENTS, 8).
-define(KEPT, 10000).
%% Milliseconds between two questions of one client: who floods is left without an answer.
-define(PAUSE, 50).
%% How often one piece is sent: a client that lost it may ask again.
-define(SENT, 3).
%% The kind of a file among the bits of its mode, and that of a socket.
-define(KIND, 8#170000).
-define(SOCKET, 8#140000).
%% What a path of a local socket may have (`sun_path').
-define(LONGEST, 107).

-define(ANSWERED, 0).
-define(FAILED, 1).

-if(?OTP_RELEASE >= 24).
%% Also in a node that was told to use the other backend, whose sends can wait.
-define(BACKEND, [{inet_backend, inet}]).
-else.
-define(BACKEND, []).
-endif.

-spec start_link(file:filename_all()) -> {ok, pid()} | ignore.
start_link(Path) ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, Path, []).

%% Where the door is: as configured, else in the folder that the system keeps for this service or user, else nowhere.
-spec path() -> none | file:filename().
path() ->
    case headroom_config:door() of
        false -> none;
        default -> default([Folder || Name <- ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"],
                                      Folder <- [os:getenv(Name)], is_list(Folder), Folder =/= ""]);
        Path -> unicode:characters_to_list(Path)
    end.

%% systemd gives several folders as one list.
default([]) -> none;
default([Folders | _]) -> filename:join([hd(string:split(Folders, ":")), "headroom", "door." ++ os:getpid()]).

%% A node without a door is better than none.
init(Path) ->
    process_flag(trap_exit, true),
    case open(Path) of
        {ok, Socket, Identity} ->
            {ok, #{socket => Socket, path => Path, identity => Identity, answers => #{}}};
        {error, Reason} ->
            ?LOG_WARNING("headroom has no door at ~ts: ~0p", [Path, Reason]),
            ignore
    end.

handle_call(_Request, _From, State) -> {reply, {error, unknown_call}, State}.

handle_cast(_Request, State) -> {noreply, State}.

handle_info({udp, Socket, Client, _, Request}, #{socket := Socket, answers := Answers} = State) ->
    Kept = request(Request, Client, Socket, Answers),
    _ = inet:setopts(Socket, [{active, once}]),
    {noreply, State#{answers := Kept}};
handle_info({udp_error, Socket, _}, #{socket := Socket} = State) ->
    %% A reply did not reach its client.
    _ = inet:setopts(Socket, [{active, once}]),
    {noreply, State};
handle_info({udp_closed, Socket}, #{socket := Socket} = State) ->
    {stop, closed, State};
handle_info(_Other, State) ->
    {noreply, State}.

%% What another node, or anybody, put there since is not ours to delete.
terminate(_Reason, #{path := Path, identity := Identity, socket := Socket}) ->
    ok = gen_udp:close(Socket),
    headroom_own_file:delete(Path, Identity).

%%% The socket

open(Path) when length(Path) > ?LONGEST -> {error, {longer_than, ?LONGEST}};
open(Path) ->
    case folder(filename:dirname(Path)) of
        ok -> bind(Path, free(Path));
        {error, _} = Error -> Error
    end.

%% One that is made here is for this user alone; one that was there stays as it is.
folder(Folder) ->
    case file:make_dir(Folder) of
        ok -> file:change_mode(Folder, 8#700);
        {error, eexist} -> ok;
        {error, _} = Error -> Error
    end.

%% What is left of a node that is gone is deleted, and nothing else: any file refuses a connection as such a socket does.
free(Path) ->
    case file:read_link_info(Path, [raw]) of
        {error, enoent} -> ok;
        {ok, #file_info{mode = Mode} = Info} when Mode band ?KIND =:= ?SOCKET -> left_behind(Path, Info);
        {ok, #file_info{}} -> {error, is_no_socket};
        {error, _} = Error -> Error
    end.

left_behind(Path, Info) ->
    case is_served(Path) of
        {error, econnrefused} -> headroom_own_file:delete(Path, headroom_own_file:identity(Info));
        {error, enoent} -> ok;
        ok -> {error, used_by_another_node};
        {error, _} = Error -> Error
    end.

is_served(Path) ->
    case gen_udp:open(0, ?BACKEND ++ [local]) of
        {ok, Probe} ->
            Result = gen_udp:connect(Probe, {local, Path}, 0),
            ok = gen_udp:close(Probe),
            Result;
        {error, _} = Error ->
            Error
    end.

bind(Path, ok) ->
    Options = ?BACKEND ++ [{ifaddr, {local, Path}}, binary, {active, once}, {sndbuf, 1 bsl 20}],
    case gen_udp:open(0, Options) of
        {ok, Socket} ->
            %% Connecting needs the right to write; a new file gives it to nobody else under any usual mask.
            case {file:change_mode(Path, 8#600), file:read_link_info(Path, [raw])} of
                {ok, {ok, Info}} ->
                    {ok, Socket, headroom_own_file:identity(Info)};
                Failed ->
                    ok = gen_udp:close(Socket),
                    {error, Failed}
            end;
        {error, _} = Error ->
            Error
    end;
bind(_Path, Error) ->
    Error.

%%% Requests

request(<<?MAGIC, Id:8/binary, Index:32, Question/binary>>, Client, Socket, Answers) ->
    Now = erlang:monotonic_time(millisecond),
    case Answers of
        #{Client := #{id := Id} = Answer} ->
            keep(Client, send(Index, Client, Socket, Answer#{at := Now}), Answers);
        #{Client := #{at := At}} when Now - At < ?PAUSE ->
            Answers;
        #{} when Index =:= 0 ->
            {Status, Text} = answer(Question),
            Answer = #{id => Id, at => Now, status => Status, text => Text, sent => #{}},
            keep(Client, send(0, Client, Socket, Answer), room(Answers, Now));
        #{} ->
            Answers
    end;
request(_Other, _Client, _Socket, Answers) ->
    Answers.

keep(Client, Answer, Answers) -> Answers#{Client => Answer}.

%% The oldest answer makes room for a new one.
room(Answers, Now) ->
    Young = maps:filter(fun(_, #{at := At}) -> Now - At < ?KEPT end, Answers),
    case map_size(Young) < ?CLIENTS of
        true -> Young;
        false -> maps:remove(oldest(maps:to_list(Young)), Young)
    end.

oldest(Answers) ->
    {_, Client} = lists:min([{At, Client} || {Client, #{at := At}} <- Answers]),
    Client.

%% A client that takes nothing has a full queue: what does not fit is lost, and asked for again.
send(Index, Client, Socket, #{id := Id, status := Status, text := Text, sent := Sent} = Answer) ->
    Count = max(1, (byte_size(Text) + ?PIECE - 1) div ?PIECE),
    Before = maps:get(Index, Sent, 0),
    case Index < Count andalso Before < ?SENT of
        true ->
            From = Index * ?PIECE,
            Piece = binary:part(Text, From, min(?PIECE, byte_size(Text) - From)),
            _ = gen_udp:send(Socket, Client, 0, [<<?MAGIC, Id/binary, Index:32, Count:32, Status:8>>, Piece]),
            Answer#{sent := Sent#{Index => Before + 1}};
        false ->
            Answer
    end.

%%% Answers: those of the shell

answer(Question) ->
    try ask(Question) of
        Text when is_binary(Text) -> {?ANSWERED, Text};
        {error, Reason} -> {?FAILED, iolist_to_binary(io_lib:format("~0tp", [Reason]))}
    catch
        _:Reason -> {?FAILED, iolist_to_binary(io_lib:format("~0tp", [Reason]))}
    end.

ask(<<"report">>) -> headroom:report_text();
ask(<<"report json">>) -> headroom:snapshot(json);
ask(<<"holders">>) -> headroom_inventory:text(#{});
ask(<<"holders json">>) -> headroom_inventory:json(#{});
ask(<<"trend">>) -> headroom_trend:text(ascii);
ask(<<"trend json">>) -> headroom_trend:json();
ask(<<"release json">>) -> released(headroom:release());
ask(<<"explain ", Reason/binary>>) -> headroom:explain_text(Reason);
ask(_) -> {error, unknown_question}.

released({ok, #{fds := Fds, ports := Ports}}) ->
    <<"{\"fds\":", (integer_to_binary(Fds))/binary, ",\"ports\":", (integer_to_binary(Ports))/binary, "}">>;
released({error, _} = Error) ->
    Error.
