/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel structs and fields that are read, relocated at load time (CO-RE), so that one object fits
 * every kernel from 6.12 on. Nothing here says what a kernel has: kfuncs.h asks.
 */
#ifndef SLO_KERNEL_TYPES_H
#define SLO_KERNEL_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef s32 __s32;
typedef u64 __u64;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;

enum {
	false = 0,
	true = 1,
};
typedef _Bool bool;

#define NULL ((void *)0)

/*
 * Behind the parameters of a function: what its caller holds, for the reader and nobody else.
 *	rq	the lock of the run queue of the CPU, or of the task, that it is about
 *	task	that, or p->pi_lock where the task is being woken: nobody else touches what we keep of it
 *	rcu	RCU's read side; callbacks and probes have it, timers take it
 */
#define __must_hold(lock)

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum {
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1U << 0,
	BPF_F_MMAPABLE = 1U << 10,
	BPF_F_TIMER_CPU_PIN = 1U << 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1U << 0,
	BPF_RB_NO_WAKEUP = 1U << 0,
};
#define CLOCK_MONOTONIC 1

/* include/linux/sched.h */
#define PF_VCPU 0x00000001 /* it runs a guest */
#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define PF_NO_SETAFFINITY 0x04000000
#define MAX_RT_PRIO 100
#define DEFAULT_PRIO 120 /* nice 0 */
#define SCHED_BATCH 3
#define SCHED_IDLE 5
#define TASK_DEAD 0x00000080
#define SIGKILL 9
/* include/linux/sched/jobctl.h: it is to be frozen by cgroup.freeze */
#define JOBCTL_TRAP_FREEZE (1ul << 23)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	const char *name;
	u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id; /* 0: the default hierarchy */
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct task_struct;

/* kernel/kthread.c; its flags are numbers of bits */
#define KTHREAD_IS_PER_CPU 0
struct kthread {
	unsigned long flags;
};

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct bpf_iter__task {
	struct task_struct *task;
};

struct bpf_iter__cgroup {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

/* Complete, though nothing reads it: libbpf tells a declaration from the kernel's definition. */
struct cpumask {
	unsigned long bits[1];
};
typedef struct cpumask cpumask_t;

struct rq {
	u64 clock;
};

struct sched_ext_entity {
	u32 flags;
	u32 weight;
	u64 slice;
	u64 dsq_vtime;
};

struct sched_entity {
	u64 sum_exec_runtime;
};

struct thread_info {
	u32 cpu;
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h: all its threads are to end */
struct signal_struct {
	unsigned int flags;
};

/* Of one thread alone; SIGKILL is among them for each thread of a process that ends. */
struct sigpending {
	sigset_t signal;
};

/* kernel/sched/sched.h; all in ns */
struct cfs_bandwidth {
	s64 period;
	u64 quota; /* all ones: none */
	u64 burst;
	s64 hierarchical_quota; /* the least of its own and those above, by the period; -1: none has any */
	int nr_throttled;
};

struct task_group {
	struct cgroup_subsys_state css;
	struct cfs_bandwidth cfs_bandwidth;
	unsigned long shares;
	int idle;
	struct task_group *parent;
};

/* arch/x86/include/asm/ptrace.h */
struct pt_regs {
	unsigned long orig_ax; /* number of the system call; -1: it is in none */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	/* Ints until 7.1, u8 since: what is unsigned here is fitted to either. */
	unsigned int on_rq; /* runnable, whether it is in a queue just now or not */
	unsigned int on_cpu;
	int prio;
	int static_prio; /* by nice value */
	unsigned int policy;
	int nr_cpus_allowed;
	const cpumask_t *cpus_ptr;
	unsigned short migration_disabled;
	int rcu_read_lock_nesting; /* with CONFIG_PREEMPT_RCU */
	unsigned long jobctl;
	struct sigpending pending;
	struct signal_struct *signal;
	int pid;
	int tgid;
	char comm[16] __attribute__((aligned(8))); /* so that two loads read it */
	const struct cred *real_cred;
	void *worker_private; /* of a kernel thread: its struct kthread */
	struct css_set *cgroups;
	struct task_group *sched_task_group;
	struct sched_entity se;
	struct sched_ext_entity scx;
	unsigned int in_lru_fault : 1; /* with CONFIG_LRU_GEN */
};

/* kernel/sched/ext.c and ext_internal.h: only values that have not changed between 6.12 and 7.3. */
enum scx_ent_flags {
	SCX_TASK_QUEUED = 1 << 0,
};

enum scx_enq_flags : u64 {
	SCX_ENQ_WAKEUP = 1,
	SCX_ENQ_LAST = 1LLU << 41, /* nothing else runs here: it alone kept the CPU from being idle */
};

enum scx_wake_flags {
	SCX_WAKE_SYNC = 0x10,
};

enum scx_dsq_id_flags : u64 {
	SCX_DSQ_FLAG_BUILTIN = 1LLU << 63,
	SCX_DSQ_GLOBAL = (1LLU << 63) | 1,
	SCX_DSQ_LOCAL = (1LLU << 63) | 2,
};

enum scx_ops_flags {
	SCX_OPS_KEEP_BUILTIN_IDLE = 1 << 0,
	SCX_OPS_ENQ_LAST = 1 << 1,
};

enum scx_kick_flags {
	SCX_KICK_IDLE = 1LLU << 0,
	SCX_KICK_PREEMPT = 1LLU << 1,
};

enum scx_exit_kind {
	SCX_EXIT_NONE = 0,
	SCX_EXIT_ERROR = 1024,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
};

struct scx_init_task_args {
	bool fork;
	struct cgroup *cgroup;
};

struct scx_exit_task_args {
	bool cancelled;
};

struct scx_dump_ctx;

/* Members are matched by name, so only those in use stand here. */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*update_idle)(s32 cpu, bool idle);
	void (*tick)(struct task_struct *p);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*enable)(struct task_struct *p);
	void (*disable)(struct task_struct *p);
	void (*dump)(struct scx_dump_ctx *ctx);
	void (*dump_cpu)(struct scx_dump_ctx *ctx, s32 cpu, bool idle);
	void (*dump_task)(struct scx_dump_ctx *ctx, struct task_struct *p);
	void (*cpu_online)(s32 cpu);
	void (*cpu_offline)(s32 cpu);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *ei);
	u64 flags;
	u32 timeout_ms;
	u32 exit_dump_len;
	u64 hotplug_seq;
	char name[128];
};

#pragma clang attribute pop

/* Handed to the kernel as they are: nothing in them is relocated. */
struct scx_bpf_dsq_insert_vtime_args {
	u64 dsq_id;
	u64 slice;
	u64 vtime;
	u64 enq_flags;
};

struct bpf_iter_scx_dsq {
	u64 __opaque[6];
} __attribute__((aligned(8)));

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));

#endif
