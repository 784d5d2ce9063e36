%% Limits that are no table of the node, made real in a network and a control group of a node's own: the kernel is asked, and the
%% answer is no guess.
-module(headroom_quotas_tests).

-include_lib("eunit/include/eunit.hrl").

-export([connections/3, datagrams/1]).

%% A client whose local ports are used up hears three different errors for it, and none of them names it.
local_ports_test_() ->
    Script = "echo 40000 40019 >/proc/sys/net/ipv4/ip_local_port_range && ip link set lo up",
    Prefix = ["unshare", "-rn", "sh", "-c", Script ++ " && exec \"$@\"", "sh"],
    case headroom_sh:run(["unshare -rn sh -c '", Script, "' 2>&1"]) of
        {0, _} ->
            {timeout, 600, fun() ->
                headroom_child:with(#{prefix => Prefix, load => [?MODULE]}, fun(Child) ->
                    local_ports(Child)
                end)
            end};
        {_, Why} ->
            io:format(user, "skipped: no network of its own: ~ts", [Why]),
            []
    end.

local_ports(Child) ->
    Loopback = {127, 0, 0, 1},
    %% With room: the address is wrong, and nobody says that a port was missing.
    Foreign = headroom_child:call(Child, gen_tcp, connect, [Loopback, 1, [{ip, {203, 0, 113, 7}}]]),
    ?assertEqual({error, eaddrnotavail}, Foreign),
    ?assertMatch(#{verdict := undetermined}, diagnosed(Child, Foreign, connect)),
    Plain = headroom_child:call(Child, ?MODULE, connections, [self(), Loopback, []]),
    ?assertEqual({error, eaddrnotavail}, Plain),
    ?assertMatch(#{verdict := other_limit, basis := probed, evidence := #{local_ports := {Sockets, 20}}} when Sockets >= 20,
                 diagnosed(Child, Plain, connect)),
    Bound = headroom_child:call(Child, ?MODULE, connections, [self(), Loopback, [{ip, Loopback}]]),
    ?assertEqual({error, eaddrinuse}, Bound),
    ?assertMatch(#{verdict := other_limit, basis := probed}, diagnosed(Child, Bound, connect)),
    Datagram = headroom_child:call(Child, ?MODULE, datagrams, [[]]),
    ?assertEqual({error, eaddrinuse}, Datagram),
    ?assertMatch(#{verdict := other_limit, basis := probed}, diagnosed(Child, Datagram, udp_open)).

diagnosed(Child, Reason, Operation) ->
    headroom_child:call(Child, headroom, diagnose, [Reason, Operation]).

%% Connects to a listener until it is refused; what was connected stays.
connections(_, Address, Options) ->
    {ok, Listener} = gen_tcp:listen(7000 + length(erlang:ports()), [{ip, Address}, {backlog, 64}, {reuseaddr, true}]),
    {ok, Port} = inet:port(Listener),
    connect(Address, Port, Options).

connect(Address, Port, Options) ->
    case gen_tcp:connect(Address, Port, [{active, false} | Options]) of
        {ok, _} -> connect(Address, Port, Options);
        Refused -> Refused
    end.

datagrams(Options) ->
    case gen_udp:open(0, Options) of
        {ok, _} -> datagrams(Options);
        Refused -> Refused
    end.

%% A container that may have no more OS processes: its own numbers say so.
pids_test_() ->
    {timeout, 600, fun() ->
        Group = "/sys/fs/cgroup/pids/headroom-" ++ os:getpid(),
        case headroom_sh:run(["mkdir ", Group, " 2>&1 && echo 64 >", Group, "/pids.max"]) of
            {0, _} ->
                Prefix = ["sh", "-c", "echo $$ >" ++ Group ++ "/cgroup.procs && exec \"$@\"", "sh"],
                try
                    headroom_child:with(#{prefix => Prefix, load => [?MODULE]}, fun(Child) -> pids(Child, Group) end)
                after
                    headroom_sh:run(["rmdir ", Group])
                end;
            {_, Why} ->
                io:format(user, "skipped: no control group of its own: ~ts", [Why])
        end
    end}.

pids(Child, Group) ->
    Reason = {eagain, [{erlang, open_port, [{spawn, "cat"}, []], []}]},
    ?assertMatch(#{verdict := other_limit, basis := by_elimination, evidence := #{os_processes := {Used, 64}}} when Used > 0,
                 headroom_child:call(Child, headroom, diagnose, [Reason])),
    {0, _} = headroom_sh:run(["cat ", Group, "/pids.current >", Group, "/pids.max"]),
    Refused = headroom_child:call(Child, fun() -> try open_port({spawn, "cat"}, []) catch error:R:S -> {R, S} end end),
    ?assertMatch(#{verdict := other_limit, basis := observed, fix := [_ | _]},
                 headroom_child:call(Child, headroom, diagnose, [Refused])).
