# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after kernel.sh: a kernel compiled from Debian's source, for a series whose own build lacks what we need.

# The configuration by which a series is compiled; there is none for most.
source_config() { echo "$top/tests/vm/kernel-$1.config"; }

# The release by which a compiled kernel goes here. It stays while its configuration does: a compilation is too long to
# repeat it for each point release. Prints to stdout.
source_release() { echo "$1-slo-$(content_hash "$(source_config "$1")")"; }

# compile_kernel DIRECTORY CONFIG: in the kernel root, vmlinuz in DIRECTORY from the source there, and build.log.
compile_kernel() {
    # shellcheck disable=SC2016
    "$top/packaging/build-root" --packages "$top/tests/vm/kernel-root.packages" --exec --bind "$1:/scx-slo/kernel" \
        --dir /scx-slo/kernel -- sh -euc '
            tar -x -J --strip-components=1 -f linux-source-*.tar.xz
            make -s tinyconfig
            grep -v "^#* *$" "/scx-slo/src/$1" | sed "/^# [^C]/d" >fragment
            scripts/kconfig/merge_config.sh -m .config fragment >merge.log
            make -s olddefconfig
            # Kconfig drops what it cannot have without a word.
            if missing=$(grep -vxFf .config fragment); then
                echo "the configuration cannot hold: $missing"
                exit 1
            fi
            make -s -j "$(nproc)" bzImage
            mv arch/x86/boot/bzImage vmlinuz' sh "${2#"$top"/}" >"$1/build.log" 2>&1 </dev/null
}

# build_kernel SERIES RELEASE: its vmlinuz, in the cache.
build_kernel() {
    local series=$1 entry=$kernels/$2 work
    [[ -e $entry/complete ]] && return
    check_host 15
    work=$(mktemp -d "$cache/kernel.XXXXXX")
    # As in fetch_kernel; what is compiled in the kernel root belongs to root.
    # shellcheck disable=SC2064 # the directory of now
    trap "as_root rm -rf -- '$work'" EXIT
    (cd "$work" && archive_apt apt-get download "linux-source-$series" >&2) ||
        die "the source of kernel $series could not be downloaded; remove $archive to ask the archive anew, then run this again."
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -O ./usr/src/linux-source-"$series".tar.xz \
        >"$work/linux-source-$series.tar.xz"
    if ! timed "compiling kernel $series with sched_ext" compile_kernel "$work" "$(source_config "$series")"; then
        tail -n 40 "$work/build.log" >&2
        mkdir -p "$cache/log"
        mv "$work/build.log" "$cache/log/kernel-$series.log"
        die "kernel $series could not be compiled; all of it is in $cache/log/kernel-$series.log"
    fi
    mkdir -p "$entry"
    mv "$work/vmlinuz" "$entry/vmlinuz"
    touch "$entry/complete"
}
