# What Headroom.Health calls of Plug, which is no dependency: with the real one this module is not compiled.
unless Code.ensure_loaded?(Plug.Conn) do
  defmodule Plug.Conn do
    defstruct request_path: "/", resp_headers: [], status: nil, resp_body: nil, halted: false

    def put_resp_header(conn, name, value) when is_binary(name) and is_binary(value),
      do: %{conn | resp_headers: [{name, value} | conn.resp_headers]}

    def send_resp(conn, status, body) when is_integer(status),
      do: %{conn | status: status, resp_body: body}

    def halt(conn), do: %{conn | halted: true}
  end
end

defmodule HealthTest do
  use ExUnit.Case, async: true

  doctest Headroom.Health
  doctest Headroom.Metrics

  # A probe that is not halted goes on to the application, which answers it once more.
  test "answers the path it was given, and no other" do
    options = Headroom.Health.init(at: "/health")
    conn = Headroom.Health.call(%{conn() | request_path: "/health"}, options)
    assert %{status: 200, halted: true, resp_body: ~s({"level":"ok","findings":[]})} = conn
    assert {"cache-control", "no-store"} in conn.resp_headers
    assert {"content-type", "application/json"} in conn.resp_headers

    other = %{conn() | request_path: "/healthy"}
    assert Headroom.Health.call(other, options) == other
    assert %{status: 200} = Headroom.Health.call(other, Headroom.Health.init([]))
  end

  # Prometheus scrapes what it is given: a page of something else is an alert on a healthy node.
  test "answers scrapes under its path alone" do
    options = Headroom.Metrics.init(at: "/metrics")
    conn = Headroom.Metrics.call(%{conn() | request_path: "/metrics"}, options)
    assert %{status: 200, halted: true, resp_body: body} = conn
    assert body =~ "\nprocess_max_fds "
    assert {"content-type", "text/plain; version=0.0.4; charset=utf-8"} in conn.resp_headers

    other = %{conn() | request_path: "/"}
    assert Headroom.Metrics.call(other, options) == other
  end

  defp conn, do: struct(Plug.Conn)
end
