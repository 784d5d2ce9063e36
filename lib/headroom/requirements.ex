defmodule Headroom.Requirements do
  @moduledoc """
  A child of a supervisor that starts nothing, and keeps the supervisor from starting when this node does not meet
  requirements.

      children = [
        {Headroom.Requirements, fds: 65_536, ports: [min: 65_536, free: 1000]},
        MyApp.Endpoint
      ]

  Place it before what depends on it. The shapes are those of `Headroom.check/1`.
  """

  @doc "The specification of the child."
  @spec child_spec(:headroom.requirements()) :: Supervisor.child_spec()
  def child_spec(requirements) do
    %{
      id: __MODULE__,
      start: {__MODULE__, :start_link, [requirements]},
      restart: :temporary
    }
  end

  @doc """
  `:ignore` when all is met; otherwise the supervisor does not start.

  The error is `{:unmet, findings}`, `{:bad_requirement, key, why}` or `{:nif_not_loaded, reason}`. In the boot of a
  release, which would fail of it with a page of reports, the node is halted with exit status 78 instead, with all that is
  not met on standard error. `on_unmet` and the variable `HEADROOM_ON_UNMET` hold here, too: with `warn` what is not met
  goes to the log and the answer is `:ignore`.

      iex> Headroom.Requirements.start_link(processes: 1024)
      :ignore

      iex> {:error, {:unmet, [finding]}} = Headroom.Requirements.start_link(processes: 1_000_000_000)
      iex> finding.resource
      :processes
  """
  @spec start_link(:headroom.requirements()) ::
          :ignore
          | {:error,
             {:unmet, [Headroom.finding()]}
             | {:bad_requirement | :bad_option, term(), binary()}
             | {:nif_not_loaded, term()}}
  defdelegate start_link(requirements), to: :headroom_requirement, as: :child
end
