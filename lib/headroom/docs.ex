defmodule Headroom.Docs do
  @moduledoc false
  # The documentation of the Erlang modules for their Elixir doors, when these are compiled: written once, terms in
  # Elixir's syntax.

  @doc "What the Erlang module says of itself."
  @spec module(module()) :: String.t()
  def module(module) do
    case chunk(module) do
      {:docs_v1, _, _, _, %{"en" => text}, _, _} -> elixir(text)
      _ -> "See `#{inspect(module)}`."
    end
  end

  @doc "What the Erlang module says of a function, and examples after it."
  @spec of(module(), atom(), arity(), String.t()) :: String.t()
  def of(module, name, arity, examples \\ "") do
    Enum.join([function(module, name, arity), examples], "\n\n")
  end

  defp function(module, name, arity) do
    with {:docs_v1, _, _, _, _, _, docs} <- chunk(module),
         {_, _, _, %{"en" => text}, _} <- List.keyfind(docs, {:function, name, arity}, 0) do
      elixir(text)
    else
      _ -> "See `#{inspect(module)}.#{name}/#{arity}`."
    end
  end

  # Without the step that writes documentation there is none before OTP 27; a build does not fail of that.
  defp chunk(module), do: Code.fetch_docs(module)

  @doc "The text with what is marked as code in Elixir's syntax, where it is a term or call of Erlang."
  @spec elixir(String.t()) :: String.t()
  def elixir(text) do
    Regex.replace(~r/`([^`\n]+)`/, text, fn marked, code -> translated(code) || marked end)
  end

  defp translated(code) do
    source = String.to_charlist(String.trim_trailing(code, ".") <> " .")

    with {:ok, tokens, _} <- :erl_scan.string(source),
         {:ok, [expression]} <- :erl_parse.parse_exprs(tokens),
         {:ok, quoted} <- quoted(expression) do
      "`" <> Macro.to_string(quoted) <> "`"
    else
      _ -> nil
    end
  end

  # Anything but the forms below stays as it is.
  defp quoted({:atom, _, atom}), do: {:ok, atom}
  defp quoted({:integer, _, integer}), do: {:ok, integer}
  defp quoted({:var, _, name}), do: {:ok, variable(name)}
  defp quoted({:tuple, _, terms}), do: wrap(terms, &{:{}, [], &1})
  defp quoted({nil, _}), do: {:ok, []}

  defp quoted({:cons, _, head, tail}) do
    with {:ok, head} <- quoted(head),
         {:ok, tail} when is_list(tail) <- quoted(tail),
         do: {:ok, [head | tail]}
  end

  defp quoted({:map, _, fields}) do
    with {:ok, pairs} <- all(fields, &pair/1), do: {:ok, {:%{}, [], pairs}}
  end

  defp quoted({:call, _, {:remote, _, {:atom, _, module}, {:atom, _, function}}, arguments}) do
    wrap(arguments, &{{:., [], [door(module), function]}, [], &1})
  end

  defp quoted(_), do: :error

  defp wrap(terms, fun) do
    with {:ok, terms} <- all(terms, &quoted/1), do: {:ok, fun.(terms)}
  end

  defp pair({kind, _, key, value}) when kind in [:map_field_assoc, :map_field_exact] do
    with {:ok, key} <- quoted(key), {:ok, value} <- quoted(value), do: {:ok, {key, value}}
  end

  defp all(terms, fun) do
    Enum.reduce_while(Enum.reverse(terms), {:ok, []}, fn term, {:ok, done} ->
      case fun.(term) do
        {:ok, quoted} -> {:cont, {:ok, [quoted | done]}}
        :error -> {:halt, :error}
      end
    end)
  end

  defp variable(name) do
    {name |> Atom.to_string() |> Macro.underscore() |> String.to_atom(), [], nil}
  end

  defp door(:headroom), do: {:__aliases__, [], [:Headroom]}
  defp door(module), do: module
end
