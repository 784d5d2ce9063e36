-module(headroom).

-export([start/0]).
-export([report/0, report_text/0]).
-export([snapshot/0, snapshot/1]).
-export([health/0]).
-export([capacity/0, capacity/1]).
-export([diagnose/1, diagnose/2, diagnose/3]).
-export([explain/1, explain/2, explain_text/1, explain_text/2]).
-export([raise_nofile/1, clamp_nofile/0]).
-export([reserve/1, release/0]).
-export([check/1, assert/1]).
-export([boot_advice/0, plan/1]).
-export([version/0]).
-export([show/1]).
-export([hazards/0, harden/0]).
-export([holders/0, holders/1, inventory/0, inventory/1, relief/0, close/1]).
-export([trend/0, trend_data/0, chart/1]).
-export([metrics/0, prometheus/0]).
-export([cluster/0, cluster/1, cluster_data/0, cluster_data/1]).

-export_type([level/0, count/0, limit/0, name/0, bound_by/0, use/0]).
-export_type([raised/0, restart/0, clamped/0, reserved/0, too_many/0, boot_line/0, planned/0, plan/0, errno/0]).
-export_type([resource/0, finding/0, capacity/0, snapshot/0, unavailable/0]).
-export_type([hardened/0]).
-export_type([kind/0, look/0, holder/0, inventory/0, offer/0, descriptor/0]).
-export_type([operation/0, culprit/0, verdict/0, probed/0]).
-export_type([requirement/0, requirements/0]).
-export_type([trend/0, trend_data/0, metric/0, cluster_node/0, cluster_options/0]).

-include("headroom_doc.hrl").

?MODULEDOC("""
How close is this node to a descriptor, port, ETS or process limit, which limit binds first, and what to do.

`headroom:report().` at the prompt shows it. Every call here answers with no free descriptor, port or process: it opens
nothing, spawns nothing and loads nothing once the application was started.

No call throws because of the node's state. Without the native library every call returns
`{error, {nif_not_loaded, Reason}}`. A wrong argument raises `badarg`.
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
-type operation() :: accept | connect | listen | udp_open | sctp_open | peeloff | socket | file | open_port | os_cmd
                   | ets | spawn | undefined.
%% What failed. `undefined' takes it from the reason's own shape, where that shows it.

-type culprit() :: port_table | nofile | max_fds | nr_open | kernel_file_max | kernel_memory | pipe_pages
                 | inotify_instances | ets_tables | processes | atoms | other_limit | not_a_limit | undetermined.
%% What stopped a call.

-type probed() :: granted | {errno, integer()} | not_done.
%% What the kernel said when it was asked just now.

-type verdict() :: #{reason := atom() | binary(), operation := operation(), verdict := culprit(),
                     basis := observed | recorded | probed | by_elimination | none,
                     message := binary(),
                     evidence := #{probe := #{fd := probed(), file := probed()}, atom() => term()},
                     rejected := [#{verdict := culprit(), why := binary()}],
                     client_sees := binary(), fix := [binary()], restart := boolean()}.
%% Why a call failed. `basis' is how that is known: the limit is exhausted now, was seen exhausted, the kernel refused
%% when it was asked, or nothing else yields this error. `rejected' has the other suspects and what clears them.

-type errno() :: atom() | {errno, integer()}.
%% An error of the operating system: its name where it is known here, its number otherwise.

-type raised() :: #{before := limit(), now := limit(), max_fds := limit(),
                    gives := sockets | nothing, children := boot_limit}.
%% The soft limit before and after, the latter read again.

-type restart() :: #{wanted := non_neg_integer() | max, max_fds := limit(), hard := limit(), fix := [binary()]}.
%% A limit that only the next start can have, and the lines that give it.

-type clamped() :: #{before := limit(), now := limit(), max_fds := limit()}.
%% The soft limit before and after, the latter read again.

-type reserved() :: #{fds := non_neg_integer(), ports := non_neg_integer(), soft := limit()}.
%% What is held back now, and the soft limit that it leaves.

-type too_many() :: #{resource := fds | ports, wanted := non_neg_integer(), room := non_neg_integer()}.
%% More than can be held back. What is held back already counts as room.

-type requirement() :: non_neg_integer()
                     | #{min => non_neg_integer(), max => non_neg_integer(), free => non_neg_integer()}.
%% The least limit that will do, or bounds of the limit and of what is free now.

-type requirements() :: #{name() => requirement()} | [{name(), requirement()}].
%% What a node needs. `fds' means the smaller of the soft limit and `max_fds': the descriptors that the VM can watch.

-type planned() :: #{sessions := pos_integer(), fds_per_session => non_neg_integer(), ports_per_session => non_neg_integer(),
                     processes_per_session => non_neg_integer(), upstreams => pos_integer()}.
%% What is planned for: 2 descriptors, as many ports as descriptors, 1 process and 1 server behind, where nothing else is said.

-type plan() :: #{asked := map(), base := #{fds | ports | processes := non_neg_integer()},
                  needs := [#{name := fds | ports | processes, used := non_neg_integer(), limit := pos_integer()}],
                  local_ports := #{used := non_neg_integer(), available := count()}, table_bytes := pos_integer(),
                  backlog := pos_integer(), lines := [#{sets := atom(), line := binary(), where := binary()}],
                  lacks := [binary()]}.
%% What so many sessions take, and the limits that keep that below 80 percent; the lines to set; what this host lacks.

-type boot_line() :: #{sets := name(), line := binary(), where := binary(), id := atom()}.
%% A line for the next start: what it sets, the file or command that it belongs to, and the finding that it answers, by
%% the name that the report and `headroom lint' have for it.

-type kind() :: tcp | listen | udp | unix | netlink | sctp | file | deleted_file | directory | pipe | fifo | eventfd
              | epoll | timerfd | inotify | pidfd | memfd | device | other.
%% What a descriptor is.

-type look() :: #{top => pos_integer(), idle_ms => pos_integer(), group => atom() | binary(), kind => kind(),
                  sample => non_neg_integer(), details => boolean(), paths => boolean(), addresses => boolean()}.
%% What inventory/1 is to tell: how many groups (20), from how many milliseconds without data on a connection is idle
%% (900000), only one group or kind, how many descriptors of each group (3), and with `details' their paths and addresses.
%% `addresses => false' leaves all addresses out, `paths => false' the paths.

-type descriptor() :: #{fd := non_neg_integer(), kind := kind(), state := atom() | undefined,
                        idle_ms := non_neg_integer() | undefined, unread := count() | undefined,
                        unsent := non_neg_integer() | undefined, local := binary() | undefined,
                        remote := binary() | undefined, handle := port() | term() | undefined,
                        pid := pid() | undefined, path => binary() | undefined}.
%% One descriptor: `handle' is the port or socket that has it, `pid' the process that works with it.

-type holder() :: #{group := binary(), application := atom() | undefined, listener => binary(), remote => binary(),
                    count := non_neg_integer(), by_kind := #{kind() => pos_integer()},
                    close_wait := non_neg_integer(), share_close_wait := float(), reset := non_neg_integer(),
                    idle := #{beyond := non_neg_integer(), beyond_ms := non_neg_integer(),
                              median_ms := non_neg_integer(), longest_ms := non_neg_integer()},
                    unread := non_neg_integer(), unsent := non_neg_integer(),
                    why := owner_gone | close_wait | idle | count, message := binary(), sample := [descriptor()]}.
%% The descriptors of one owner group at one place.

-type inventory() :: #{total := non_neg_integer(), by_kind := #{kind() => pos_integer()},
                       tcp_states := #{atom() => pos_integer()}, holders := [holder()],
                       others := #{groups := non_neg_integer(), count := non_neg_integer()},
                       orphans := [#{fd := non_neg_integer(), kind := kind(), state := atom() | undefined,
                                     local := binary() | undefined, remote := binary() | undefined}],
                       zombies := [#{fd := non_neg_integer(), why := owner_gone | fd_closed | fd_shared,
                                     unsent := non_neg_integer(), handle := port() | term(), pid := pid()}],
                       listeners := [#{address := binary(), queue := non_neg_integer(), backlog := non_neg_integer(),
                                       full := boolean(), dropped := count(), owner := binary() | undefined,
                                       fd := non_neg_integer(), handle := port() | term() | undefined,
                                       pid := pid() | undefined}],
                       dropped := #{overflows := count(), drops := count(), reason => atom() | {errno, integer()}},
                       unclaimed := #{kind() => pos_integer()}, moved := non_neg_integer(), complete := boolean(),
                       took_us := non_neg_integer()}.
%% All descriptors by who holds them. `total' is the sum of holders, others, orphans, unclaimed and moved.

-type offer() :: #{group := binary(), application := atom() | undefined,
                   why := owner_gone | close_wait | idle | undefined, how := exit_owner | close_port | nothing,
                   gives := non_neg_integer(), owners := non_neg_integer(), line := binary() | undefined,
                   message := binary()}.
%% What could be closed now, how many descriptors that gives, and the line that does it.

-type trend() :: #{name := name(), verdict := steady | plateau | growing | draining | too_short,
                   window_ms := non_neg_integer(), since_ms := non_neg_integer(), per_hour := float(),
                   used := count(), limit := limit(), free := limit(),
                   full := #{in_ms := non_neg_integer(), earliest_ms := non_neg_integer(),
                             latest_ms := non_neg_integer() | undefined} | undefined,
                   alarm := boolean(),
                   highest := #{used := non_neg_integer(), at := integer()} | undefined,
                   highest_in_hour := #{used := non_neg_integer(), at := integer()} | undefined,
                   at_zero := [#{at := integer(), for_ms := non_neg_integer(), used := non_neg_integer(),
                                 limit := non_neg_integer(), held_by := binary() | undefined}]}.
%% What the samples say of one resource: the verdict and the window that says so, how far back the change began at least,
%% the change in an hour, when nothing is left if it grows, and the last times at which nothing was left. Lengths are in
%% milliseconds, times in system time.

-type trend_data() :: #{taken_at := integer(), interval_ms := pos_integer(), observed_ms := non_neg_integer(),
                        samples := non_neg_integer(), skipped := non_neg_integer(), level := level(),
                        grower := #{group := binary(), from := non_neg_integer(), to := pos_integer(),
                                    idle := non_neg_integer() | undefined, within_ms := non_neg_integer()} | undefined,
                        resources := [trend()]}.
%% What the samples say of all six resources, and how many samples there are; while descriptors or ports grow, which group
%% of holders grew most, from how many to how many, and how many of these are idle.

-type metric() :: #{name := binary(), kind := gauge | counter, help := binary(),
                    samples := [#{labels := [{binary(), binary()}], value := float()}]}.
%% One metric with its values. What is not known has none.

-type cluster_options() :: #{nodes => [node()], timeout => non_neg_integer()}.
%% The nodes to ask, and for how many milliseconds in all; this node and the connected ones, and 2000, if not given.

-type cluster_node() :: #{node := node(), state := watched | no_headroom | down | too_slow,
                          level => level(), binding => name() | undefined, percent => float() | undefined,
                          trend => steady | plateau | growing | draining | too_short,
                          full_in_ms => non_neg_integer() | undefined, first_holder => binary() | undefined}.
%% One node of a cluster; what it told is there only if it is `watched'.

-type unavailable() :: {error, {nif_not_loaded, term()}}.
%% The native library is not there.

?DOC("""
Starts the application headroom: what `erl -s headroom` calls, and what to call after loading it into a running node.

`ok` also when it runs already; otherwise the reason, such as `{bad_option, Key, Why}` or `{unmet, Findings}`.
""").
-spec start() -> ok | {error, term()}.
start() ->
    case application:ensure_all_started(headroom) of
        {ok, _} -> ok;
        {error, {headroom, {Reason, {headroom_app, start, _}}}} -> {error, Reason};
        {error, _} = Error -> Error
    end.

?DOC("""
Prints the report of this node to the caller's group leader, on one screen.

It names the node and its limits. Bars are drawn with `#` unless the group leader is set to unicode.
Cost: one snapshot/0 and the printing. On OTP 26 and later printing to the node's own `user` waits
while all dirty I/O threads are blocked; report_text/0 does not.
""").
-spec report() -> ok | unavailable().
report() ->
    headroom_print:print(fun headroom_inventory:report/1).

?DOC("""
The report as text: ASCII, lines of 80 columns where the numbers allow it.
""").
-spec report_text() -> binary() | unavailable().
report_text() ->
    headroom_inventory:report(ascii).

?DOC("""
Facts and judgement of this moment as one map.

Counts that could not be read are `unknown`, and `unreadable` says why. Limits without a bound are `infinity`.
Cost: below 100 microseconds at 19000 open descriptors on Linux 6.2 and later.
""").
-spec snapshot() -> snapshot() | unavailable().
snapshot() ->
    headroom_ask:snapshot().

?DOC("""
`snapshot(json)` is snapshot/0 as JSON: what is unknown is null, what is not set is absent, no bound is the word infinity.
""").
-spec snapshot(json) -> binary() | unavailable().
snapshot(json) ->
    headroom_ask:json();
snapshot(_) ->
    erlang:error(badarg).

?DOC("""
Whether the node is well: `ok`, or the findings that are a warning or critical.

Stateless, never a notice. Cost while all is well: two or three system calls and a few microseconds.
""").
-spec health() -> ok | {warning, [finding()]} | {critical, [finding()]} | unavailable().
health() ->
    headroom_ask:health().

?DOC("""
How many more sockets, files and port programs can be opened, and what stops the next one.

A `gen_tcp` socket needs a descriptor below `max_fds` and a port; a socket of the `socket` module a descriptor
below `max_fds`; a file a descriptor; a port program a port, five free descriptors at its start and two from then on.
Limits that an application sets itself, such as max_connections of a listener, are not counted.
""").
-spec capacity() -> #{use() => capacity()} | unavailable().
capacity() ->
    headroom_ask:capacity().

?DOC("""
capacity/0 of one kind: `gen_tcp`, `socket`, `file` or `port_program`.
""").
-spec capacity(use()) -> capacity() | unavailable().
capacity(Use) when Use =:= gen_tcp; Use =:= socket; Use =:= file; Use =:= port_program ->
    case headroom_ask:capacity() of
        #{Use := Capacity} -> Capacity;
        {error, _} = Error -> Error
    end;
capacity(_) ->
    erlang:error(badarg).

?DOC("""
Why a call failed, as data: diagnose/3 with the operation taken from the reason's own shape, where it shows one.
""").
-spec diagnose(term()) -> verdict() | unavailable().
diagnose(Reason) ->
    diagnose(Reason, undefined).

?DOC("""
Why this operation failed, as data: diagnose/3 with the probe.
""").
-spec diagnose(term(), operation()) -> verdict() | unavailable().
diagnose(Reason, Operation) ->
    diagnose(Reason, Operation, #{}).

?DOC("""
Why this operation failed: which limit it was, how that is known, what clears the others, and what to do.

`Reason` is anything that a failed call gave: `emfile`, `{error, system_limit}`, an exception with its
stacktrace, what a library wrapped around it, an Elixir exception, or text: a line, a report or an exception as OTP,
Elixir and libraries print them, cut, coloured or escaped. A printed term is judged as the term. Of a text the last and
the first half megabyte are read, and what was left out is said; what has more than 2 kB of text, or a thousand
parts, is read on a dirty CPU scheduler. States, last messages, arguments, paths and names decide nothing. What is not understood, or has a cause that is no limit beside those
that are, is the verdict `undetermined`.

The one call that takes a slot: unless the option `probe` is false, the kernel is asked for a descriptor and for a
file, and gets each back at once; where they are under suspicion for a pipe, a local port (a socket bound to port 0), an
inotify instance and a watch, too. OS processes, memory and local ports are read from files that are open from the start;
`evidence` then has `os_processes`, `threads`, `memory` and `local_ports`. What it grants now it may have refused a moment
before, and what root gets another user may not.

An operation or an option that does not exist raises `badarg`.
""").
-spec diagnose(term(), operation(), #{probe => boolean()}) -> verdict() | unavailable().
diagnose(Reason, Operation, Options) when is_atom(Operation), map_size(Options) =:= 0 ->
    headroom_ask:diagnose(Reason, Operation, true);
diagnose(Reason, Operation, #{probe := Probe} = Options)
  when is_atom(Operation), is_boolean(Probe), map_size(Options) =:= 1 ->
    headroom_ask:diagnose(Reason, Operation, Probe);
diagnose(_, _, _) ->
    erlang:error(badarg).

?DOC("""
Prints why a call failed to the caller's group leader: explain/2 with the operation taken from the reason.
""").
-spec explain(term()) -> ok | unavailable().
explain(Reason) ->
    explain(Reason, undefined).

?DOC("""
Prints why this operation failed to the caller's group leader: at most 25 lines of 80 columns, the verdict first.

What it says is diagnose/2. It names the node.
""").
-spec explain(term(), operation()) -> ok | unavailable().
explain(Reason, Operation) ->
    headroom_print:print(fun(_Charset) -> explain_text(Reason, Operation) end).

?DOC("""
What explain/1 prints, as ASCII text.
""").
-spec explain_text(term()) -> binary() | unavailable().
explain_text(Reason) ->
    explain_text(Reason, undefined).

?DOC("""
What explain/2 prints, as ASCII text.
""").
-spec explain_text(term(), operation()) -> binary() | unavailable().
explain_text(Reason, Operation) when is_atom(Operation) ->
    headroom_ask:explain(Reason, Operation, true);
explain_text(_, _) ->
    erlang:error(badarg).

?DOC("""
Raises the soft limit of descriptors (RLIMIT_NOFILE) of the running node, as far as it helps sockets.

The VM fixes the number of descriptors that it can watch when it starts (`max_fds`); a socket above it gets no event and is
never closed. So the limit goes up to `max_fds`, or to what a reserve leaves of it, and no further; `max` is the most that
can be had. It is never lowered, and the hard limit is not touched. On a node whose limit nobody lowered after the start
there is nothing to gain.

`{ok, Raised}`: `now` is what is in force, read again; `gives` says who profits; `children` that programs started by the
node keep the limit of its start. In this order `{error, Reason}`:
- `{above_nr_open, NrOpen}`: the kernel accepts no more than this (fs.nr_open);
- `{above_hard, Hard}`: the hard limit is this;
- `{restart_required, Restart}`: only the next start can have it, `fix` has the lines; for `max`: there is nothing to
  gain now, though the hard limit is higher;
- `{refused, Errno}`: the kernel refused;
- `{unknown, max_fds}`: the VM does not tell what it can watch.

Needs no free descriptor, port or process. Cost: about that of snapshot/0.
""").
-spec raise_nofile(non_neg_integer() | max) ->
          {ok, raised()}
        | {error, {above_nr_open, non_neg_integer()} | {above_hard, non_neg_integer()} | {restart_required, restart()}
                | {refused, errno()} | {unknown, max_fds}}
        | unavailable().
raise_nofile(Wanted) ->
    headroom_nofile:raise(Wanted).

?DOC("""
Brings a soft limit that somebody raised above `max_fds` after the start back down to `max_fds`, or to what a reserve
leaves of it. A lower limit stays as it is.

From then on no descriptor is opened that the VM cannot watch. Sockets that stand above already stay deaf; close them
with `gen_tcp:shutdown(Socket, write)` first, so that the peer hears of it, and restart the node to get their
descriptors back. Needs no free descriptor, port or process.
""").
-spec clamp_nofile() -> {ok, clamped()} | {error, {refused, errno()} | {unknown, max_fds}} | unavailable().
clamp_nofile() ->
    headroom_nofile:clamp().

?DOC("""
Holds descriptors and ports back, so that there is room for the operator when the node has none left.

The soft limit goes down by `fds` (on a node whose limit nobody changed: to `max_fds` minus `fds`), and `ports` idle
ports are opened, which take no descriptor. A number stands for descriptors alone. A second call replaces the first;
zeros end it. `{ok, Reserved}` says what is held back now. `{error, Reason}`:
- `{too_many, #{resource => fds, wanted => Wanted, room => Room}}`: there is not so much left; nothing was changed;
- `{refused, Errno}`: the kernel refused;
- `{unknown, max_fds}`, `{unknown, open}`: what the VM can watch, or how much is open, is not known;
- `{no_holder, Why}`: the application headroom does not run.

What is held back shows in snapshot/0 and report/0. When the application stops, or the process that holds the reserve
ends, limit and ports are as they were.
""").
-spec reserve(non_neg_integer() | #{fds => non_neg_integer(), ports => non_neg_integer()}) ->
          {ok, reserved()}
        | {error, {too_many, too_many()} | {refused, errno()} | {unknown, max_fds | open} | {no_holder, term()}}
        | unavailable().
reserve(Wanted) ->
    headroom_reserve:reserve(Wanted).

?DOC("""
Gives back what reserve/1 holds, and says by how many descriptors and ports; zeros when nothing is held.

It is done in the caller: no process is asked, none is started, nothing is opened. The room goes to whoever asks next,
and clients ask, too. Start the remote shell first, so that its connection waits in the backlog of the node, then release
from the shell or console that you have. With acceptors that back off after an error the shell gets in; with acceptors
that retry at once, that is not promised.
""").
-spec release() -> {ok, #{fds := non_neg_integer(), ports := non_neg_integer()}}
                 | {error, {refused, errno()}} | unavailable().
release() ->
    headroom_reserve:release().

?DOC("""
Whether this node meets requirements such as `#{fds => 65536, ports => #{min => 65536, free => 100}}`.

All that is not met comes back as findings; a limit that cannot be read never passes. A requirement of an unknown
resource or of the wrong shape is `{error, {bad_requirement, Key, Why}}`. Cost: that of snapshot/0.
""").
-spec check(requirements()) ->
    ok | {error, [finding()]} | {error, {bad_requirement, term(), binary()}} | unavailable().
check(Requirements) ->
    headroom_requirement:check(Requirements).

?DOC("""
As check/1, but what is not met is written to standard error, numbered, and the node halts with exit status 78.

So does a bad requirement. The text is complete before the halt; a terminal that takes nothing delays it by a second.
What other processes still had to print is not waited for. Without the native library it says so and returns the error.
""").
-spec assert(requirements()) -> ok | unavailable().
assert(Requirements) ->
    headroom_requirement:assert(Requirements).

?DOC("""
What to write where, so that the next start of this node has enough: lines that fit how it was started.

Enough is twice of what runs out now, at least 65536 descriptors, and tables that do not end before the descriptors do.
Each line comes with what it sets, with the file or command that it belongs to (systemd unit, `docker run`,
Dockerfile, vm.args, environment, start script, sysctl on the host) and with the id of the finding that it answers. An empty list: nothing has to be changed.
""").
-spec boot_advice() -> [boot_line()] | unavailable().
boot_advice() ->
    headroom_ask:boot_advice().

?DOC("""
What so many sessions need: descriptors, ports, processes, local ports, memory of the tables and a backlog, with the lines to
set and what this host lacks.

`headroom:plan(#{sessions => 50000})` is a gateway of two descriptors a session; `fds_per_session`, `ports_per_session` (as many as
descriptors; 0 for the module `socket`), `processes_per_session` and `upstreams` (servers behind it) say otherwise. What the node has
open now counts as what it takes without a session, so ask it before the sessions come. Limits are chosen so that the use stays
below 80 percent. A bad key or value: `{error, {bad_plan, Key, Why}}`.
""").
-spec plan(planned()) -> plan() | {error, {bad_plan, term(), binary()}} | unavailable().
plan(Asked) ->
    headroom_ask:plan(Asked).

?DOC("""
Which build of the native library this is.
""").
-spec version() -> #{headroom := binary(), nif_api := binary(), target := binary(), schema := pos_integer()}
                 | unavailable().
version() ->
    headroom_ask:version().

?DOC("""
Prints, whole and in sentences, what any function of headroom answered: a prompt cuts maps off before the line to paste.

    headroom:show(headroom:hazards()).

Each line to paste stands alone, as an Erlang prompt takes it; Headroom.show/1 prints it as iex does. A snapshot is
printed as the whole of its JSON, for a ticket. What is no answer of headroom is printed as `~p` would.
""").
-spec show(term()) -> ok | unavailable().
show(Answer) ->
    headroom_print:show(Answer, erlang).

?DOC("""
What would end this node, mute its log or lose its data when a descriptor, port or process is missing.

Only the hazards that hold for this node now: a notice each, a warning once a resource behind it is at warning (and
`soft_above_max_fds` as in the snapshot). The evidence says with `harden` whether harden/0 takes it away at this
moment. Opens nothing, spawns nothing. Cost: one snapshot, and a look at each module of the loaded applications.
docs/hazards.md has a paragraph on each.
""").
-spec hazards() -> [finding()] | unavailable().
hazards() ->
    headroom_ask:hazards().

?DOC("""
Takes away those of hazards/0 that can be taken away safely while the node runs, and says what became of each.

Call it while the node is well, best at boot (environment `{harden, true}`). It does two things, each only with room
for it: it starts the helper of the resolver (inet_gethost, a port program: one port and two descriptors), and it
loads and runs once the modules that print, log and serve a shell.
It changes no setting of the node, and asks no name server.
""").
-spec harden() -> {ok, [hardened()]} | unavailable().
harden() ->
    headroom_harden:harden().

?DOC("""
Prints who holds the descriptors of this node to the caller's group leader: the first line names the group that is
most to blame, and why. holders/1 with the defaults.
""").
-spec holders() -> ok | {error, busy} | unavailable().
holders() ->
    holders(#{}).

?DOC("""
Prints who holds the descriptors, at most `top` groups, with what could be closed; lines of 80 columns where names allow.

What it says is inventory/1 and relief/0. It names processes, and addresses unless `addresses` is false.
""").
-spec holders(look()) -> ok | {error, busy} | unavailable().
holders(Options) when is_map(Options) ->
    headroom_print:print(fun(_Charset) -> headroom_inventory:text(Options) end);
holders(_) ->
    erlang:error(badarg).

?DOC("""
Who holds the descriptors: inventory/1 with the defaults.
""").
-spec inventory() -> inventory() | {error, busy} | unavailable().
inventory() ->
    inventory(#{}).

?DOC("""
Who holds the descriptors of this node: each descriptor of the kernel, joined with the ports, sockets and processes of the VM.

A group is what processes have in common (registered name, label, or nearest named ancestor and first function), at one
listener or remote address. The worst comes first: bytes of an owner that is gone, connections that the other side closed
and this side did not, connections without data for long, many. Somebody is blamed only for the socket that stood there
when the VM was asked, too; what was opened or closed meanwhile counts as `moved`.

Files have no list in the VM: of them the number by process is known, and who has which is not.

Opens nothing, spawns nothing, runs on a dirty CPU scheduler in steps of a millisecond or two. Processes are asked by
helpers of the application; who does not answer, being inside native code, is waited for 100 milliseconds in all.
`{error, busy}`: another look was held up by the kernel for seconds. Cost: docs/holders.md.
An unknown option or a bad value is `error:badarg`.
""").
-spec inventory(look()) -> inventory() | {error, busy} | unavailable().
inventory(Options) when is_map(Options) ->
    headroom_inventory:inventory(Options);
inventory(_) ->
    erlang:error(badarg).

?DOC("""
What could be closed now, and how many descriptors that gives. Nothing is closed.

An owner is offered only if all that it has is of that kind, and never one that belongs to kernel, stdlib or headroom.
Sockets without an owner are counted, and cannot be closed from here. The cost is that of inventory/0.
""").
-spec relief() -> [offer()] | {error, busy} | unavailable().
relief() ->
    headroom_inventory:relief().

?DOC("""
Closes what one offer of relief/0 names: the offer itself, or `{Why, Group}` of it, as in its `line`.

The owner is asked to end (`exit(Owner, shutdown)`). A port whose owner is gone is closed; one that flushes its queue
takes no close, so the kernel is told to give the connection up at its next probe, a second to two minutes later. Each of
them only if the same socket and the same owner still stand there just before, at most 100 in one call. The answer says how
many were `asked` for, how many are `closed` half a second later at most, how many had `moved`, and how many are `left` for
the next call.
`{error, no_such_group}`: there is no such group now. `{error, nothing_to_close}`: there is, and nothing of it can be closed
from here, as relief/0 says.
""").
-spec close(offer() | {owner_gone | close_wait | idle, binary()}) ->
          {ok, #{asked := non_neg_integer(), closed := non_neg_integer(), moved := non_neg_integer(),
                 left := non_neg_integer()}}
        | {error, no_such_group | nothing_to_close | busy} | unavailable().
close(#{why := undefined, how := nothing}) ->
    {error, nothing_to_close};
close(#{why := Why, group := Group}) ->
    close({Why, Group});
close({Why, Group}) when is_binary(Group), Why =:= owner_gone orelse Why =:= close_wait orelse Why =:= idle ->
    headroom_inventory:close(Why, Group);
close(_) ->
    erlang:error(badarg).

?DOC("""
Is it a leak, since when, and when is it full? Prints trend_data/0 with a chart of each resource.

Charts are drawn with characters of ASCII unless the group leader is set to unicode.
""").
-spec trend() -> ok | {error, not_watched} | unavailable().
trend() ->
    headroom_print:print(fun headroom_trend:text/1).

?DOC("""
What the samples of this node say of each resource, as data.

`growing` is a verdict and says what is; `alarm` is true only if nothing will be left within the time in which the rise
was observed, as it was at three looks in a row. A wave of a day or a week, a saw-tooth, a burst or a step is not growth once
a window is long enough to show it. `{error, not_watched}` if the node is not watched (`{watch, false}`).
Cost: some milliseconds on a dirty CPU scheduler.
""").
-spec trend_data() -> trend_data() | {error, not_watched} | unavailable().
trend_data() ->
    headroom_trend:data().

?DOC("""
The trend as a picture: `chart(svg)` is SVG as a binary, made without a file.
""").
-spec chart(svg) -> binary() | {error, not_watched} | unavailable().
chart(svg) ->
    headroom_trend:chart();
chart(_) ->
    erlang:error(badarg).

?DOC("""
The numbers of this node as metrics. What is not known is left out, never 0.

Without a watched node (`{watch, false}`) those of its memory are missing.
""").
-spec metrics() -> [metric()] | unavailable().
metrics() ->
    headroom_trend:metrics().

?DOC("""
metrics/0 in the text format of Prometheus; headroom_health:metrics_response/0 is it for a web handler.
""").
-spec prometheus() -> binary() | unavailable().
prometheus() ->
    headroom_trend:prometheus().

?DOC("""
Prints a line for this node and each connected one: cluster_data/0.
""").
-spec cluster() -> ok | unavailable().
cluster() ->
    cluster(#{}).

?DOC("""
Prints cluster_data/1.
""").
-spec cluster(cluster_options()) -> ok | unavailable().
cluster(Options) ->
    Data = cluster_data(Options),
    headroom_print:print(fun(_Charset) -> headroom_cluster:text(Data) end).

?DOC("""
How this node and each connected one stand: cluster_data/1 with its defaults.
""").
-spec cluster_data() -> [cluster_node()] | unavailable().
cluster_data() ->
    cluster_data(#{}).

?DOC("""
How nodes stand, each asked by a message to its watcher: that needs no free process, port or descriptor there.

Nobody is connected to for it: a node that is not connected is `down`. One that does not answer within `timeout`
milliseconds is `too_slow`, one without a watcher `no_headroom`. An option that does not exist raises `badarg`.
""").
-spec cluster_data(cluster_options()) -> [cluster_node()] | unavailable().
cluster_data(Options) when is_map(Options) ->
    lists:foreach(fun check_cluster_option/1, maps:to_list(Options)),
    headroom_cluster:data(Options);
cluster_data(_) ->
    erlang:error(badarg).

check_cluster_option({nodes, Nodes}) when length(Nodes) >= 0 ->
    lists:all(fun is_atom/1, Nodes) orelse erlang:error(badarg);
check_cluster_option({timeout, Timeout}) when is_integer(Timeout), Timeout >= 0 ->
    true;
check_cluster_option(_) ->
    erlang:error(badarg).
