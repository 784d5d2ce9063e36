defmodule Headroom do
  @moduledoc """
  How close is this node to a descriptor, port, ETS or process limit, which limit binds first, and what to do.

  At the prompt: `Headroom.report()`. Every call here answers with no free descriptor, port or process: it opens
  nothing, spawns nothing and loads nothing once the application was started.

  The same functions, shapes and words as the Erlang module `:headroom`. No call raises because of the node's state:
  without the native library every call returns `{:error, {:nif_not_loaded, reason}}`. A wrong argument raises
  `ArgumentError`.
  """

  @typedoc "How bad something is. A notice never changes the level of a node."
  @type level :: :headroom.level()

  @typedoc "How many there are. What could not be read is `:unknown`, never 0."
  @type count :: :headroom.count()

  @typedoc "The upper end of a resource."
  @type limit :: :headroom.limit()

  @typedoc "The six resources."
  @type name :: :headroom.name()

  @typedoc "What descriptors and ports are used for."
  @type use :: :headroom.use()

  @typedoc "One resource. `enforced` is false where nothing refuses the next one at the limit."
  @type resource :: :headroom.resource()

  @typedoc "One thing worth saying, with its evidence, lines to paste, and whether they need a restart."
  @type finding :: :headroom.finding()

  @typedoc "How many more can be opened, and what stops the next one."
  @type capacity :: :headroom.capacity()

  @typedoc "Facts and judgement of one moment; `taken_at` is system time in milliseconds."
  @type snapshot :: :headroom.snapshot()

  @typedoc "One hazard after `harden/0`: whether it no longer holds, what was done, or why it was not."
  @type hardened :: :headroom.hardened()

  @typedoc "What failed. `:undefined` takes it from the reason's own shape, where that shows it."
  @type operation :: :headroom.operation()

  @typedoc "What stopped a call."
  @type culprit :: :headroom.culprit()

  @typedoc "Why a call failed: the culprit, how that is known, what clears the others, and what to do."
  @type verdict :: :headroom.verdict()

  @typedoc "The native library is not there."
  @type unavailable :: :headroom.unavailable()

  @doc """
  Prints the report of this node to the caller's group leader, on one screen.

  It names the node and its limits. On OTP 26 and later printing to the node's own `:user` waits while all dirty I/O
  threads are blocked; `report_text/0` does not.
  """
  @spec report() :: :ok | unavailable()
  defdelegate report(), to: :headroom

  @doc """
  The report as text: ASCII, lines of 80 columns where the numbers allow it.

      iex> Headroom.report_text() =~ "RESOURCE"
      true
  """
  @spec report_text() :: binary() | unavailable()
  defdelegate report_text(), to: :headroom

  @doc """
  Facts and judgement of this moment as one map.

      iex> %{schema: 1, resources: resources} = Headroom.snapshot()
      iex> Enum.map(resources, & &1.name)
      [:fds, :ports, :processes, :ets_tables, :atoms, :kernel_files]
  """
  @spec snapshot() :: snapshot() | unavailable()
  defdelegate snapshot(), to: :headroom

  @doc """
  `snapshot(:json)` is `snapshot/0` as JSON: unknown is null, what is not set is absent, no bound is "infinity".

      iex> Headroom.snapshot(:json) |> String.starts_with?(~s({"schema":1,))
      true
  """
  @spec snapshot(:json) :: binary() | unavailable()
  defdelegate snapshot(format), to: :headroom

  @doc """
  Whether the node is well: `:ok`, or the findings that are a warning or critical. Stateless, never a notice.
  """
  @spec health() ::
          :ok | {:warning, [finding()]} | {:critical, [finding()]} | unavailable()
  defdelegate health(), to: :headroom

  @doc """
  How many more sockets, files and port programs can be opened, and what stops the next one.

      iex> Headroom.capacity() |> Map.keys() |> Enum.sort()
      [:file, :gen_tcp, :port_program, :socket]
  """
  @spec capacity() :: %{use() => capacity()} | unavailable()
  defdelegate capacity(), to: :headroom

  @doc """
  `capacity/0` of one kind: `:gen_tcp`, `:socket`, `:file` or `:port_program`.

      iex> %{free: _, bound_by: _} = Headroom.capacity(:gen_tcp)
      iex> Headroom.capacity(42)
      ** (ArgumentError) argument error
  """
  @spec capacity(use()) :: capacity() | unavailable()
  defdelegate capacity(use), to: :headroom

  @doc """
  `diagnose/3` with the operation taken from the reason's own shape, where it shows one.

      iex> Headroom.diagnose(%File.Error{reason: :enoent, path: "x", action: "open"}).verdict
      :not_a_limit
  """
  @spec diagnose(term()) :: verdict() | unavailable()
  defdelegate diagnose(reason), to: :headroom

  @doc """
  `diagnose/3` with the probe.

      iex> Headroom.diagnose({:error, :econnrefused}, :connect).verdict
      :not_a_limit
  """
  @spec diagnose(term(), operation()) :: verdict() | unavailable()
  defdelegate diagnose(reason, operation), to: :headroom

  @doc """
  Why this operation failed: which limit it was, how that is known, what clears the others, and what to do.

  `reason` is anything that a failed call gave: a word, `{:error, reason}`, an exception with or without its stacktrace,
  what a library wrapped around it, or a line of a log. What is not understood is the verdict `:undetermined`.

  The one call that takes a slot: unless the option `probe` is false, the kernel is asked for a descriptor and for a
  file, and gets each back at once. What it grants now it may have refused a moment before, and what root gets another
  user may not.

      iex> Headroom.diagnose(:system_limit, :accept, %{probe: false}).evidence.probe
      %{fd: :not_done, file: :not_done}
      iex> Headroom.diagnose(:emfile, :acept, %{})
      ** (ArgumentError) argument error
  """
  @spec diagnose(term(), operation(), %{optional(:probe) => boolean()}) ::
          verdict() | unavailable()
  defdelegate diagnose(reason, operation, options), to: :headroom

  @doc "`explain/2` with the operation taken from the reason's own shape, where it shows one."
  @spec explain(term()) :: :ok | unavailable()
  defdelegate explain(reason), to: :headroom

  @doc """
  Prints why this operation failed to the caller's group leader: at most 25 lines of 80 columns, the verdict first.
  """
  @spec explain(term(), operation()) :: :ok | unavailable()
  defdelegate explain(reason, operation), to: :headroom

  @doc "What `explain/1` prints, as ASCII text."
  @spec explain_text(term()) :: binary() | unavailable()
  defdelegate explain_text(reason), to: :headroom

  @doc """
  What `explain/2` prints, as ASCII text.

      iex> Headroom.explain_text(:econnrefused, :connect) |> String.split("\\n") |> hd()
      "econnrefused is not a limit of this node."
  """
  @spec explain_text(term(), operation()) :: binary() | unavailable()
  defdelegate explain_text(reason, operation), to: :headroom

  @doc """
  Raises the soft limit of descriptors of the running node, as far as it helps sockets.

  Never above `max_fds`, which the VM fixed when it started, never lower than it is, and never the hard limit. `:max` is
  the most that can be had. In this order: `{:error, {:above_nr_open, n}}`, `{:above_hard, n}`,
  `{:restart_required, %{fix: lines}}`; `{:refused, errno}` when the kernel refuses.

      iex> {:ok, %{now: now, gives: :nothing, children: :boot_limit}} = Headroom.raise_nofile(0)
      iex> now == Headroom.snapshot().nofile.soft
      true
      iex> Headroom.raise_nofile(:more)
      ** (ArgumentError) argument error
  """
  @spec raise_nofile(non_neg_integer() | :max) ::
          {:ok, :headroom.raised()} | {:error, term()} | unavailable()
  defdelegate raise_nofile(wanted), to: :headroom

  @doc """
  Brings a soft limit that somebody raised above `max_fds` after the start back down to it.

      iex> {:ok, %{before: same, now: same}} = Headroom.clamp_nofile()
  """
  @spec clamp_nofile() ::
          {:ok, :headroom.clamped()}
          | {:error, {:refused, :headroom.errno()} | {:unknown, :max_fds}}
          | unavailable()
  defdelegate clamp_nofile(), to: :headroom

  @doc """
  Holds descriptors and ports back, so that there is room for the operator when the node has none left.

  A number stands for descriptors alone. A second call replaces the first. When the application stops, limit and ports
  are as they were. `{:error, {:too_many, %{resource: _, wanted: _, room: _}}}` changes nothing.

      iex> {:ok, %{fds: 2, ports: 1}} = Headroom.reserve(%{fds: 2, ports: 1})
      iex> Headroom.release()
      {:ok, %{fds: 2, ports: 1}}
      iex> Headroom.release()
      {:ok, %{fds: 0, ports: 0}}
  """
  @spec reserve(
          non_neg_integer()
          | %{optional(:fds) => non_neg_integer(), optional(:ports) => non_neg_integer()}
        ) :: {:ok, :headroom.reserved()} | {:error, term()} | unavailable()
  defdelegate reserve(wanted), to: :headroom

  @doc """
  Gives back what `reserve/1` holds, in the caller, and says how much.

  The room goes to whoever asks next. Start the remote shell first, so that its connection waits, then release. With
  acceptors that retry at once after an error it is not promised that the shell gets in.
  """
  @spec release() ::
          {:ok, %{fds: non_neg_integer(), ports: non_neg_integer()}}
          | {:error, {:refused, :headroom.errno()}}
          | unavailable()
  defdelegate release(), to: :headroom

  @doc """
  Whether this node meets requirements such as `fds: 65_536, ports: [min: 65_536, free: 100]`, a map or keyword list.

  All that is not met comes back as findings; a limit that cannot be read never passes.

      iex> Headroom.check(processes: 1024)
      :ok

      iex> {:error, [finding]} = Headroom.check(%{processes: 1_000_000_000})
      iex> finding.id
      :limit_below_required

      iex> Headroom.check(processes: :many)
      {:error, {:bad_requirement, :processes, "neither a whole number from 0 nor a map of min, max and free"}}
  """
  @spec check(:headroom.requirements()) ::
          :ok
          | {:error, [finding()]}
          | {:error, {:bad_requirement, term(), binary()}}
          | unavailable()
  defdelegate check(requirements), to: :headroom

  @doc """
  As `check/1`, but raises `Headroom.UnmetError` when something is not met, and `ArgumentError` for a bad requirement.

      iex> Headroom.check!(processes: 1024)
      :ok
  """
  @spec check!(:headroom.requirements()) :: :ok
  def check!(requirements) do
    case :headroom.check(requirements) do
      :ok ->
        :ok

      {:error, [_ | _] = findings} ->
        messages = Enum.map_join(findings, "\n", & &1.message)
        raise Headroom.UnmetError, message: messages, findings: findings

      {:error, {:bad_requirement, key, why}} ->
        raise ArgumentError, "bad requirement #{inspect(key)}: #{why}"

      {:error, reason} ->
        raise Headroom.UnmetError, message: "not checked: #{inspect(reason)}"
    end
  end

  @doc """
  As `check/1`, but what is not met is written to standard error, numbered, and the node halts with exit status 78.

      iex> Headroom.assert(processes: 1024)
      :ok
  """
  @spec assert(:headroom.requirements()) :: :ok | unavailable()
  defdelegate assert(requirements), to: :headroom

  @doc """
  What to write where, so that the next start of this node has enough: lines that fit how it was started.

  Enough is twice of what runs out now, at least 65536 descriptors, and tables that do not end before the descriptors do.
  An empty list: nothing has to be changed.

      iex> Headroom.boot_advice() |> Enum.all?(&match?(%{sets: _, line: <<_::binary>>, where: <<_::binary>>}, &1))
      true
  """
  @spec boot_advice() :: [:headroom.boot_line()] | unavailable()
  defdelegate boot_advice(), to: :headroom

  @doc "Which build of the native library this is."
  @spec version() :: map() | unavailable()
  defdelegate version(), to: :headroom

  @doc """
  What would end this node, mute its log or lose its data when a descriptor, port or process is missing.

  Only the hazards that hold for this node now: a notice each, a warning once a resource behind it is at warning. The
  evidence says with `:harden` whether `harden/0` takes it away at this moment. Opens nothing, spawns nothing.

      iex> Headroom.hazards() |> Enum.all?(&is_boolean(&1.evidence.harden))
      true
  """
  @spec hazards() :: [finding()] | unavailable()
  defdelegate hazards(), to: :headroom

  @doc """
  Takes away those of `hazards/0` that can be taken away safely while the node runs, and says what became of each.

  Call it while the node is well, best at boot (environment `harden: true`). With room for it, it starts the helper of
  the resolver (`inet_gethost`, a port program: one port, two descriptors) and loads and runs once the modules that
  print, log and serve a shell. It changes no setting of the node, and asks no name server.
  """
  @spec harden() :: {:ok, [hardened()]} | unavailable()
  defdelegate harden(), to: :headroom
end
