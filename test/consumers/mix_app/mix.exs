defmodule MixApp.MixProject do
  use Mix.Project

  def project do
    [
      app: :mix_app,
      version: "1.0.0",
      elixir: "~> 1.14",
      elixirc_options: [warnings_as_errors: true],
      # HEADROOM_SOURCE is a folder; this repository if it is not set.
      deps: [{:headroom, path: System.get_env("HEADROOM_SOURCE", "../../..")}],
      releases: [mix_app: [include_executables_for: [:unix]]]
    ]
  end

  def application, do: [mod: {MixApp, []}]
end
