defmodule Headroom.Health do
  @moduledoc """
  A plug that answers health probes: 200 while the level is ok or warning, 503 when it is critical or unknown.

      # in an endpoint or router, before what costs something
      plug Headroom.Health, at: "/health"

      # or alone under a path
      forward "/health", to: Headroom.Health

  The body is JSON with the level and the findings that raised it, never to be stored. It names limits of the node: keep
  it where only probes get at it. Nothing here depends on Plug; whoever calls `call/2` has it.
  """

  alias Headroom.Docs

  @external_resource "src/headroom_health.erl"
  @compile {:no_warn_undefined, Plug.Conn}

  @doc """
  The options: `at` is the path to answer, with the slash; without it every request is answered.

      iex> Headroom.Health.init(at: "/health")
      "/health"
      iex> Headroom.Health.init([])
      nil
      iex> Headroom.Health.init(path: "/health")
      ** (ArgumentError) unknown option :path, there is only :at
  """
  @spec init(keyword()) :: String.t() | nil
  def init(options) do
    for {key, _} <- options, key != :at do
      raise ArgumentError, "unknown option #{inspect(key)}, there is only :at"
    end

    case options[:at] do
      path when is_binary(path) or is_nil(path) -> path
      other -> raise ArgumentError, "at is a path, not #{inspect(other)}"
    end
  end

  @doc "Answers and halts the connection, or passes it on when another path was asked for."
  @spec call(conn, String.t() | nil) :: conn when conn: struct()
  def call(%{request_path: path} = conn, at) when is_nil(at) or at == path do
    answer(conn, response())
  end

  def call(conn, _at), do: conn

  @doc false
  def answer(conn, {status, headers, body}) do
    conn =
      Enum.reduce(headers, conn, fn {name, value}, conn ->
        Plug.Conn.put_resp_header(conn, name, value)
      end)

    conn |> Plug.Conn.send_resp(status, body) |> Plug.Conn.halt()
  end

  @doc Docs.of(:headroom_health, :response, 0, """
           iex> {200, headers, body} = Headroom.Health.response()
           iex> {"cache-control", "no-store"} in headers and String.starts_with?(body, ~s({"level":"))
           true
       """)
  @spec response() :: {200 | 503, [{binary(), binary()}], binary()}
  defdelegate response(), to: :headroom_health
end
