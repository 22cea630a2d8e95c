# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh, archive.sh and index.sh: QEMU as Debian 13 has it, whatever the host has.

# fetch_emulator ENTRY: QEMU with all libraries it needs, unpacked and not installed.
fetch_emulator() {
    local entry=$1 work deb
    [[ -e $entry/complete ]] && return
    work=$(mktemp -d "$cache/emulator.XXXXXX")
    # "locked" runs this in a shell of its own, whose end it is, and whose trap nobody else sets.
    # shellcheck disable=SC2064 # the directory of now
    trap "rm -rf -- '$work'" EXIT
    mkdir -p "$work/partial" "$entry"
    touch "$entry/.scx-slo-cache-entry"
    # The host counts as having nothing, so that the C library comes along.
    archive_apt apt-get -t trixie -y --no-install-recommends --download-only -o Dir::Cache::archives="$work" \
        install qemu-system-x86 >&2 ||
        die "QEMU could not be downloaded; remove $archive to ask the archive anew, then run this again."
    for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$entry/root"; done
    touch "$entry/complete"
    prune "$cache/emulators" 2
}

# Its directory, in the cache. Prints to stdout.
choose_emulator() {
    local entry
    locked archive refresh_index
    entry=$cache/emulators/$(tr -c 'a-zA-Z0-9.\n' - <"$archive/emulator")
    [[ -e $entry/complete ]] || locked emulator timed "fetching QEMU" fetch_emulator "$entry"
    echo "$entry"
}

# emulator_words ENTRY: fills the array emulator with the beginning of each command line of QEMU.
emulator_words() {
    local root=$1/root libraries=$1/root/usr/lib/x86_64-linux-gnu
    emulator=("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/qemu-system-x86_64"
        -L "$root/usr/share/qemu" -L "$root/usr/share/seabios")
}
