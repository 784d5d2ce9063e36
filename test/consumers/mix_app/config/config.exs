import Config

# Boots under `ulimit -Sn 4000`, and is refused under less than this.
config :headroom, require: [fds: 2000, ports: [min: 1024, free: 100]]
