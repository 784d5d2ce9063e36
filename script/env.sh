# shellcheck shell=bash
# Sourced by the scripts beside it: the place they run in, the variables they set, and stages with their times.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
[ -n "${LC_ALL:-}" ] || export LC_ALL=C.UTF-8   # Elixir warns when the VM takes file names for latin1

say() { printf '%s\n' "$*" >&2; }
die() { say "headroom: $*"; exit 1; }

# erl does not start without HOME, and rebar3 writes to it. The toolchain of the real home still serves.
if [ -z "${HOME:-}" ]; then HOME=$(getent passwd "$(id -u)" | cut -d: -f6); fi
if [ ! -w "${HOME:-/nonexistent}" ]; then
    export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
    PATH=$PATH:${HOME:-}/.cargo/bin
    HOME=$root/_build/home
    mkdir -p "$HOME"
fi
export HOME
command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
export PATH

# What a developer's shell may hold and a test must not see. The limits of the node under test are set by the test.
clean_environment() {
    unset ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_OPTIONS ELIXIR_ERL_OPTIONS ERL_COMPILER_OPTIONS ERL_LIBS
    unset ERL_MAX_PORTS ERTS_MAX_PORTS ERL_MAX_ETS_TABLES
    unset MIX_ENV MIX_TARGET MIX_BUILD_PATH MIX_EXS REBAR_PROFILE REBAR_CONFIG REBAR_BASE_DIR
    unset HEADROOM_FORCE_SCAN HEADROOM_ON_UNMET RUNTIME_DIRECTORY XDG_RUNTIME_DIR
    export ERL_CRASH_DUMP_SECONDS=0
    export MIX_BUILD_ROOT=_build/mix    # rebar3 would list what Mix compiled: both use _build/test/lib/headroom
}

# copy_tree TO: what git knows or would add, with the uncommitted changes.
copy_tree() {
    mkdir -p "$1"
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
        tar -cf - --null -T - | tar -xf - --no-same-owner -C "$1"
}

# plain CMD...: without the colours that rebar3 puts into files and pipes.
plain() {
    if [ -t 1 ]; then "$@"; else "$@" 2>&1 | sed -u 's/\x1b\[[0-9;]*m//g'; fi
}

# stage NAME CMD...: runs it, notes how long it took, and goes on after a failure, so that one run shows them all.
summary=()
failed=0
stage() {
    local name=$1 began=$SECONDS result=ok
    shift
    printf '\n=== %s\n' "$name"
    plain "$@" </dev/null || { result="FAILED (exit status $?)"; failed=1; }
    summary+=("$(printf '%-14s %5d s  %s' "$name" $((SECONDS - began)) "$result")")
}

# Prints the stages' times and leaves with 1 if one of them failed.
finish() {
    printf '\n=== %s\n' "stages"
    printf '%s\n' "${summary[@]}"
    exit "$failed"
}
