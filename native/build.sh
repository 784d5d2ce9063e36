#!/bin/sh
# Builds the NIF library and the command into priv/ and priv/bin/. The one recipe that rebar3, Mix and packagers use.
#   HEADROOM_PREBUILT=/path/to/lib.so       copy this library instead of building one, and the command if it lies beside it
#   HEADROOM_PREBUILT=/folder or https://.. take the artefact for this system from there (script/artefacts makes them): it
#                                           is used if its checksum, beside it in NAME.tar.gz.sha256, is right; else cargo builds
#   HEADROOM_PREBUILT_SHA256=...            the checksum that it must have, whatever stands beside it
#   HEADROOM_COMMAND=no                     leave the command out
#   HEADROOM_TARGET=x86_64-unknown-linux-gnu    which artefact, where it is for another system than this
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
built=${CARGO_TARGET_DIR:-$root/target}
case $built in /*) ;; *) built=$root/$built ;; esac

command=

say() { echo "headroom: $*" >&2; }

build() {
    wanted=$(sed -n 's/^rust-version *= *"1\.\([0-9]*\)".*/\1/p' Cargo.toml)
    found=$(cargo --version 2>/dev/null) || found=none
    minor=$(echo "$found" | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    if [ "${minor:-0}" -lt "$wanted" ]; then
        say "cargo 1.$wanted or later is needed to build the NIF (found: $found); on Debian and its kin script/setup installs it, elsewhere rustup does, or set HEADROOM_PREBUILT=/path/to/headroom_nif.so"
        exit 1
    fi
    quiet=--quiet
    if [ ! -f priv/headroom_nif.so ]; then
        say "cargo builds the native library, a minute or two the first time"
        quiet=
    fi
    # shellcheck disable=SC2086 # no argument when it is empty
    cargo build --release --locked $quiet -p headroom_nif --target-dir "$built"
    dir=$built/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release
    for lib in "$dir/libheadroom_nif.so" "$dir/libheadroom_nif.dylib"; do
        [ -f "$lib" ] && break
    done
    if [ "${HEADROOM_COMMAND:-}" != no ]; then
        # Alone, so that what the command needs of a crate stays out of the library. A node does without the command.
        # shellcheck disable=SC2086 # no argument when it is empty
        if cargo build --release --locked $quiet -p headroom_cli --target-dir "$built"; then
            command=$dir/headroom
        else
            say "the command headroom could not be built; the library is"
        fi
    fi
}

# What Rust calls this system. The kernel may have more bits than the programs.
this_target() {
    if [ -n "${HEADROOM_TARGET:-${CARGO_BUILD_TARGET:-}}" ]; then
        echo "${HEADROOM_TARGET:-$CARGO_BUILD_TARGET}"
        return
    fi
    libc=gnu
    if (ldd --version 2>&1 || true) | grep -qi musl; then libc=musl; fi
    case "$(uname -s) $(uname -m) $(getconf LONG_BIT 2>/dev/null || echo 64) $libc" in
        "Linux x86_64 64 "*) echo "x86_64-unknown-linux-$libc" ;;
        "Linux aarch64 64 "*) echo "aarch64-unknown-linux-$libc" ;;
        "Linux x86_64 32 gnu" | "Linux i"?"86 32 gnu") echo i686-unknown-linux-gnu ;;
        "Linux aarch64 32 gnu" | "Linux armv"[78]*" 32 gnu") echo armv7-unknown-linux-gnueabihf ;;
        "Linux s390x 64 gnu") echo s390x-unknown-linux-gnu ;;
        "Linux riscv64 64 gnu") echo riscv64gc-unknown-linux-gnu ;;
        *) return 1 ;;
    esac
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d' ' -f1
}

# fetch NAME: from the folder or the URL into $kept.
fetch() {
    case $HEADROOM_PREBUILT in
        *://*)
            if command -v curl >/dev/null; then
                curl -fsSL --max-time 300 -o "$kept/$1" "${HEADROOM_PREBUILT%/}/$1"
            else
                wget -q -T 300 -O "$kept/$1" "${HEADROOM_PREBUILT%/}/$1"
            fi
            ;;
        *) cp "$HEADROOM_PREBUILT/$1" "$kept/$1" ;;
    esac 2>/dev/null || { rm -f "$kept/$1"; return 1; }
}

# Whether the artefact in $kept is the one that is wanted.
is_right() {
    [ -f "$kept/$archive" ] || return 1
    wanted=${HEADROOM_PREBUILT_SHA256:-$(cut -d' ' -f1 "$kept/$archive.sha256" 2>/dev/null || true)}
    found=$(sha256 "$kept/$archive")
    [ -n "$wanted" ] && [ "$found" = "$wanted" ]
}

# The artefact for this system, verified; what was fetched once serves again.
prebuilt() {
    target=$(this_target) || { say "no prebuilt library is made for this system ($(uname -sm))"; return 1; }
    version=$(sed -n 's/.*{vsn, "\([^"]*\)"}.*/\1/p' src/headroom.app.src)
    name=headroom_nif-v$version-nif-2.15-$target.so
    archive=$name.tar.gz
    kept=$built/prebuilt
    mkdir -p "$kept"
    case $HEADROOM_PREBUILT in
        *://*) is_right || { fetch "$archive.sha256" || true; fetch "$archive" || true; } ;;
        *) { fetch "$archive.sha256" || true; fetch "$archive" || true; } ;;
    esac
    if [ ! -f "$kept/$archive" ]; then
        say "there is no $archive in $HEADROOM_PREBUILT"
        return 1
    fi
    if ! is_right; then
        say "$archive is not used: its checksum is $found, and ${wanted:-there is none} was promised"
        rm -f "$kept/$archive" "$kept/$archive.sha256"
        return 1
    fi
    tar -xzf "$kept/$archive" -C "$kept" "$name" || return 1
    lib=$kept/$name
}

case ${HEADROOM_PREBUILT:-} in
    '') build ;;
    *://*) prebuilt || { say "cargo builds the library instead"; build; } ;;
    *)
        if [ -d "$HEADROOM_PREBUILT" ]; then
            prebuilt || { say "cargo builds the library instead"; build; }
        elif [ -f "$HEADROOM_PREBUILT" ]; then
            lib=$HEADROOM_PREBUILT
            command=$(dirname "$lib")/headroom
        else
            say "HEADROOM_PREBUILT=$HEADROOM_PREBUILT is no file, no folder and no URL"
            exit 1
        fi
        ;;
esac

# put FILE TO: renamed, never overwritten. Writing into a mapped library kills the node that runs it.
put() {
    mkdir -p "$(dirname "$2")"
    if ! cmp -s "$1" "$2"; then
        cp "$1" "$2.$$"
        mv -f "$2.$$" "$2"
        [ "$1" != "${kept:-}/${name:-}" ] || say "took $archive from $HEADROOM_PREBUILT, checksum verified"
    fi
}
put "$lib" priv/headroom_nif.so
if [ -n "$command" ] && [ -f "$command" ]; then put "$command" priv/bin/headroom; fi
