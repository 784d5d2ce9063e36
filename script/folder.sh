# shellcheck shell=bash
# Sourced after env.sh: folders that hold a Debian of their own, and what runs in them.

# The archive that this machine's apt uses; without an answer debootstrap takes its own default.
mirror() {
    # shellcheck disable=SC2016 # for apt-get to expand
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
        head -n 1
}

# bare SUITE FOLDER [OPTION...]: the smallest Debian that there is, made anew.
bare() {
    local suite=$1 folder=$2 recipe='' log
    shift 2
    log=$(mktemp)
    rm -rf "$folder"
    # A suite younger than this debootstrap has the recipe that all its siblings share.
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || recipe=sid
    debootstrap --variant=minbase "$@" "$suite" "$folder" "$(mirror)" "$recipe" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "debootstrap of $suite failed"; }
    rm -f "$log"
}

# in_folder FOLDER TREE CMD...: own mounts and processes, which end with the command. The network is the host's, and so are
# the devices; with DEVICES=none there are only those that no shell does without.
in_folder() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child -- bash -c '
        set -eu
        folder=$1 tree=$2
        shift 2
        mount -t proc proc "$folder/proc"
        if [ "${DEVICES:-}" = none ]; then
            mount -t tmpfs -o mode=755 headroom "$folder/dev"
            for device in null zero full random urandom tty; do
                touch "$folder/dev/$device"
                mount --bind "/dev/$device" "$folder/dev/$device"
            done
            ln -s /proc/self/fd "$folder/dev/fd"
        else
            mount --rbind /dev "$folder/dev"
        fi
        mount -t tmpfs -o mode=1777 headroom "$folder/tmp"
        mkdir -p "$folder/headroom" "$folder/tmp/home"
        mount --bind "$tree" "$folder/headroom"
        set +e
        chroot "$folder" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home \
            LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" sh -c "cd /headroom && exec \"\$@\"" sh "$@"
        exit "$?"
    ' in_folder "$@"
}
