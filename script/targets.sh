# shellcheck shell=bash
# Sourced after env.sh: the systems that a library is made for, and what it is called there.

# Rust's name of a system, the lowest glibc that its library may ask for (- is musl), and the name that Debian has for it.
targets() {
    cat <<'TARGETS'
x86_64-unknown-linux-gnu       2.17  amd64
x86_64-unknown-linux-musl      -     amd64
aarch64-unknown-linux-gnu      2.17  arm64
aarch64-unknown-linux-musl     -     arm64
armv7-unknown-linux-gnueabihf  2.17  armhf
i686-unknown-linux-gnu         2.17  i386
s390x-unknown-linux-gnu        2.17  s390x
riscv64gc-unknown-linux-gnu    2.27  riscv64
TARGETS
}

all_targets() { targets | awk '{ print $1 }'; }

# Empty for musl.
glibc_floor() { targets | awk -v target="$1" '$1 == target && $2 != "-" { print $2 }'; }

# artefact TARGET: the file name of its library, in the naming of precompiled NIFs.
artefact() {
    local version
    version=$(sed -n 's/.*{vsn, "\([^"]*\)"}.*/\1/p' src/headroom.app.src)
    echo "headroom_nif-v$version-nif-2.15-$1.so"
}

# Whether cargo can compile for a target; fetches its standard library where rustup can. Says why not.
has_std() {
    local library
    library=$(rustc --print target-libdir --target "$1" 2>/dev/null) || { echo "this rustc does not know it"; return 1; }
    [ ! -d "$library" ] || return 0
    command -v rustup >/dev/null || { echo "its standard library is not installed, and there is no rustup"; return 1; }
    timeout 300 rustup target add "$1" >/dev/null 2>&1 || { echo "rustup could not fetch its standard library"; return 1; }
}
