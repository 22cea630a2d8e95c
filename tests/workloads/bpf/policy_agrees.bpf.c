// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's half of policy_agrees: the same functions, as the kernel runs them. */
#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>

#include "policy_agrees.h"

char _license[] SEC("license") = "GPL";

/* Begun by the caller. */
struct agreement kernel_side;
u32 rounds;

SEC("syscall")
int go_on(void *ctx)
{
	u32 i;

	bpf_for (i, 0, rounds)
		agree_round(&kernel_side);
	return 0;
}
