#!/bin/sh
# Builds the NIF library and the command into priv/ and priv/bin/. The one recipe that rebar3, Mix and packagers use.
#   HEADROOM_PREBUILT=/path/to/lib.so   copy this library instead of building one, and the command if it lies beside it
#   HEADROOM_COMMAND=no                 leave the command out
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
command=

if [ -n "${HEADROOM_PREBUILT:-}" ]; then
    lib=$HEADROOM_PREBUILT
    if [ ! -f "$lib" ]; then
        echo "headroom: HEADROOM_PREBUILT=$lib is no file" >&2
        exit 1
    fi
    command=$(dirname "$lib")/headroom
else
    wanted=$(sed -n 's/^rust-version *= *"1\.\([0-9]*\)".*/\1/p' Cargo.toml)
    found=$(cargo --version 2>/dev/null) || found=none
    minor=$(echo "$found" | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    if [ "${minor:-0}" -lt "$wanted" ]; then
        echo "headroom: cargo 1.$wanted or later is needed to build the NIF (found: $found); on Debian and its kin script/setup installs it, elsewhere rustup does, or set HEADROOM_PREBUILT=/path/to/headroom_nif.so" >&2
        exit 1
    fi
    target=${CARGO_TARGET_DIR:-$root/target}
    case $target in /*) ;; *) target=$root/$target ;; esac
    quiet=--quiet
    if [ ! -f priv/headroom_nif.so ]; then
        echo "headroom: cargo builds the native library, a minute or two the first time" >&2
        quiet=
    fi
    # shellcheck disable=SC2086 # no argument when it is empty
    cargo build --release --locked $quiet -p headroom_nif --target-dir "$target"
    dir=$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release
    for lib in "$dir/libheadroom_nif.so" "$dir/libheadroom_nif.dylib"; do
        [ -f "$lib" ] && break
    done
    if [ "${HEADROOM_COMMAND:-}" != no ]; then
        # Alone, so that what the command needs of a crate stays out of the library. A node does without the command.
        # shellcheck disable=SC2086 # no argument when it is empty
        if cargo build --release --locked $quiet -p headroom_cli --target-dir "$target"; then
            command=$dir/headroom
        else
            echo "headroom: the command headroom could not be built; the library is" >&2
        fi
    fi
fi

# put FILE TO: renamed, never overwritten. Writing into a mapped library kills the node that runs it.
put() {
    mkdir -p "$(dirname "$2")"
    if ! cmp -s "$1" "$2"; then
        cp "$1" "$2.$$"
        mv -f "$2.$$" "$2"
    fi
}
put "$lib" priv/headroom_nif.so
if [ -n "$command" ] && [ -f "$command" ]; then put "$command" priv/bin/headroom; fi
