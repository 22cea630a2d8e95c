/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler as it is linked into the simulator: what the daemon and the kernel see of a BPF object, for
 * the daemon and the kernel of the model, and what the judges look at inside of it.
 */
#ifndef SLO_SIM_HOST_SCHEDULER_H
#define SLO_SIM_HOST_SCHEDULER_H

#include "bpf/abi/slo_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A map of the object. The model keeps what it made of it in the first word, which says a type to libbpf
 * alone. */
struct sim_map {
  const char* name;
  void** at;
  slo_u32 type; /* BPF_MAP_TYPE_* */
  slo_u32 key_size;
  slo_u32 value_size;
  slo_u32 max_entries;
};

/* The globals by which the daemon tells the object what to do, and learns what it did. */
struct sim_globals {
  const volatile slo_u32* nr_cpus;
  const volatile slo_u32* nr_shards;
  const volatile slo_u64* tick_ns;
  const volatile slo_u64* enq_immed;
  const volatile slo_u64* floor_credit_max_ns;
  const volatile slo_u8* cpu_shard;
  const volatile struct slo_tunables* tunables;
  volatile slo_u32* cfg_generation;
  volatile slo_u32* is_counting;
  volatile slo_u32* nr_servers;
  volatile slo_u64* smallest_budget_ns;
  const volatile slo_u64* heartbeat_ns;
  const struct slo_exit_record* exit_record;
};

struct sched_ext_ops;

const struct sched_ext_ops* sim_ops(void);
const struct sim_map* sim_maps(slo_u32* count);
struct sim_globals sim_globals_of_object(void);

/* How many tasks the scheduler thinks wait in a queue of its own, by the id of the DSQ. */
slo_u64 sim_counted_in(slo_u64 dsq_id);
/* The DSQ that the scheduler thinks a task waits in, by what it keeps of the task; 0: none. */
slo_u64 sim_task_queue(const void* task_storage);
/* SLO_CLASS_* of a task, by what it keeps of it, and of what runs on a CPU. */
slo_u32 sim_task_class(const void* task_storage);
slo_u32 sim_cpu_class(slo_u32 cpu);
/* The key of a running SLO task as of now. */
slo_u64 sim_running_key(const void* task_storage, slo_u64 now_ns);
slo_u32 sim_is_known_idle(slo_u32 cpu);
/* Best effort: the clock of a shard; of a task its weight, whether it is idle by CPUWeight=, and its virtual
 * time as of now while it runs; of a CPU the virtual time at which what runs there began, and when that was.
 */
slo_u64 sim_clock(slo_u32 shard);
slo_u32 sim_weight(const void* task_storage);
slo_u32 sim_goes_first(const void* task_storage); /* as an operator's */
slo_u32 sim_is_idle_by_weight(const void* task_storage);
slo_u64 sim_running_vtime(const void* task_storage, slo_u64 now_ns);
slo_u64 sim_begun_vtime(slo_u32 cpu);
slo_u64 sim_ran_from_ns(slo_u32 cpu);
/* What was left in a reserve when it was filled last, and whether it counts as empty, by its value in
 * `servers`. */
long long sim_reserve_left_ns(const void* server);
slo_u64 sim_reserve_filled_ns(const void* server);
slo_u32 sim_is_reserve_empty(const void* server);
/* What is left for a task on the level of its limits that has least, with all that has come in by now. */
long long sim_limit_left_ns(const void* task_storage, slo_u64 now_ns);
/* The place of its nearest limit; SLO_NO_SLOT: none that is known. */
slo_u32 sim_limit_of(const void* task_storage);
/* What a run that begins with something left executes at least. */
long long sim_shortest_run_ns(void);

#ifdef __cplusplus
}
#endif

#endif
