#!/bin/sh
# Builds the NIF library and puts it into priv/. The one recipe that rebar3, Mix and packagers use.
#   HEADROOM_PREBUILT=/path/to/lib.so   copy this library instead of building one
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

if [ -n "${HEADROOM_PREBUILT:-}" ]; then
    lib=$HEADROOM_PREBUILT
    if [ ! -f "$lib" ]; then
        echo "headroom: HEADROOM_PREBUILT=$lib is no file" >&2
        exit 1
    fi
else
    version=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    # shellcheck disable=SC2086 # two words: major and minor
    set -- ${version:-0 0}
    if [ "$1" -lt 1 ] || { [ "$1" -eq 1 ] && [ "$2" -lt 91 ]; }; then
        echo "headroom: cargo 1.91 or later is needed to build the NIF (found: $(cargo --version 2>/dev/null || echo none)); install it with rustup, or set HEADROOM_PREBUILT=/path/to/headroom_nif.so" >&2
        exit 1
    fi
    target=${CARGO_TARGET_DIR:-$root/target}
    case $target in /*) ;; *) target=$root/$target ;; esac
    cargo build --release --locked --quiet -p headroom_nif --target-dir "$target"
    dir=$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release
    for lib in "$dir/libheadroom_nif.so" "$dir/libheadroom_nif.dylib"; do
        [ -f "$lib" ] && break
    done
fi

mkdir -p priv
if ! cmp -s "$lib" priv/headroom_nif.so; then
    # Renamed, never overwritten: writing into a mapped library kills the node that runs it.
    tmp=priv/.headroom_nif.so.$$
    cp "$lib" "$tmp"
    mv -f "$tmp" priv/headroom_nif.so
fi
