defmodule Headroom do
  alias Headroom.Docs

  @external_resource "src/headroom.erl"
  @moduledoc Docs.module(:headroom) <>
               """


               The same functions, shapes and words as the Erlang module `:headroom`; `:badarg` is an `ArgumentError`.
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

  @doc Docs.of(:headroom, :start, 0, """
           iex> Headroom.start()
           :ok
       """)
  @spec start() :: :ok | {:error, term()}
  defdelegate start(), to: :headroom

  @doc Docs.of(:headroom, :report, 0)
  @spec report() :: :ok | unavailable()
  def report, do: :headroom_print.print(&:headroom_inventory.report/1, :elixir)

  @doc Docs.of(:headroom, :report_text, 0, """
           iex> Headroom.report_text() =~ "RESOURCE"
           true
       """)
  @spec report_text() :: binary() | unavailable()
  def report_text, do: :headroom_print.in(:elixir, :headroom.report_text())

  @doc Docs.of(:headroom, :snapshot, 0, """
           iex> %{schema: 1, resources: resources} = Headroom.snapshot()
           iex> Enum.map(resources, & &1.name)
           [:fds, :ports, :processes, :ets_tables, :atoms, :kernel_files]
       """)
  @spec snapshot() :: snapshot() | unavailable()
  defdelegate snapshot(), to: :headroom

  @doc Docs.of(:headroom, :snapshot, 1, """
           iex> Headroom.snapshot(:json) |> String.starts_with?(~s({"schema":1,))
           true
       """)
  @spec snapshot(:json) :: binary() | unavailable()
  defdelegate snapshot(format), to: :headroom

  @doc Docs.of(:headroom, :health, 0)
  @spec health() ::
          :ok | {:warning, [finding()]} | {:critical, [finding()]} | unavailable()
  defdelegate health(), to: :headroom

  @doc Docs.of(:headroom, :capacity, 0, """
           iex> Headroom.capacity() |> Map.keys() |> Enum.sort()
           [:file, :gen_tcp, :port_program, :socket]
       """)
  @spec capacity() :: %{use() => capacity()} | unavailable()
  defdelegate capacity(), to: :headroom

  @doc Docs.of(:headroom, :capacity, 1, """
           iex> %{free: _, bound_by: _} = Headroom.capacity(:gen_tcp)
           iex> Headroom.capacity(42)
           ** (ArgumentError) argument error
       """)
  @spec capacity(use()) :: capacity() | unavailable()
  defdelegate capacity(use), to: :headroom

  @doc Docs.of(:headroom, :diagnose, 1, """
           iex> Headroom.diagnose(%File.Error{reason: :enoent, path: "x", action: "open"}).verdict
           :not_a_limit
       """)
  @spec diagnose(term()) :: verdict() | unavailable()
  defdelegate diagnose(reason), to: :headroom

  @doc Docs.of(:headroom, :diagnose, 2, """
           iex> Headroom.diagnose({:error, :econnrefused}, :connect).verdict
           :not_a_limit
       """)
  @spec diagnose(term(), operation()) :: verdict() | unavailable()
  defdelegate diagnose(reason, operation), to: :headroom

  @doc Docs.of(:headroom, :diagnose, 3, """
           iex> Headroom.diagnose(:system_limit, :accept, %{probe: false}).evidence.probe
           %{fd: :not_done, file: :not_done}
           iex> Headroom.diagnose(:emfile, :acept, %{})
           ** (ArgumentError) argument error
       """)
  @spec diagnose(term(), operation(), %{optional(:probe) => boolean()}) ::
          verdict() | unavailable()
  defdelegate diagnose(reason, operation, options), to: :headroom

  @doc Docs.of(:headroom, :explain, 1)
  @spec explain(term()) :: :ok | unavailable()
  def explain(reason), do: explain(reason, :undefined)

  @doc Docs.of(:headroom, :explain, 2)
  @spec explain(term(), operation()) :: :ok | unavailable()
  def explain(reason, operation) do
    :headroom_print.print(fn _charset -> :headroom.explain_text(reason, operation) end, :elixir)
  end

  @doc Docs.of(:headroom, :explain_text, 1)
  @spec explain_text(term()) :: binary() | unavailable()
  def explain_text(reason), do: explain_text(reason, :undefined)

  @doc Docs.of(:headroom, :explain_text, 2, """
           iex> Headroom.explain_text(:econnrefused, :connect) |> String.split("\\n") |> hd()
           "econnrefused is not a limit of this node."
       """)
  @spec explain_text(term(), operation()) :: binary() | unavailable()
  def explain_text(reason, operation),
    do: :headroom_print.in(:elixir, :headroom.explain_text(reason, operation))

  @doc Docs.of(:headroom, :raise_nofile, 1, """
           iex> {:ok, %{now: now, gives: :nothing, children: :boot_limit}} = Headroom.raise_nofile(0)
           iex> now == Headroom.snapshot().nofile.soft
           true
           iex> Headroom.raise_nofile(:more)
           ** (ArgumentError) argument error
       """)
  @spec raise_nofile(non_neg_integer() | :max) ::
          {:ok, :headroom.raised()} | {:error, term()} | unavailable()
  defdelegate raise_nofile(wanted), to: :headroom

  @doc Docs.of(:headroom, :clamp_nofile, 0, """
           iex> {:ok, %{before: same, now: same}} = Headroom.clamp_nofile()
       """)
  @spec clamp_nofile() ::
          {:ok, :headroom.clamped()}
          | {:error, {:refused, :headroom.errno()} | {:unknown, :max_fds}}
          | unavailable()
  defdelegate clamp_nofile(), to: :headroom

  @doc Docs.of(:headroom, :reserve, 1, """
           iex> {:ok, %{fds: 2, ports: 1}} = Headroom.reserve(%{fds: 2, ports: 1})
           iex> Headroom.release()
           {:ok, %{fds: 2, ports: 1}}
           iex> Headroom.release()
           {:ok, %{fds: 0, ports: 0}}
       """)
  @spec reserve(
          non_neg_integer()
          | %{optional(:fds) => non_neg_integer(), optional(:ports) => non_neg_integer()}
        ) :: {:ok, :headroom.reserved()} | {:error, term()} | unavailable()
  defdelegate reserve(wanted), to: :headroom

  @doc Docs.of(:headroom, :release, 0)
  @spec release() ::
          {:ok, %{fds: non_neg_integer(), ports: non_neg_integer()}}
          | {:error, {:refused, :headroom.errno()}}
          | unavailable()
  defdelegate release(), to: :headroom

  @doc Docs.of(:headroom, :check, 1, """
           iex> Headroom.check(processes: 1024)
           :ok

           iex> {:error, [finding]} = Headroom.check(%{processes: 1_000_000_000})
           iex> finding.id
           :limit_below_required

           iex> Headroom.check(processes: :many)
           {:error, {:bad_requirement, :processes, "neither a whole number from 0 nor a map of min, max and free"}}
       """)
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

  @doc Docs.of(:headroom, :assert, 1, """
           iex> Headroom.assert(processes: 1024)
           :ok
       """)
  @spec assert(:headroom.requirements()) :: :ok | unavailable()
  defdelegate assert(requirements), to: :headroom

  @doc Docs.of(:headroom, :boot_advice, 0, """
           iex> Headroom.boot_advice() |> Enum.all?(&match?(%{sets: _, line: <<_::binary>>, where: <<_::binary>>}, &1))
           true
       """)
  @spec boot_advice() :: [:headroom.boot_line()] | unavailable()
  defdelegate boot_advice(), to: :headroom

  @doc Docs.of(:headroom, :plan, 1, """
           iex> Headroom.plan(%{sessions: 50_000}).needs |> Enum.map(& &1.name)
           [:fds, :ports, :processes]
       """)
  @spec plan(:headroom.planned()) ::
          :headroom.plan() | {:error, {:bad_plan, term(), binary()}} | unavailable()
  defdelegate plan(asked), to: :headroom

  @doc Docs.of(:headroom, :version, 0)
  @spec version() :: map() | unavailable()
  defdelegate version(), to: :headroom

  @doc Docs.of(:headroom, :show, 1)
  @spec show(term()) :: :ok | unavailable()
  def show(answer), do: :headroom_print.show(answer, :elixir)

  @doc Docs.of(:headroom, :hazards, 0, """
           iex> Headroom.hazards() |> Enum.all?(&is_boolean(&1.evidence.harden))
           true
       """)
  @spec hazards() :: [finding()] | unavailable()
  defdelegate hazards(), to: :headroom

  @doc Docs.of(:headroom, :harden, 0)
  @spec harden() :: {:ok, [hardened()]} | unavailable()
  defdelegate harden(), to: :headroom

  @doc Docs.of(:headroom, :holders, 0)
  @spec holders() :: :ok | {:error, :busy} | unavailable()
  def holders, do: holders(%{})

  @doc Docs.of(:headroom, :holders, 1)
  @spec holders(:headroom.look()) :: :ok | {:error, :busy} | unavailable()
  def holders(options) when is_map(options) do
    :headroom_print.print(fn _charset -> :headroom_inventory.text(options) end, :elixir)
  end

  def holders(_), do: :erlang.error(:badarg)

  @doc Docs.of(:headroom, :inventory, 0, """
           iex> %{total: total, by_kind: kinds} = Headroom.inventory()
           iex> total == kinds |> Map.values() |> Enum.sum()
           true
       """)
  @spec inventory() :: :headroom.inventory() | {:error, :busy} | unavailable()
  defdelegate inventory(), to: :headroom

  @doc Docs.of(:headroom, :inventory, 1)
  @spec inventory(:headroom.look()) :: :headroom.inventory() | {:error, :busy} | unavailable()
  defdelegate inventory(options), to: :headroom

  @doc Docs.of(:headroom, :relief, 0)
  @spec relief() :: [:headroom.offer()] | {:error, :busy} | unavailable()
  defdelegate relief(), to: :headroom

  @doc Docs.of(:headroom, :close, 1)
  @spec close(:headroom.offer() | {:owner_gone | :close_wait | :idle, binary()}) ::
          {:ok, map()} | {:error, :no_such_group | :busy} | unavailable()
  defdelegate close(offer), to: :headroom

  @doc Docs.of(:headroom, :trend, 0)
  @spec trend() :: :ok | {:error, :not_watched} | unavailable()
  defdelegate trend(), to: :headroom

  @doc Docs.of(:headroom, :trend_data, 0)
  @spec trend_data() :: :headroom.trend_data() | {:error, :not_watched} | unavailable()
  defdelegate trend_data(), to: :headroom

  @doc Docs.of(:headroom, :chart, 1)
  @spec chart(:svg) :: binary() | {:error, :not_watched} | unavailable()
  defdelegate chart(format), to: :headroom

  @doc Docs.of(:headroom, :metrics, 0, """
           iex> Headroom.metrics() |> Enum.any?(&(&1.name == "process_open_fds"))
           true
       """)
  @spec metrics() :: [:headroom.metric()] | unavailable()
  defdelegate metrics(), to: :headroom

  @doc Docs.of(:headroom, :prometheus, 0)
  @spec prometheus() :: binary() | unavailable()
  defdelegate prometheus(), to: :headroom

  @doc Docs.of(:headroom, :cluster, 0)
  @spec cluster() :: :ok | unavailable()
  defdelegate cluster(), to: :headroom

  @doc Docs.of(:headroom, :cluster, 1)
  @spec cluster(:headroom.cluster_options()) :: :ok | unavailable()
  defdelegate cluster(options), to: :headroom

  @doc Docs.of(:headroom, :cluster_data, 0, """
           iex> [%{node: here, state: :watched} | _] = Headroom.cluster_data()
           iex> here == node()
           true
       """)
  @spec cluster_data() :: [:headroom.cluster_node()] | unavailable()
  defdelegate cluster_data(), to: :headroom

  @doc Docs.of(:headroom, :cluster_data, 1)
  @spec cluster_data(:headroom.cluster_options()) :: [:headroom.cluster_node()] | unavailable()
  defdelegate cluster_data(options), to: :headroom
end
