/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In the place of libbpf's header where the scheduler is compiled for the host: the words are the same, the helpers
 * are functions of the model (sched_ext/), and what exists in the kernel is asked at run time.
 */
#ifndef SLO_SIM_BPF_HELPERS_H
#define SLO_SIM_BPF_HELPERS_H

#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline
#define __ksym
#define __weak
#define __arg_nonnull
#define __arg_trusted
#define barrier_var(var) asm volatile("" : "+r"(var))

/* The number that each end gets does not matter: nobody looks at it after the loop. */
#define bpf_for(i, start, end) for ((i) = (start); (i) < (end); (i)++)

int sim_ksym_exists(const char *symbol);

/* Asked once in each place and machine: the answer lies among the globals, which every machine has fresh. */
#define bpf_ksym_exists(sym)                                                                                 \
	({                                                                                                   \
		static signed char sim_known;                                                                \
		if (sim_known == 0)                                                                          \
			sim_known = sim_ksym_exists(#sym) ? 1 : -1;                                          \
		sim_known > 0;                                                                               \
	})

/* Arguments of a format, as libbpf counts and spreads them. */
#define ___bpf_nth(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _a, _b, _c, N, ...) N
#define ___bpf_narg(...) ___bpf_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ___bpf_fill(array, args...)                                                                          \
	do {                                                                                                 \
		unsigned long long sim_filled[] = {0, ##args};                                               \
		__builtin_memcpy(array, sim_filled + 1, sizeof(sim_filled) - sizeof(sim_filled[0]));          \
	} while (0)

struct bpf_timer;
struct task_struct;
void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags);
void *bpf_task_storage_get(void *map, struct task_struct *p, void *value, u64 flags);
long bpf_timer_init(struct bpf_timer *timer, void *map, u64 flags);
long bpf_timer_set_callback(struct bpf_timer *timer, void *callback);
long bpf_timer_start(struct bpf_timer *timer, u64 nsecs, u64 flags);
u64 bpf_ktime_get_ns(void);
u32 bpf_get_smp_processor_id(void);
u32 bpf_get_prandom_u32(void);
struct task_struct *bpf_get_current_task_btf(void);
long bpf_task_pt_regs(struct task_struct *p);
void *bpf_per_cpu_ptr(const void *percpu, u32 cpu);
void *bpf_ringbuf_reserve(void *ringbuf, u64 size, u64 flags);
void bpf_ringbuf_submit(void *data, u64 flags);
long bpf_probe_read_kernel_str(void *to, u32 size, const void *from);

#endif
