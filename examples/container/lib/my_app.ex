defmodule MyApp do
  @moduledoc "An application that does nothing but ask for what it needs before it starts."
  use Application

  @impl true
  def start(_type, _args) do
    children = [
      # Before what takes connections. Refused: exit status 78, with all that is missing on standard error.
      {Headroom.Requirements, fds: 4096, ports: 4096}
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: MyApp.Supervisor)
  end
end
