%% Two nodes of the distribution, on the loopback interface and without epmd: one to be filled, and an operator's.
%%
%%   headroom_pair:with(#{nofile => {256, 256}}, fun(Full, Operator) -> ... end)
-module(headroom_pair).

-export([with/2, full/0, begin_to_connect/0, result/2, await/1, await/2]).

-define(COOKIE, "headroom_pair").

%% The name of the node to be filled.
-spec full() -> node().
full() -> 'full@127.0.0.1'.

%% `Options' are those of headroom_child for the node to be filled.
%% `setup' is how many seconds a connection may take to come about: few where it is expected not to.
with(#{nofile := _} = Given, Test) ->
    {Setup, Options} = {maps:get(setup, Given, 60), maps:remove(setup, Given)},
    Port = integer_to_list(headroom_scratch:port()),
    Named = fun(Name) ->
        ["-name", Name ++ "@127.0.0.1", "-setcookie", ?COOKIE, "-start_epmd", "false", "-epmd_module", "headroom_epmd",
         "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "net_setuptime", integer_to_list(Setup), "connect_all", "false"]
    end,
    Listen = ["-kernel", "inet_dist_listen_min", Port, "inet_dist_listen_max", Port],
    Load = [?MODULE, headroom_epmd | maps:get(load, Options, [])],
    Both = #{load => Load, env => [{"HEADROOM_DIST_PORT", Port}]},
    Full = maps:merge(Options, Both#{args => Named("full") ++ Listen ++ maps:get(args, Options, [])}),
    headroom_child:with(Full, fun(Node) ->
        Operator = Both#{nofile => 2000, args => Named("operator")},
        headroom_child:with(Operator, fun(Second) -> Test(Node, Second) end)
    end).

%%% In the operator's node

begin_to_connect() ->
    Self = self(),
    Pid = spawn(fun() -> Self ! {self(), net_kernel:connect_node(full())} end),
    receive after 500 -> Pid end.

%% What became of it, or `waits' where that is not known after so many milliseconds.
result(Pid, Timeout) ->
    receive {Pid, Result} -> Result after Timeout -> waits end.

await(Condition) -> await(Condition, infinity).

%% Looks until it holds, at most so often.
await(_Condition, 0) ->
    timeout;
await(Condition, Times) ->
    case Condition() of
        true -> ok;
        false -> receive after 10 -> await(Condition, left(Times)) end
    end.

left(infinity) -> infinity;
left(Times) -> Times - 1.
