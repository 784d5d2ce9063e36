defmodule Headroom.UnmetError do
  @moduledoc """
  Raised by `Headroom.check!/1`: this node does not meet what was required of it.

  `findings` are those of `Headroom.check/1`; empty when the requirements could not be checked at all.
  """
  defexception [:message, findings: []]

  @type t :: %__MODULE__{message: String.t(), findings: [Headroom.finding()]}
end
