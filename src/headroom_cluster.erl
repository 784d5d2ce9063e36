%% @private
%% How the connected nodes stand: each is asked by a message to its clock, which needs no process there.
-module(headroom_cluster).

-export([data/1, text/1]).

-type told() :: #{node := node(), state := watched | no_headroom | down | too_slow, atom() => term()}.

%% One entry for each node, in order, this one first. Nobody is connected to for it.
-spec data(#{nodes => [node()], timeout => non_neg_integer()}) -> [told()] | {error, {nif_not_loaded, term()}}.
data(Options) ->
    case headroom_nif:load_status() of
        ok -> asked(Options);
        {error, _} = Error -> Error
    end.

asked(Options) ->
    Connected = nodes([visible, hidden]),
    Nodes = maps:get(nodes, Options, [node() | lists:sort(nodes())]),
    Until = erlang:monotonic_time(millisecond) + maps:get(timeout, Options, 2000),
    Asked = [{Node, ask(Node, Connected)} || Node <- Nodes],
    [(answer(Request, Until))#{node => Node} || {Node, Request} <- Asked].

ask(Node, _Connected) when Node =:= node() ->
    {here, headroom_trend:sketch()};
ask(Node, Connected) ->
    case lists:member(Node, Connected) of
        true ->
            Monitor = erlang:monitor(process, {headroom_watch, Node}),
            %% As gen_server:call does, but without waiting for a connection that is stuck.
            _ = erlang:send({headroom_watch, Node}, {'$gen_call', {self(), Monitor}, sketch}, [noconnect, nosuspend]),
            Monitor;
        false ->
            down
    end.

answer({here, Sketch}, _Until) ->
    told(Sketch);
answer(down, _Until) ->
    #{state => down};
answer(Monitor, Until) ->
    receive
        {Monitor, Sketch} ->
            true = erlang:demonitor(Monitor, [flush]),
            told(Sketch);
        {'DOWN', Monitor, process, _, noconnection} ->
            #{state => down};
        {'DOWN', Monitor, process, _, _} ->
            #{state => no_headroom}
    after max(0, Until - erlang:monotonic_time(millisecond)) ->
        true = erlang:demonitor(Monitor, [flush]),
        receive
            {Monitor, Sketch} -> told(Sketch)
        after 0 ->
            #{state => too_slow}
        end
    end.

told(#{level := _} = Sketch) -> Sketch#{state => watched};
told(_) -> #{state => no_headroom}.

-spec text([told()] | {error, term()}) -> binary() | {error, term()}.
text({error, _} = Error) ->
    Error;
text(Told) ->
    headroom_ask:with_library(fun() -> headroom_nif:cluster_text([as_row(Node) || Node <- Told]) end).

as_row(#{node := Node} = Told) ->
    Told#{node := atom_to_binary(Node, utf8)}.
