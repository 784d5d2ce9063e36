%% @private
%% The helper of the native resolver: started, if its start cannot halt the node.
%%
%% `inet_gethost_native' halts the node when it cannot start its program, and what a program needs is not all counted:
%% OS processes (pids, nproc), pipe pages, a table of descriptors that may not grow. So another program of the same needs
%% is started first, where a failure is an error and nothing else.
-module(headroom_helper).

-export([start/1]).

-include_lib("kernel/include/file.hrl").

%% How long each step may take: none of them waits on anything that is not stuck.
-define(PATIENCE, 5000).
%% Runs the helper's program, without anything to do, below a shell: two processes, as the helper and its worker are, and
%% the shell's exit status says that both are gone again.
-define(TRIAL, "exec 2>/dev/null; \"$0\" 1 </dev/null >/dev/null; exit $?").

-type attempt() :: made | no_program | failed | no_answer | not_made | {refused, atom()}.

%% `IsRoom' is asked once more, after the trial: the real start follows at once.
-spec start(fun(() -> boolean())) -> attempt().
start(IsRoom) ->
    case headroom_deadline:run(fun try_program/0, ?PATIENCE) of
        {ok, made} ->
            case IsRoom() of
                true -> answered(headroom_deadline:run(fun look_up/0, 2 * ?PATIENCE));
                false -> not_made
            end;
        Other ->
            answered(Other)
    end.

answered({ok, Attempt}) -> Attempt;
answered({error, timeout}) -> no_answer;
answered({error, system_limit}) -> {refused, system_limit};
answered({error, {crashed, _}}) -> failed.

try_program() ->
    {ok, [Folder]} = init:get_argument(bindir),
    Program = filename:join(Folder, "inet_gethost"),
    case is_executable(Program) of
        true -> try_program(Program);
        false -> no_program
    end.

%% Without the program the start would succeed, and be repeated for ever.
is_executable(Program) ->
    case file:read_file_info(Program, [raw]) of
        {ok, #file_info{type = regular, mode = Mode}} -> Mode band 8#111 =/= 0;
        _ -> false
    end.

try_program(Program) ->
    try open_port({spawn_executable, "/bin/sh"}, [{args, ["-c", ?TRIAL, Program]}, exit_status]) of
        Port ->
            receive
                {Port, {exit_status, 0}} -> made;
                {Port, {exit_status, _}} -> failed
            end
    catch
        error:Reason -> {refused, Reason}
    end.

%% The lookup of an address in digits reaches the helper, so that it is known to work, and no file or network.
look_up() ->
    case inet_gethost_native:gethostbyname("127.0.0.1") of
        {ok, _} -> made;
        {error, _} -> failed
    end.
