defmodule Headroom.MixProject do
  use Mix.Project

  # One version for both builds: the one in src/headroom.app.src.
  {:ok, [{:application, :headroom, props}]} = :file.consult("src/headroom.app.src")
  @props props

  def project do
    [
      app: :headroom,
      version: to_string(@props[:vsn]),
      description: to_string(@props[:description]),
      elixir: "~> 1.14",
      # rebar3 has _build/test/lib/headroom, too: each tool keeps to a folder of its own.
      build_path: "_build/mix",
      test_ignore_filters: [~r"^test/consumers/"],
      compilers: [:headroom_nif | Enum.flat_map(Mix.compilers(), &with_docs/1)],
      test_coverage: [summary: [threshold: 0], ignore_modules: [:headroom_nif]],
      deps: [],
      package: package()
    ]
  end

  # What builds, and what tests that it did: the natural list of Mix has no native/, and would ship priv/.
  defp package do
    [
      name: :headroom,
      licenses: @props[:licenses],
      links: Map.new(@props[:links]),
      files:
        ~w(src lib native test script docs examples bench .cargo Cargo.toml Cargo.lock mix.exs rebar.config) ++
          ~w(.formatter.exs Makefile LICENSE README.md CHANGELOG.md CONTRIBUTING.md)
    ]
  end

  def application, do: Keyword.take(@props, [:registered, :mod, :env])

  # The Elixir modules take their documentation over from the Erlang modules.
  defp with_docs(:erlang), do: [:erlang, :headroom_docs]
  defp with_docs(compiler), do: [compiler]
end

defmodule Mix.Tasks.Compile.HeadroomDocs do
  @moduledoc false
  use Mix.Task.Compiler

  @impl true
  def run(_args) do
    {_, 0} =
      System.cmd("sh", ["script/doc-chunks", Mix.Project.compile_path()], into: IO.stream())

    {:noop, []}
  end
end

defmodule Mix.Tasks.Compile.HeadroomNif do
  @moduledoc false
  use Mix.Task.Compiler

  @impl true
  def run(_args) do
    case System.cmd("sh", ["native/build.sh"], into: IO.stream(), stderr_to_stdout: true) do
      {_, 0} ->
        # priv/ may be new: link it into _build before anything loads the NIF.
        Mix.Project.build_structure()
        {:noop, []}

      {_, status} ->
        Mix.raise("native/build.sh failed (exit status #{status})")
    end
  end

  @impl true
  def clean, do: Enum.each(["priv/headroom_nif.so", "priv/bin/headroom"], &File.rm/1)
end
