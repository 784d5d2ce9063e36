defmodule RequirementsTest do
  use ExUnit.Case, async: true

  doctest Headroom.Requirements

  # A release whose supervisor starts under a limit that will kill it was not guarded at all.
  test "a supervisor starts with requirements that are met, and not with others" do
    # It reports each start that fails.
    :logger.set_module_level(:supervisor, :none)
    on_exit(fn -> :logger.unset_module_level(:supervisor) end)

    assert {:ok, pid} = start([{Headroom.Requirements, fds: 1}])
    assert Supervisor.which_children(pid) == []
    Supervisor.stop(pid)

    Process.flag(:trap_exit, true)
    requirements = {Headroom.Requirements, processes: [max: 1], fds: 1_000_000_000}
    assert {:error, {:shutdown, {:failed_to_start_child, id, reason}}} = start([requirements])
    assert id == Headroom.Requirements
    assert {:unmet, [%{resource: :fds}, %{resource: :processes}]} = reason

    bad = start([{Headroom.Requirements, %{fd: 1}}])
    assert {:error, {:shutdown, {:failed_to_start_child, ^id, {:bad_requirement, :fd, _}}}} = bad
  end

  # Who rescues the exception needs the findings, who only sees it needs every message.
  test "check! raises with all findings" do
    error =
      assert_raise Headroom.UnmetError, fn ->
        Headroom.check!(fds: 1_000_000_000, ports: 1_000_000_000)
      end

    assert [%{resource: :fds}, %{resource: :ports}] = error.findings
    assert error.message =~ "fds: the limit must be at least 1000000000"
    assert error.message =~ "ports: the limit must be at least 1000000000"
    assert_raise ArgumentError, ~r/:fd: no such resource/, fn -> Headroom.check!(fd: 1) end
    assert_raise ArgumentError, fn -> Headroom.check!(:fds) end
  end

  defp start(children), do: Supervisor.start_link(children, strategy: :one_for_one)
end
