import Config

# The folder is the pod's volume, or the RuntimeDirectory of the unit.
config :headroom,
  status_file: System.get_env("MY_APP_STATUS", "/run/my_app/headroom"),
  reserve: %{fds: 64, ports: 16}
