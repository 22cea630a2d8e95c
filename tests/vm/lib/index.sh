# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh and archive.sh: what Debian's archive has of kernels and of the emulator, whatever the host runs.

archive=$cache/archive
# The index is asked for anew after this many days; what is in the cache serves offline for ever.
index_days=7

# The host's apt with lists, sources and downloads of its own, so that the host's stay as they are.
archive_apt() {
    local tool=$1
    shift
    "$tool" -q -o Dir::Etc::sourcelist="$archive/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$archive/state" -o Dir::State::status="$archive/status" -o Dir::Cache="$archive/apt" \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root \
        -o APT::Get::List-Cleanup=true -o Acquire::Languages=none -o Acquire::PDiffs=false "$@"
}

refresh_index() {
    local suite mirror
    [[ -z $(find "$archive/releases" -mtime "-$index_days" 2>/dev/null) || ! -s $archive/emulator ]] || return 0
    mirror=$(debian_mirror)
    mkdir -p "$archive/state/lists/partial" "$archive/apt/archives/partial"
    : >"$archive/status"
    for suite in trixie trixie-backports sid; do
        echo "deb [signed-by=$keyring] $mirror $suite main"
    done >"$archive/sources.list"
    say "asking $mirror which kernels and emulators there are"
    if ! archive_apt apt-get -o APT::Update::Error-Mode=any update >&2; then
        [[ -s $archive/releases && -s $archive/emulator ]] ||
            die "the archive $mirror cannot be reached; check the network and apt's proxy settings."
        say "the archive cannot be reached; going on with the list of $(date -r "$archive/releases" +%F)"
        return
    fi
    archive_apt apt-cache -t trixie policy qemu-system-x86 | sed -n 's/^ *Candidate: //p' >"$archive/emulator"
    archive_apt apt-cache pkgnames linux-image- |
        sed -n 's/^linux-image-\([0-9]*\.[0-9]*\.[0-9]*[^-]*\)-cloud-amd64$/\1/p' | sort -V >"$archive/releases.new"
    mv "$archive/releases.new" "$archive/releases"
}
