# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after packaging/lib/common.sh by what runs workloads of tests/workloads in the machine.

# Where this checkout's build trees are.
builds=$cache/build/$(echo "$top" | sha256sum | cut -c1-16)

# The programs of tests/workloads once they are built: what a machine has in /usr/local/bin.
programs=$builds/release/programs

# build TARGET…: builds these and nothing else; "workloads" are all programs.
build() {
    "$top/packaging/build-root" >/dev/null
    locked "build-$(basename "$builds")" build_targets "$@"
}

build_targets() {
    mkdir -p "$builds"
    echo "$top" >"$builds/checkout"
    # shellcheck disable=SC2016
    "$top/packaging/build-root" --exec --bind "$builds:/scx-slo/build" -- sh -euc '
        cmake --preset release -B /scx-slo/build/release >/scx-slo/build/release.log 2>&1 ||
            { cat /scx-slo/build/release.log; exit 1; }
        cmake --build /scx-slo/build/release --target "$@"' sh "$@" </dev/null >&2
}
