# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh, archive.sh and index.sh: kernels of Debian's archive, by series, and whether sched_ext works on them.

kernels=$cache/kernels

# newest_release SERIES: the newest release of the archive in the series (6.18, or in full 6.18.15). Prints to stdout.
newest_release() {
    local pattern=${1//./\\.}
    grep -E "^${pattern//+/\\+}([.+]|$)" "$archive/releases" | tail -n 1
}

# The series of the archive, newest first. Prints to stdout.
archive_series() { sed 's/^\([0-9]*\.[0-9]*\)\..*/\1/' "$archive/releases" | sort -Vru; }

# fetch_kernel RELEASE: its vmlinuz, in the cache. Debian's cloud kernels need no module to reach an NVMe disk with
# ext4 and virtio-serial, so there is no initramfs, and no modules in the machine.
fetch_kernel() {
    local release=$1 entry=$kernels/$1 work package packages=() deb
    [[ -e $entry/complete ]] && return
    work=$(mktemp -d "$cache/kernel.XXXXXX")
    # "locked" runs this in a shell of its own, whose end it is, and whose trap nobody else sets.
    # shellcheck disable=SC2064 # the directory of now
    trap "rm -rf -- '$work'" EXIT
    # vmlinuz moved from linux-image to linux-binary between releases; what the archive has of the two is looked at.
    for package in "linux-image-$release-cloud-amd64" "linux-binary-$release-cloud-amd64"; do
        [[ -z $(archive_apt apt-cache show "$package" 2>/dev/null) ]] || packages+=("$package")
    done
    (cd "$work" && archive_apt apt-get download "${packages[@]}" >&2) ||
        die "kernel $release could not be downloaded; remove $archive to ask the archive anew, then run this again."
    mkdir -p "$entry"
    for deb in "$work"/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -O --wildcards --no-anchored 'vmlinuz*' 2>/dev/null || true
    done >"$entry/vmlinuz"
    [[ -s $entry/vmlinuz ]] || die "no vmlinuz in the packages of kernel ${release}; choose another with --kernel."
    touch "$entry/complete"
}

# kernel_verdict RELEASE: what its BTF says of sched_ext, one line beginning with "healthy", "malformed" or "no sched_ext".
# Remembered in the cache. Prints to stdout.
kernel_verdict() {
    local entry=$kernels/$1
    if [[ ! -s $entry/verdict ]]; then
        "$top/packaging/build-root" --exec --bind "$entry:/scx-slo/kernel" -- \
            tests/vm/lib/kernel_btf verdict /scx-slo/kernel/vmlinuz >"$entry/verdict.new"
        mv "$entry/verdict.new" "$entry/verdict"
    fi
    cat "$entry/verdict"
}

# healthy_release SERIES…: the newest release of the first of the series whose sched_ext works. Prints to stdout.
healthy_release() {
    local series release verdict
    for series; do
        release=$(newest_release "$series")
        [[ -e $kernels/$release/complete ]] || locked "kernel-$release" fetch_kernel "$release"
        verdict=$(locked "kernel-$release" kernel_verdict "$release")
        if [[ $verdict == healthy* ]]; then
            echo "$release"
            return
        fi
        say "kernel $release is passed over: $verdict"
    done
    die "no kernel of the archive has a usable sched_ext; name one with --kernel."
}

# name_kernel [SERIES]: release of the series, or of the newest or "oldest" that works. Of these two alone the kernels are
# fetched, to be looked at. Prints to stdout.
name_kernel() {
    local release series
    if [[ -e $(source_config "${1:-none}") ]]; then
        source_release "$1"
        return
    fi
    locked archive refresh_index
    mapfile -t series < <(archive_series)
    case ${1-} in
        '') healthy_release "${series[@]}" ;;
        oldest)
            mapfile -t series < <(archive_series | tac)
            healthy_release "${series[@]}"
            ;;
        *)
            if ! release=$(newest_release "${1%-stock}"); then
                die_status=3
                die "the archive has no kernel ${1%-stock}; it has ${series[*]}."
            fi
            echo "$release"
            ;;
    esac
}

# choose_kernel [SERIES]: the same; it is in the cache then. Prints to stdout.
choose_kernel() {
    local release
    release=$(name_kernel "${1-}") || exit
    if [[ -e $kernels/$release/complete ]]; then
        :
    elif [[ -e $(source_config "${1:-none}") ]]; then
        locked archive refresh_index
        locked "kernel-$release" build_kernel "$1" "$release"
    else
        locked "kernel-$release" fetch_kernel "$release"
    fi
    echo "$release"
}
