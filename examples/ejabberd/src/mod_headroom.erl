%% headroom as a module of ejabberd: commands for ejabberdctl, pages for probes and for Prometheus. That the level changes
%% is said in ejabberd's log by headroom itself.
%%
%%   modules:
%%     mod_headroom:
%%       thresholds:
%%         default: {warning: 80, critical: 95}
%%         ports: {critical_free: 64}
%%       requirements:
%%         fds: 65536
%%         ports: {min: 65536, free: 1000}
%%       reserve: {fds: 64, ports: 16}
%%
%%   listen:
%%     -
%%       port: 5280
%%       ip: "127.0.0.1"
%%       module: ejabberd_http
%%       request_handlers:
%%         /headroom: mod_headroom
%%
%% The limits are those of the node: where several hosts have the module, the options of the first one count.
-module(mod_headroom).

-behaviour(gen_mod).

%% gen_mod
-export([start/2, stop/1, reload/3, depends/2, mod_opt_type/1, mod_options/1, mod_doc/0]).
%% Request handler of ejabberd_http
-export([process/2]).
%% Commands
-export([report/0, health/0, explain/1]).

-include_lib("ejabberd/include/ejabberd_commands.hrl").
-include_lib("ejabberd/include/ejabberd_http.hrl").
-include_lib("ejabberd/include/translate.hrl").

%%% gen_mod

start(Host, Opts) ->
    case gen_mod:is_loaded_elsewhere(Host, ?MODULE) of
        true -> ok;
        false -> start_on_node(Opts)
    end.

stop(Host) ->
    case gen_mod:is_loaded_elsewhere(Host, ?MODULE) of
        true -> ok;
        false -> stop_on_node()
    end.

%% Thresholds and reserve are taken over when the application starts.
reload(Host, NewOpts, _OldOpts) ->
    case gen_mod:is_loaded_elsewhere(Host, ?MODULE) of
        true ->
            ok;
        false ->
            ok = unregister(),
            start_on_node(NewOpts)
    end.

depends(_Host, _Opts) ->
    [].

mod_opt_type(thresholds) ->
    Threshold = #{warning => econf:int(1, 100), critical => econf:int(1, 100), critical_free => econf:non_neg_int()},
    econf:map(econf:enum([default | resources()]), econf:options(Threshold), [unique, {return, map}]);
mod_opt_type(requirements) ->
    Bounds = #{min => econf:non_neg_int(), max => econf:non_neg_int(), free => econf:non_neg_int()},
    econf:map(econf:enum(resources()), econf:either(econf:non_neg_int(), econf:options(Bounds)),
              [unique, {return, map}]);
mod_opt_type(reserve) ->
    econf:options(#{fds => econf:non_neg_int(), ports => econf:non_neg_int()}, [unique, {return, map}]);
mod_opt_type(interval) ->
    econf:timeout(second).

mod_options(_Host) ->
    [{thresholds, #{}}, {requirements, #{}}, {reserve, #{}}, {interval, timer:seconds(1)}].

mod_doc() ->
    #{desc =>
          [?T("How close this node is to a descriptor, port or process limit: the commands 'headroom_report', "
              "'headroom_health' and 'headroom_explain', a page for probes by 'ejabberd_http', and a line in the log "
              "for each change of level.")],
      opts =>
          [{thresholds, #{value => "{Resource: Options}",
                          desc => ?T("At which use the level rises: 'warning' and 'critical' in percent, "
                                     "'critical_free' as a number. The default is 80, 95 and 8.")}},
           {requirements, #{value => "{Resource: Number | Options}",
                            desc => ?T("The least limit with which ejabberd starts, or 'min', 'max' and 'free'.")}},
           {reserve, #{value => "{fds: Number, ports: Number}",
                       desc => ?T("What is held back for the operator.")}},
           {interval, #{value => "timeout()",
                        desc => ?T("How often the level is looked at. The default is '1 second'.")}}]}.

resources() ->
    [fds, ports, processes, ets_tables, atoms, kernel_files].

%% What is not met is in the log, numbered, each with the line to change; ejabberd does not start then.
start_on_node(#{thresholds := Thresholds, requirements := Requirements, reserve := Reserve, interval := Interval}) ->
    ok = configure([{thresholds, Thresholds}, {reserve, Reserve}, {require, Requirements}, {on_unmet, stop},
                    {watch, #{interval => Interval}}]),
    case application:ensure_all_started(headroom) of
        {ok, _} -> ejabberd_commands:register_commands(commands());
        {error, _} = Error -> Error
    end.

%% Not waited for: while the node stops, the application controller waits for ejabberd, which waits for this.
stop_on_node() ->
    ok = unregister(),
    _ = spawn(application, stop, [headroom]),
    ok.

unregister() ->
    ejabberd_commands:unregister_commands(commands()).

%% An application that runs already has taken other options over.
configure(Env) ->
    _ = application:stop(headroom),
    case application:load(headroom) of
        ok -> ok;
        {error, {already_loaded, headroom}} -> ok
    end,
    lists:foreach(fun({Key, Value}) -> application:set_env(headroom, Key, Value) end, Env).

%%% The page for probes

process([], #request{method = Method}) when Method =:= 'GET'; Method =:= 'HEAD' ->
    {Status, Headers, Body} = headroom_health:response(),
    {Status, [header(Header) || Header <- Headers], Body};
process([<<"metrics">>], #request{method = 'GET'}) ->
    {Status, Headers, Body} = headroom_health:metrics_response(),
    {Status, [header(Header) || Header <- Headers], Body};
process(Path, #request{}) when Path =:= []; Path =:= [<<"metrics">>] ->
    {405, [{<<"allow">>, <<"GET, HEAD">>}], <<>>};
process(_Path, #request{}) ->
    {404, [], <<>>}.

%% ejabberd_http adds a content type of its own unless there is one in these letters.
header({<<"content-type">>, Type}) -> {<<"Content-Type">>, Type};
header(Header) -> Header.

%%% Commands

commands() ->
    [#ejabberd_commands{name = headroom_report, tags = [server],
                        desc = "Show how close this node is to its limits",
                        module = ?MODULE, function = report,
                        result = {report, string}},
     #ejabberd_commands{name = headroom_health, tags = [server],
                        desc = "Show what is at warning or critical; fails when something is critical",
                        module = ?MODULE, function = health,
                        result = {health, restuple}},
     #ejabberd_commands{name = headroom_explain, tags = [server],
                        desc = "Explain an error such as emfile, system_limit, or a line of the log",
                        module = ?MODULE, function = explain,
                        args = [{reason, binary}], args_example = [<<"system_limit">>],
                        args_desc = ["A word or a line"],
                        result = {explanation, string}}].

report() ->
    text(headroom:report_text()).

explain(Reason) ->
    text(headroom:explain_text(Reason)).

text({error, Reason}) -> io_lib:format("~p", [Reason]);
text(Text) -> Text.

health() ->
    case headroom:health() of
        ok -> {ok, "ok"};
        {warning, Findings} -> {ok, level(warning, Findings)};
        {critical, Findings} -> {critical, level(critical, Findings)};
        {error, Reason} -> {unknown, io_lib:format("unknown: ~p", [Reason])}
    end.

level(Level, Findings) ->
    Messages = [Message || #{message := Message} <- Findings],
    unicode:characters_to_list([atom_to_list(Level), ": ", lists:join(" ", Messages)]).
