# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh: Debian's archive as this host reaches it, and roots made from it.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror this host itself uses, else Debian's own. Prints to stdout.
debian_mirror() {
    local mirror
    mirror=$({
        cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '$1 == "URIs:" { for (i = 2; i <= NF; i++) print $i }'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
            sed -n 's/^deb \(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p'
    } | grep -E '^https?://[^ ]*/debian/?$' | head -n 1 || true)
    echo "${mirror:-http://deb.debian.org/debian}"
}

# How this host's apt reaches the archive (proxies, retries, date checks), as apt.conf lines. Prints to stdout.
apt_transport_settings() {
    apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries |ForceIPv|AllowInsecureRepositories)' | grep -v ' "";$' || true
}

check_archive() {
    local mirror
    gpg_has_trixie || die "this host has no archive keys for Debian 13; install a newer debian-archive-keyring package."
    mirror=$(debian_mirror)
    /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "$mirror/dists/trixie/InRelease" "$1/InRelease" >/dev/null 2>&1 ||
        die "the archive $mirror cannot be reached; check the network and apt's proxy settings."
    rm -f "$1/InRelease"
}

# The keys of a release come as files named after it, beside the collected keyring.
gpg_has_trixie() { [[ -e $keyring ]] && compgen -G '/usr/share/keyrings/debian-archive-trixie-*' >/dev/null; }

# check_host NEEDED_GIB: one sentence with the fix, and the end, for the first thing this host cannot do.
check_host() {
    local free memory
    [[ $(dpkg --print-architecture) == amd64 ]] || die "this works on amd64 only; use an amd64 Debian machine."
    need_rights
    mkdir -p "$cache"
    free=$(df --output=avail -BG "$cache" | tail -n 1 | tr -dc 0-9)
    ((free >= $1)) || die "$cache has $free GB free and this needs $1 GB; free some, or point XDG_CACHE_HOME elsewhere."
    memory=$(awk '/^MemTotal:/ { print int(($2 + 524288) / 1048576) }' /proc/meminfo)
    ((memory >= 4)) || die "this machine has $memory GB of memory and the build needs 4 GB; use a bigger one."
    # A shell of its own, with a trap that nobody else sets.
    (
        probe=$(mktemp -d "$cache/probe.XXXXXX")
        # shellcheck disable=SC2064 # the directory of now
        trap "rm -rf -- '$probe'" EXIT
        # shellcheck disable=SC2016
        as_root unshare --mount sh -ec 'mount -t tmpfs probe "$1"; mknod "$1/null" c 1 3; : >"$1/null"
                mkdir "$1/proc"; mount -t proc proc "$1/proc"' sh "$probe" 2>/dev/null ||
            die "mount or mknod is not permitted here; run this on a real machine, or in a container with CAP_SYS_ADMIN and CAP_MKNOD."
        check_archive "$probe"
    )
}

# package_list FILE: its package names, one per line, comments gone. Prints to stdout.
package_list() { sed 's/#.*//' "$1" | tr -s ' \t' '\n' | sed '/^$/d'; }

# make_root DIRECTORY LIST [MMDEBSTRAP_OPTION…]: a Debian 13 root with the packages of LIST.
make_root() {
    # The sandbox user cannot reach directories below a home.
    local directory=$1 list=$2 setting settings=(--aptopt='APT::Sandbox::User "root"')
    shift 2
    while read -r setting; do settings+=("--aptopt=$setting"); done < <(apt_transport_settings)
    as_root mmdebstrap --mode=root --variant=minbase --architectures=amd64 --keyring="$keyring" \
        --include="$(package_list "$list" | paste -sd,)" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "${settings[@]}" "$@" trixie "$directory" "$(debian_mirror)" >&2
}
