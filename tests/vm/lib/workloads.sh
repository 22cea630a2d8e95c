# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after packaging/lib/common.sh by what runs workloads of tests/workloads in the machine.

# Where this checkout's build trees are; the workloads in $builds/release/tests/workloads.
builds=$cache/build/$(echo "$top" | sha256sum | cut -c1-16)

# What the integration tests need of them.
workloads=(deadline_jobs known_jobs miss_flood observe_beside scheduler_faults other_scheduler policy_agrees)

# build_workloads NAME…: builds these and nothing else.
build_workloads() {
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
