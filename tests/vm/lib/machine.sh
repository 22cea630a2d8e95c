# shellcheck shell=bash disable=SC2154,SC2054
# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh: one boot of the test machine, from QEMU's start to its end.
# The options of the boot are the variables that tests/vm/run sets (release, smp, memory, timeout, …).

# A machine that is not up after this long will not come up. Emulated on a busy two-core host it takes up to 100 s.
boot_limit=240

# stage_job DIRECTORY: what the machine unpacks at its start, as a tar; reads added, command and the options.
stage_job() {
    local stage=$1/job item source target
    mkdir -p "$stage/run/slo-job"
    cp "$top/tests/vm/guest/runner" "$stage/run/slo-job/runner"
    printf '%s\0' "${command[@]}" >"$stage/run/slo-job/command"
    {
        echo "TERM=$([[ $interactive == yes ]] && echo "${TERM:-linux}" || echo dumb)"
        [[ -z ${NO_COLOR-} ]] || echo "NO_COLOR=$NO_COLOR"
        [[ -z ${CI-} ]] || echo "CI=$CI"
    } >"$stage/run/slo-job/environment"
    [[ $interactive == no ]] || stty size >"$stage/run/slo-job/interactive" 2>/dev/null || echo 24 80 >"$stage/run/slo-job/interactive"
    [[ -z $keep_disk ]] || : >"$stage/run/slo-job/keep"
    [[ -z $out ]] || : >"$stage/run/slo-job/results"
    for item in "${added[@]}"; do
        source=${item%%:*}
        target=/root/
        [[ $item != *:* ]] || target=${item#*:}
        [[ $target != */ ]] || target=$target$(basename "$source")
        mkdir -p "$stage$(dirname "$target")"
        cp -RHp --no-preserve=ownership "$source" "$stage$target"
    done
    # Owner and mode of directories that the machine has are its own: start says so to tar.
    tar -c -f "$1/slo-job.tar" -C "$stage" --owner=0 --group=0 --numeric-owner .
    rm -rf "$stage"
}

# qemu_arguments DIRECTORY: fills the array qemu.
qemu_arguments() {
    local work=$1 append="console=ttyS0 panic=-1 quiet mitigations=off$words"
    qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -m "$memory" -smp "$smp"
        -kernel "$kernels/$release/vmlinuz" -serial "file:$console"
        -device virtio-serial-pci -chardev "file,id=control,path=$work/control"
        -device virtserialport,chardev=control,name=slo.control)
    # Emulated as AMD's, each CPU would have a last-level cache of its own, whatever the topology.
    qemu+=(-cpu "max$([[ $accel == kvm && $virtual_clock == no ]] || echo ,vendor=GenuineIntel)")
    if [[ $virtual_clock == yes ]]; then
        qemu+=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -rtc clock=vm)
    elif [[ $accel == kvm ]]; then
        qemu+=(-accel kvm)
    else
        qemu+=(-accel "tcg,thread=$threads")
    fi
    if [[ $in_memory == yes ]]; then
        echo slo-job.tar | (cd "$work" && cpio --quiet -o -H newc) >"$work/job.cpio"
        cat "${initramfs[@]}" "$work/job.cpio" >"$work/initrd"
        qemu+=(-initrd "$work/initrd")
        append+=" rdinit=/lib/systemd/systemd"
    else
        qemu+=(-drive "if=none,id=root,format=raw,file=$disk,cache=unsafe,snapshot=$([[ -n $keep_disk ]] && echo off || echo on)"
            -device nvme,serial=slo,drive=root
            # No second disk for the job: the kernel numbers disks in the order in which they happen to answer.
            -chardev "pipe,id=job,path=$work/job"
            -device virtserialport,chardev=job,name=slo.job)
        append+=" root=/dev/nvme0n1 rootfstype=ext4 rootwait rw init=/lib/systemd/systemd"
    fi
    if [[ $interactive == yes ]]; then
        qemu+=(-chardev "stdio,id=person,signal=off" -device virtconsole,chardev=person,name=slo.person)
    else
        qemu+=(-chardev "file,id=out,path=$work/out" -device virtserialport,chardev=out,name=slo.out
            -chardev "file,id=err,path=$work/err" -device virtserialport,chardev=err,name=slo.err)
    fi
    [[ -z $out ]] || qemu+=(-chardev "file,id=results,path=$work/results.tar"
        -device virtserialport,chardev=results,name=slo.results)
    qemu+=(-append "$append")
}

# watch_machine DIRECTORY: until QEMU ends or its time is over; sets outcome.
watch_machine() {
    local work=$1 begin=$SECONDS started=no
    outcome=
    while kill -0 "$qemu_pid" 2>/dev/null; do
        if [[ $started == no ]] && grep -q '^started' "$work/control" 2>/dev/null; then
            started=yes
            say "kernel $release is up after $((SECONDS - begin)) s"
        fi
        if ((SECONDS - begin >= timeout)); then
            outcome=timeout
        elif [[ $started == no ]] && ((SECONDS - begin >= boot_limit)); then
            outcome=boot
        fi
        [[ -z $outcome ]] || kill "$qemu_pid" 2>/dev/null || true
        sleep 0.1
    done
    wait "$qemu_pid" || true
    qemu_pid=
    [[ -z $outcome ]] || return 0
    if status=$(sed -n 's/^exit \([0-9]*\)$/\1/p' "$work/control" | tail -n 1) && [[ -n $status ]]; then
        outcome=finished
    elif grep -q '^started' "$work/control"; then
        outcome=died
    else
        outcome=boot
    fi
}

# start_pumps DIRECTORY: what goes through pipes into the machine and out of it; fills the array pumps.
start_pumps() {
    local work=$1
    mkfifo "$work/job.in" "$work/job.out" "$work/out" "$work/err"
    if [[ $in_memory == no ]]; then
        cat "$work/slo-job.tar" >"$work/job.in" 2>/dev/null &
        pumps+=($!)
    fi
    if [[ $interactive == no ]]; then
        cat "$work/out" &
        pumps+=($!)
        cat "$work/err" >&2 &
        pumps+=($!)
    fi
}

# boot_once DIRECTORY: one boot; sets outcome (finished, timeout, boot, died) and status.
boot_once() {
    local work=$1 pumps=()
    rm -f "$work"/{control,out,err,results.tar,job.in,job.out}
    : >"$work/control"
    qemu_arguments "$work"
    start_pumps "$work"
    # Without a redirection of its own a background process reads /dev/null.
    TMPDIR=$work "${qemu[@]}" <&0 2>"$work/qemu.log" &
    qemu_pid=$!
    watch_machine "$work"
    # A QEMU that failed at once never opened the pipes: open and close them, so that the other sides end.
    : <>"$work/job.in" <>"$work/out" <>"$work/err"
    wait "${pumps[@]}" || true
    [[ ! -s $work/qemu.log ]] || sed 's/^/qemu: /' "$work/qemu.log" >>"$console"
}
