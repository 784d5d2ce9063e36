%% @doc How close is this node to a descriptor, port, ETS or process limit, which limit binds first, and what to do.
%%
%% At the prompt: `headroom:report().' Every call here answers with no free descriptor, port or process: it opens
%% nothing, spawns nothing and loads nothing once the application was started.
%%
%% No call throws because of the node's state. Without the native library every call returns
%% `{error, {nif_not_loaded, Reason}}'. A wrong argument is `error:badarg'.
-module(headroom).

-export([report/0, report_text/0]).
-export([snapshot/0, snapshot/1]).
-export([health/0]).
-export([capacity/0, capacity/1]).
-export([version/0]).
-export([hazards/0, harden/0]).

-export_type([level/0, count/0, limit/0, name/0, bound_by/0, use/0]).
-export_type([resource/0, finding/0, capacity/0, snapshot/0, unavailable/0]).
-export_type([hardened/0]).

-include("headroom_doc.hrl").

?MODULEDOC("""
How close is this node to a descriptor, port, ETS or process limit, which limit binds first, and what to do.

At the prompt: `headroom:report().` Every call here answers with no free descriptor, port or process: it opens
nothing, spawns nothing and loads nothing once the application was started.

No call throws because of the node's state. Without the native library every call returns
`{error, {nif_not_loaded, Reason}}`. A wrong argument is `error:badarg`.
""").

-type level() :: ok | notice | warning | critical.
%% How bad something is. A notice never changes the level of a node.

-type count() :: non_neg_integer() | unknown.
%% How many there are. What could not be read is `unknown', never 0.

-type limit() :: non_neg_integer() | infinity | unknown.
%% The upper end of a resource.

-type name() :: fds | ports | processes | ets_tables | atoms | kernel_files.
%% The six resources.

-type bound_by() :: nofile_soft | max_fds | nr_open | port_limit | process_limit | ets_limit | atom_limit | file_max.
%% What sets a limit.

-type use() :: gen_tcp | socket | file | port_program.
%% What descriptors and ports are used for.

-type resource() :: #{name := name(), used := count(), limit := limit(), free := limit(),
                      percent := float() | unknown, bound_by := bound_by(), enforced := boolean()}.
%% One resource. `enforced' is false where nothing refuses the next one at the limit.

-type finding() :: #{id := atom(), level := level(), resource := name(), message := binary(),
                     evidence := #{atom() => term()}, fix := [binary()], restart := boolean()}.
%% One thing worth saying: a sentence with its numbers, the evidence, lines that can be pasted, and whether they need
%% a restart of the node.

-type capacity() :: #{free := limit(), bound_by := name() | none}.
%% How many more can be opened, and what stops the next one.

-type snapshot() :: #{schema := pos_integer(), taken_at := integer(), node := node(), os_pid := pos_integer(),
                      otp_release := binary(), kernel := binary(), level := level(), binding := name() | none,
                      resources := [resource()],
                      fds := #{open := count(), free := limit(), highest := count(),
                               own := non_neg_integer(), age_ms := non_neg_integer()},
                      reserved := #{fds := non_neg_integer(), ports := non_neg_integer()},
                      nofile := #{soft := limit(), hard := limit(), nr_open := limit(), max_fds := limit(),
                                  file_max := limit(), file_nr := count(),
                                  exempt_from_file_max := boolean() | unknown,
                                  can_raise_hard := boolean() | unknown},
                      beam := #{ports := {count(), limit()}, processes := {count(), limit()},
                                ets_tables := {count(), limit()}, atoms := {count(), limit()}, sockets := count()},
                      boot := #{port_limit_source := flag | env | default | nofile | unknown,
                                erl_max_ports := binary() | undefined, erl_max_ets_tables := binary() | undefined,
                                erts_max_ports := binary() | undefined, emulator_flags := [binary()],
                                started_by := systemd | container | kubernetes | unknown},
                      thresholds := map(), capacity := #{use() => capacity()}, findings := [finding()],
                      unreadable := [#{what := atom(), reason := atom() | {errno, integer()}}]}.
%% Facts and judgement of one moment; `taken_at' is system time in milliseconds.

-type hardened() :: #{hazard := atom(), done := boolean(), note := binary()}.
%% One hazard after harden/0: whether it no longer holds, what was done, or why it was not.

-type unavailable() :: {error, {nif_not_loaded, term()}}.
%% The native library is not there.

?DOC("""
Prints the report of this node to the caller's group leader, on one screen.

It names the node and its limits. Bars are drawn with `#` unless the group leader is set to unicode.
Cost: one snapshot/0 and the printing. On OTP 26 and later printing to the node's own `user` waits
while all dirty I/O threads are blocked; report_text/0 does not.
""").
%% @doc Prints the report of this node to the caller's group leader, on one screen.
-spec report() -> ok | unavailable().
report() ->
    headroom_print:print(fun headroom_view:report/1).

?DOC("""
The report as text: ASCII, lines of 80 columns where the numbers allow it.
""").
%% @doc The report as text: ASCII, lines of 80 columns where the numbers allow it.
-spec report_text() -> binary() | unavailable().
report_text() ->
    headroom_view:report(ascii).

?DOC("""
Facts and judgement of this moment as one map.

Counts that could not be read are `unknown`, and `unreadable` says why. Limits without a bound are `infinity`.
Cost: below 100 microseconds at 19000 open descriptors on Linux 6.2 and later.
""").
%% @doc Facts and judgement of this moment as one map.
-spec snapshot() -> snapshot() | unavailable().
snapshot() ->
    headroom_view:snapshot().

?DOC("""
`snapshot(json)` is snapshot/0 as JSON: what is unknown is null, what is not set is absent, no bound is "infinity".
""").
%% @doc `snapshot(json)' is {@link snapshot/0} as JSON: unknown is null, what is not set is absent.
-spec snapshot(json) -> binary() | unavailable().
snapshot(json) ->
    headroom_view:json();
snapshot(_) ->
    erlang:error(badarg).

?DOC("""
Whether the node is well: `ok`, or the findings that are a warning or critical.

Stateless, never a notice. Cost while all is well: two or three system calls and a few microseconds.
""").
%% @doc Whether the node is well: `ok', or the findings that are a warning or critical.
-spec health() -> ok | {warning, [finding()]} | {critical, [finding()]} | unavailable().
health() ->
    headroom_view:health().

?DOC("""
How many more sockets, files and port programs can be opened, and what stops the next one.

A `gen_tcp` socket needs a descriptor below `max_fds` and a port; a socket of the `socket` module a descriptor
below `max_fds`; a file a descriptor; a port program a port, five free descriptors at its start and two from then on.
""").
%% @doc How many more sockets, files and port programs can be opened, and what stops the next one.
-spec capacity() -> #{use() => capacity()} | unavailable().
capacity() ->
    headroom_view:capacity().

?DOC("""
capacity/0 of one kind: `gen_tcp`, `socket`, `file` or `port_program`.
""").
%% @doc {@link capacity/0} of one kind.
-spec capacity(use()) -> capacity() | unavailable().
capacity(Use) when Use =:= gen_tcp; Use =:= socket; Use =:= file; Use =:= port_program ->
    case headroom_view:capacity() of
        #{Use := Capacity} -> Capacity;
        {error, _} = Error -> Error
    end;
capacity(_) ->
    erlang:error(badarg).

?DOC("""
Which build of the native library this is.
""").
%% @doc Which build of the native library this is.
-spec version() -> #{headroom := binary(), nif_api := binary(), target := binary(), schema := pos_integer()}
                 | unavailable().
version() ->
    headroom_view:version().

?DOC("""
What would end this node, mute its log or lose its data when a descriptor, port or process is missing.

Only the hazards that hold for this node now: a notice each, a warning once a resource behind it is at warning (and
`soft_above_max_fds` as in the snapshot). The evidence says with `harden` whether harden/0 takes it away at this
moment. Opens nothing, spawns nothing. Cost: one snapshot, and a look at each module of the loaded applications.
docs/hazards.md has a paragraph on each.
""").
%% @doc What would end this node, mute its log or lose its data when a descriptor, port or process is missing.
-spec hazards() -> [finding()] | unavailable().
hazards() ->
    headroom_hazards:hazards().

?DOC("""
Takes away those of hazards/0 that can be taken away safely while the node runs, and says what became of each.

Call it while the node is well, best at boot (environment `{harden, true}`). It does two things, each only with room
for it: it starts the helper of the resolver (`inet_gethost`, a port program: one port and two descriptors), and it
loads and runs once the modules that print, log and serve a shell.
It changes no setting of the node, and asks no name server.
""").
%% @doc Takes away those of {@link hazards/0} that can be taken away safely while the node runs.
-spec harden() -> {ok, [hardened()]} | unavailable().
harden() ->
    headroom_hazards:harden().
