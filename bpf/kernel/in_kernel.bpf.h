/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a task is inside the kernel, where it may hold what others wait for.
 */
#ifndef SLO_IN_KERNEL_BPF_H
#define SLO_IN_KERNEL_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * In a system call, up to its return to user space: the kernel has its number where it keeps the registers of
 * user space, and none (-1) there after an interrupt (arch/x86/entry: as ptrace has it). In a page fault: the
 * kernel marks it for its own sake (CONFIG_LRU_GEN). What the running kernel does not tell does not count: on
 * other architectures nobody is inside. Who runs a guest is in a system call, and holds nothing. Signals and
 * the first and last steps of a fault are not told either.
 */
static __always_inline bool is_in_kernel(struct task_struct *task)
{
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);

	if (task->flags & PF_VCPU)
		return false;
	if (bpf_core_field_exists(task->in_lru_fault) && BPF_CORE_READ_BITFIELD(task, in_lru_fault))
		return true;
	return bpf_core_field_exists(regs->orig_ax) && (long)regs->orig_ax >= 0;
}

#endif
