# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the scripts of packaging/ and tests/: messages, the cache, locks, rights.
# The caller has set -euo pipefail. Nothing here prints to stdout unless its comment says so.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/scx-slo
program=${0##*/}
export LC_ALL=C.UTF-8

say() { printf '%s: %s\n' "$program" "$*" >&2; }

die() {
    say "$*"
    exit "${die_status:-1}"
}

# The text between the first comment block's lines "# Usage" and its end. Prints to stdout.
usage() {
    sed -n '/^# Usage/,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"
}

# timed WHAT COMMAND…: run COMMAND (its status is kept) and say how long WHAT took.
timed() {
    local what=$1 begin=$SECONDS status=0
    shift
    say "$what …"
    # Functions run under "||" would lose errexit, so the command runs in a subshell of its own.
    set +e
    (set -e; "$@")
    status=$?
    set -e
    if ((status == 0)); then
        say "$what: done in $((SECONDS - begin)) s"
    else
        say "$what: failed with status $status after $((SECONDS - begin)) s"
    fi
    return "$status"
}

# as_root COMMAND…: sudo where we are not root already; proxy settings survive it.
as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo --preserve-env=http_proxy,https_proxy,ftp_proxy,no_proxy,LC_ALL -- "$@"
    fi
}

# content_hash FILE|FUNCTION…: one short hash over the content of the files and functions. Prints to stdout.
content_hash() {
    local item
    for item in "$@"; do
        if [[ $item == */* ]]; then cat -- "$item"; else declare -f "$item"; fi
    done | sha256sum | cut -c1-16
}

# locked NAME COMMAND…: run COMMAND while no other instance runs under the same NAME.
locked() {
    local name=$1 fd status=0
    shift
    mkdir -p "$cache/lock"
    exec {fd}>"$cache/lock/$name"
    if ! flock --nonblock "$fd"; then
        say "waiting for another instance to finish its work on $name"
        flock "$fd"
    fi
    set +e
    (set -e; "$@" {fd}>&-)
    status=$?
    set -e
    exec {fd}>&-
    return "$status"
}

# hold ENTRY: until this process ends nobody prunes the cache entry. Marks it as just used.
hold() {
    local fd
    mkdir -p "$cache/lock"
    exec {fd}>"$cache/lock/use-$(echo "${1#"$cache"/}" | tr / -)"
    flock --shared "$fd"
    touch "$1/.scx-slo-cache-entry"
}

# prune DIRECTORY KEEP: of the cache entries in DIRECTORY leave the KEEP most recently used and those in use.
# Only what carries our mark is ever removed.
prune() {
    local entry fd
    while read -r entry; do
        exec {fd}>"$cache/lock/use-$(echo "${entry#"$cache"/}" | tr / -)"
        if flock --nonblock "$fd"; then
            say "removing ${entry}: not used any more"
            as_root rm -rf --one-file-system -- "$entry"
        fi
        exec {fd}>&-
    done < <(find "$1" -mindepth 2 -maxdepth 2 -name .scx-slo-cache-entry -printf '%T@ %h\n' |
        sort -rn | tail -n "+$(($2 + 1))" | cut -d' ' -f2-)
}

# need_packages PACKAGE…: install what this host lacks.
need_packages() {
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    say "installing on this host: ${missing[*]}"
    need_rights
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 update >&2 ||
        die "apt-get update failed; mend the package sources of this host, then run this again."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
        install --no-install-recommends "${missing[@]}" >&2 ||
        die "apt-get could not install ${missing[*]}; install them by hand, then run this again."
}

need_rights() {
    ((EUID == 0)) && return
    command -v sudo >/dev/null || die "this needs root; run it as root, or install sudo and allow it for $(id -un)."
    sudo -v || die "this needs root and sudo refused; run it as root, or allow sudo for $(id -un)."
}
