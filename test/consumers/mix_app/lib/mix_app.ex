defmodule MixApp do
  @moduledoc "Prints what headroom says about the node that boots it, then stops the node."
  use Application

  @impl true
  def start(_type, _args) do
    listed = length(File.ls!("/proc/self/fd"))
    snapshot = Headroom.snapshot()
    IO.puts("level=#{snapshot.level} binding=#{snapshot.binding}")

    for %{name: name, used: used, limit: limit} <- snapshot.resources do
      IO.puts("#{name} used=#{used} limit=#{limit}")
    end

    IO.puts("listed=#{listed}")
    for path <- libraries(), do: IO.puts("library=#{path}")
    spawn(&stop_when_booted/0)
    Supervisor.start_link([], strategy: :one_for_one)
  end

  # The files that the process has mapped, as the kernel names them.
  defp libraries do
    ~r"/.*headroom_nif\.so.*"
    |> Regex.scan(File.read!("/proc/self/maps"))
    |> List.flatten()
    |> Enum.uniq()
  end

  defp stop_when_booted do
    case :init.get_status() do
      {:started, _} ->
        :init.stop()

      _ ->
        Process.sleep(10)
        stop_when_booted()
    end
  end
end
