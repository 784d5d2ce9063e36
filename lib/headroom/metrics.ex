defmodule Headroom.Metrics do
  @moduledoc """
  A plug that answers scrapes of Prometheus with `Headroom.prometheus/0`.

      # in an endpoint or router, before what costs something
      plug Headroom.Metrics, at: "/metrics"

      # or alone under a path
      forward "/metrics", to: Headroom.Metrics

  It names limits of the node: keep it where only Prometheus gets at it. Nothing here depends on Plug; whoever calls
  `call/2` has it.
  """

  alias Headroom.{Docs, Health}

  @external_resource "src/headroom_health.erl"

  @doc """
  The options: `at` is the path to answer, with the slash; without it every request is answered.

      iex> Headroom.Metrics.init(at: "/metrics")
      "/metrics"
  """
  @spec init(keyword()) :: String.t() | nil
  defdelegate init(options), to: Health

  @doc "Answers and halts the connection, or passes it on when another path was asked for."
  @spec call(conn, String.t() | nil) :: conn when conn: struct()
  def call(%{request_path: path} = conn, at) when is_nil(at) or at == path do
    Health.answer(conn, response())
  end

  def call(conn, _at), do: conn

  @doc Docs.of(:headroom_health, :metrics_response, 0, """
           iex> {200, headers, body} = Headroom.Metrics.response()
           iex> {"cache-control", "no-store"} in headers and body =~ "# TYPE process_open_fds gauge"
           true
       """)
  @spec response() :: {200 | 503, [{binary(), binary()}], binary()}
  defdelegate response(), to: :headroom_health, as: :metrics_response
end
