# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh and emulator.sh: whether this host's KVM is of use.

# A kernel that finds no root gets as far as its panic: enough to know that KVM runs guests. Where the host is itself
# a guest, KVM may open and then abort or hang, so only a boot tells.
kvm_boots() {
    local console status=0
    [[ -r /dev/kvm && -w /dev/kvm ]] || return
    console=$(mktemp "$cache/kvm.XXXXXX")
    timeout --kill-after=1 10 "${emulator[@]}" -accel kvm -cpu max -m 256M -nodefaults -no-user-config -display none \
        -no-reboot -kernel "$1" -append "console=ttyS0 panic=-1" -serial "file:$console" \
        >/dev/null 2>&1 </dev/null || true
    grep -q 'Kernel panic' "$console" || status=1
    rm -f "$console"
    return "$status"
}

# choose_accel: kvm or tcg; the answer is kept until the host boots again. Prints to stdout.
choose_accel() {
    local memory boot answer=tcg
    case ${SCX_SLO_VM_ACCEL-} in
        kvm | tcg) echo "$SCX_SLO_VM_ACCEL" && return ;;
        '') ;;
        *) die "SCX_SLO_VM_ACCEL is '$SCX_SLO_VM_ACCEL'; it takes kvm or tcg." ;;
    esac
    memory=$cache/accel
    boot=$(</proc/sys/kernel/random/boot_id)
    if [[ ! -e $memory || $(<"$memory") != "$boot "* ]]; then
        ! kvm_boots "$kernels/$(choose_kernel)/vmlinuz" || answer=kvm
        [[ $answer == kvm ]] || say "KVM does not run guests here; emulating (SCX_SLO_VM_ACCEL=kvm forces it)"
        echo "$boot $answer" >"$memory"
    fi
    cut -d' ' -f2 "$memory"
}
