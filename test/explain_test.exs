defmodule Headroom.ExplainTest do
  use ExUnit.Case, async: true

  # What an Elixir program holds in its hands is a struct: the reason inside must be found.
  test "exceptions are unwrapped" do
    rows = [
      {%File.Error{reason: :emfile, path: "x", action: "open"}, :emfile, :file},
      {%MatchError{term: {:error, :emfile}}, :emfile, :undefined},
      {%ErlangError{original: :system_limit}, :system_limit, :undefined},
      {%SystemLimitError{}, :system_limit, :undefined},
      {%CaseClauseError{term: {:error, :enfile}}, :enfile, :undefined}
    ]

    for {exception, reason, operation} <- rows do
      assert %{reason: ^reason, operation: ^operation} = Headroom.diagnose(exception)
    end
  end

  test "an exception with its stacktrace shows the operation" do
    error =
      try do
        Port.open({:spawn_executable, "/no/such/program"}, [])
      rescue
        exception -> {exception, __STACKTRACE__}
      end

    assert %{operation: :open_port, verdict: :not_a_limit} = Headroom.diagnose(error)
  end
end
