defmodule HeadroomTest do
  use ExUnit.Case, async: true

  doctest Headroom

  # If Elixir had words of its own, an operator and a colleague would read two reports of one node.
  test "the same words as Erlang" do
    erlang = :headroom.report_text()
    assert Headroom.report_text() |> words() == :headroom_print.in(:elixir, erlang) |> words()
    # What is pasted into iex must be Elixir, and into erl Erlang.
    refute Headroom.report_text() =~ "headroom:"
    refute erlang =~ "Headroom."
  end

  # A delegate that is missing would send an operator at an iex prompt to a page about Erlang.
  test "every function of :headroom is here" do
    ours = Headroom.__info__(:functions) |> MapSet.new()
    theirs = :headroom.module_info(:exports) |> Keyword.delete(:module_info) |> MapSet.new()
    assert MapSet.subset?(theirs, ours)
  end

  # Numbers change from call to call, and bars with them.
  defp words(text), do: text |> String.replace(~r/[0-9# ?.]+/, " ")
end
