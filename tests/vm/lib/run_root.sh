# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh and archive.sh: the test machine's root as an initramfs, bare or with the package installed by
# apt in the booted machine. It stays in memory: such a machine can be saved and restored whole.

vm=$top/tests/vm

# directory_cpio DIRECTORY FILE: DIRECTORY as an initramfs.
directory_cpio() {
    # shellcheck disable=SC2016
    as_root sh -c 'cd "$1" && find . -xdev -print0 | cpio --quiet --null -o -H newc' sh "$1" >"$2"
}

make_run_root() {
    [[ -e $run_root/complete ]] && return
    need_packages mmdebstrap debian-archive-keyring cpio
    check_host 8
    mkdir -p "$run_root"
    touch "$run_root/.scx-slo-cache-entry"
    as_root rm -rf --one-file-system -- "$run_root/root"
    timed "making the test machine's root (Debian 13)" make_root "$run_root/root" "$vm/run-root.packages" \
        --customize-hook="'$vm/guest/customize' \"\$1\" '$vm/guest'"
    # In memory every byte counts at each boot. Without its compiler (llvmjit.so) PostgreSQL goes on uncompiled, as it
    # does on machines where that package is not installed.
    as_root rm -rf "$run_root"/root/usr/share/i18n "$run_root"/root/usr/lib/postgresql/*/lib/{bitcode,llvmjit*} \
        "$run_root"/root/usr/lib/x86_64-linux-gnu/lib{LLVM,gallium,z3}*
    directory_cpio "$run_root/root" "$run_root/root.cpio"
    as_root rm -rf --one-file-system -- "$run_root/root"
    touch "$run_root/complete"
    prune "$cache/run-root" 2
}

run_root=$cache/run-root/$(content_hash "$vm/run-root.packages" "$vm/guest/customize" "$vm/guest/start" \
    "$vm/guest/slo-agent.service" make_root make_run_root directory_cpio)

# machine_entry KEY: the directory in the cache for the machine with the package of that key. Prints to stdout.
machine_entry() { echo "$cache/machines/$(basename "$run_root")-$1-$(content_hash install_package directory_cpio)"; }

# install_package ENTRY DEB: boots the bare machine and lets apt install DEB there, offline.
install_package() {
    local entry=$1 deb=$2 changed
    [[ -e $entry/complete ]] && return
    mkdir -p "$entry"
    touch "$entry/.scx-slo-cache-entry"
    rm -rf "$entry/out"
    # shellcheck disable=SC2016
    timed "installing $(basename "$deb") in the booted machine" "$vm/run" --bare \
        --out "$entry/out" --add "$deb:/var/tmp/" -- bash -euc '
            touch /run/before
            DEBIAN_FRONTEND=noninteractive apt-get -q -y install "$1"
            rm "$1"
            find / -xdev -cnewer /run/before ! -type s -print0 |
                tar -c -f "$OUT/changed.tar" --null --no-recursion -T - --warning=no-file-changed
        ' bash "/var/tmp/$(basename "$deb")" >&2
    changed=$(mktemp -d "$cache/changed.XXXXXX")
    # As in fetch_kernel.
    # shellcheck disable=SC2064 # the directory of now
    trap "as_root rm -rf -- '$changed'" EXIT
    # It becomes the machine's /, which everybody must be able to enter.
    chmod 755 "$changed"
    as_root tar -x -f "$entry/out/changed.tar" -C "$changed" --numeric-owner
    directory_cpio "$changed" "$entry/changed.cpio"
    as_root rm -rf "$entry/out"
    touch "$entry/complete"
    prune "$cache/machines" 4
}
