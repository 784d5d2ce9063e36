defmodule MyApp.MixProject do
  use Mix.Project

  def project do
    [
      app: :my_app,
      version: "1.0.0",
      elixir: "~> 1.14",
      # In an application of yours: {:headroom, git: "...", tag: "..."}
      deps: [{:headroom, path: System.get_env("HEADROOM_SOURCE", "../..")}],
      releases: [my_app: [include_executables_for: [:unix]]]
    ]
  end

  def application, do: [mod: {MyApp, []}]
end
