defmodule Headroom.DocsTest do
  use ExUnit.Case, async: true

  alias Headroom.Docs

  # A text of its own in either door would drift, and one of the two readers be told something else.
  test "the documentation of each function is that of the Erlang module" do
    {:docs_v1, _, _, _, %{"en" => _}, _, erlang} = Code.fetch_docs(:headroom)
    {:docs_v1, _, _, _, %{"en" => module}, _, elixir} = Code.fetch_docs(Headroom)
    assert module =~ "Headroom.report()"

    written =
      for {{:function, name, arity}, _, _, %{"en" => text}, _} <- erlang,
          do: {{name, arity}, Docs.elixir(text)}

    shown =
      for {{:function, name, arity}, _, _, %{"en" => text}, _} <- elixir,
          into: %{},
          do: {{name, arity}, text}

    assert length(written) > 20

    for {function, text} <- written do
      assert String.starts_with?(Map.fetch!(shown, function), text), inspect(function)
    end

    for {function, _} <- Map.drop(shown, Enum.map(written, &elem(&1, 0))) do
      assert function == {:check!, 1}
    end
  end

  # What is pasted from it into iex must be Elixir.
  test "marked terms and calls are in Elixir's syntax, everything else as it is" do
    for {erlang, elixir} <- [
          {"`headroom:report().`", "`Headroom.report()`"},
          {"`{error, {nif_not_loaded, Reason}}`", "`{:error, {:nif_not_loaded, reason}}`"},
          {~S"`#{fds => 65536, ports => #{min => 1}}`", "`%{fds: 65536, ports: %{min: 1}}`"},
          {~S"`{too_many, #{wanted => N}}`", "`{:too_many, %{wanted: n}}`"},
          {"`[ok, {ok, 1}]`", "`[:ok, {:ok, 1}]`"},
          {"`gen_tcp:shutdown(Socket, write)`", "`:gen_tcp.shutdown(socket, :write)`"},
          {"`error:badarg`", "`error:badarg`"},
          {"`--file`, `snapshot/0`, ` `", "`--file`, `snapshot/0`, ` `"},
          {"no code at all", "no code at all"}
        ] do
      assert Docs.elixir(erlang) == elixir
    end
  end
end
