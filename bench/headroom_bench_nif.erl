%% The functions of native/headroom_bench.
-module(headroom_bench_nif).

-export([fstats/1, bare2/0, bare3/0, procfs_count/0, procfs_limits/0, procfs_list/0, cpu/0, set_soft/1]).

-on_load(init/0).

-define(NOT_LOADED, erlang:nif_error(not_loaded)).

init() -> erlang:load_nif(os:getenv("HEADROOM_BENCH_NIF"), 0).

fstats(_Times) -> ?NOT_LOADED.
bare2() -> ?NOT_LOADED.
bare3() -> ?NOT_LOADED.
procfs_count() -> ?NOT_LOADED.
procfs_limits() -> ?NOT_LOADED.
procfs_list() -> ?NOT_LOADED.
cpu() -> ?NOT_LOADED.
set_soft(_Soft) -> ?NOT_LOADED.
