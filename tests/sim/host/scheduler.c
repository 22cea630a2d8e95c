/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler, compiled for the host. Its globals lie in sections of their own, so that image.cpp can put
 * them back as they were before the first case: those that are zero, those with a value, and those that the
 * kernel maps read-only once the daemon has set them.
 */
#pragma clang section bss = "slo_bss" data = "slo_data" rodata = "slo_rodata"
#include "bpf/scheduler.bpf.c"
#pragma clang section bss = "" data = "" rodata = ""

#include "tests/sim/host/scheduler.h"

#define ENTRIES(array) (sizeof(*(array)) / sizeof(int))
#define MAP(map)         \
  {#map,                 \
   (void**)&(map),       \
   ENTRIES((map).type),  \
   sizeof(*(map).key),   \
   sizeof(*(map).value), \
   ENTRIES((map).max_entries)}

static const struct sim_map maps[] = {
    MAP(cfg_map),
    MAP(stats_map),
    MAP(event_limits),
    MAP(run_logs),
    MAP(server_cfgs),
    MAP(servers),
    MAP(prepaid_map),
    MAP(groups),
    MAP(floor_timers),
    MAP(kick_timers),
    MAP(heartbeat_timer),
    MAP(refill_timer),
    MAP(limits),
    MAP(unkept_limits),
    MAP(parking_timers),
    MAP(parked_timer),
    {"task_map", (void**)&task_map, ENTRIES(task_map.type), sizeof(*task_map.key), sizeof(*task_map.value),
     0},
    {"events", (void**)&events, ENTRIES(events.type), 0, 0, ENTRIES(events.max_entries)},
};

const struct sched_ext_ops* sim_ops(void) {
  return &scx_slo;
}

const struct sim_map* sim_maps(slo_u32* count) {
  *count = sizeof(maps) / sizeof(maps[0]);
  return maps;
}

struct sim_globals sim_globals_of_object(void) {
  return (struct sim_globals){
      .nr_cpus = &nr_cpus,
      .nr_shards = &nr_shards,
      .tick_ns = &tick_ns,
      .enq_immed = &enq_immed,
      .floor_credit_max_ns = &floor_credit_max_ns,
      .cpu_shard = cpu_shard,
      .tunables = &tunables,
      .cfg_generation = &cfg_generation,
      .is_counting = &is_counting,
      .nr_servers = &nr_servers,
      .smallest_budget_ns = &smallest_budget_ns,
      .heartbeat_ns = &heartbeat_ns,
      .exit_record = &exit_record,
  };
}

/* The judges look at it between two accesses of the scheduler: these are none. */
#pragma clang attribute push(__attribute__((disable_sanitizer_instrumentation)), apply_to = function)

slo_u64 sim_counted_in(slo_u64 dsq_id) {
  u32 at = (u32)dsq_id;

  switch (dsq_id - at) {
    case QUEUE_SHARED_SLO:
      return shard_ctx_of(at)->nr_slo.value;
    case QUEUE_SHARED_BEST_EFFORT:
      return shard_ctx_of(at)->nr_best_effort.value;
    case QUEUE_PINNED_SLO:
      return cpu_ctx_of((s32)at)->nr_pinned_slo;
    case QUEUE_PINNED_BEST_EFFORT:
      return cpu_ctx_of((s32)at)->nr_pinned_best_effort;
    default:
      return parking_at(at)->nr;
  }
}

slo_u64 sim_task_queue(const void* task_storage) {
  u32 queue = ((const struct task_ctx*)task_storage)->queue;

  return (u64)((queue & SLO_QUEUE_PLACE) >> 16) << 32 | (queue & SLO_QUEUE_AT);
}

slo_u32 sim_task_class(const void* task_storage) {
  return ((const struct task_ctx*)task_storage)->class;
}

slo_u32 sim_cpu_class(slo_u32 cpu) {
  return cpu_ctx_of((s32)cpu)->class;
}

slo_u64 sim_running_key(const void* task_storage, slo_u64 now_ns) {
  const struct task_ctx* tctx = task_storage;

  return key_of(tctx, slo_job_exec_ns(&tctx->acct.job, now_ns));
}

slo_u64 sim_clock(slo_u32 shard) {
  return shard_ctx_of(shard)->clock.vtime_ns;
}

slo_u32 sim_weight(const void* task_storage) {
  return ((const struct task_ctx*)task_storage)->weight;
}

slo_u32 sim_is_idle_by_weight(const void* task_storage) {
  return ((const struct task_ctx*)task_storage)->is_idle;
}

slo_u32 sim_goes_first(const void* task_storage) {
  return ((const struct task_ctx*)task_storage)->goes_first;
}

slo_u64 sim_running_vtime(const void* task_storage, slo_u64 now_ns) {
  const struct task_ctx* tctx = task_storage;

  return tctx->vtime_ns + slo_vtime_charge_ns(slo_elapsed_ns(tctx->acct.job.since_ns, now_ns), tctx->weight);
}

slo_u64 sim_begun_vtime(slo_u32 cpu) {
  return cpu_ctx_of((s32)cpu)->vtime_ns;
}

slo_u64 sim_ran_from_ns(slo_u32 cpu) {
  return cpu_ctx_of((s32)cpu)->ran_from_ns;
}

slo_u32 sim_is_known_idle(slo_u32 cpu) {
  return has_cpu_bit(idle_cpus, (s32)cpu);
}

long long sim_reserve_left_ns(const void* server) {
  return ((const struct server*)server)->tokens_ns;
}

slo_u64 sim_reserve_filled_ns(const void* server) {
  return ((const struct server*)server)->filled_ns;
}

slo_u32 sim_is_reserve_empty(const void* server) {
  return ((const struct server*)server)->is_empty;
}

slo_u32 sim_limit_of(const void* task_storage) {
  return task_storage != NULL ? ((const struct task_ctx*)task_storage)->limit : SLO_NO_SLOT;
}

long long sim_shortest_run_ns(void) {
  return (long long)tunables.min_run_ns;
}

long long sim_limit_left_ns(const void* task_storage, slo_u64 now_ns) {
  u32 limit = ((const struct task_ctx*)task_storage)->limit;
  u32 at = limit != SLO_NO_SLOT ? server_of_limit(limit) : SLO_NO_SLOT;
  s64 least_ns = (s64)SLO_LIMIT_QUOTA_MAX_NS;

  for (u32 i = 0; i < SLO_SERVER_DEPTH_MAX; i++) {
    const struct slo_server_cfg* cfg = bpf_map_lookup_elem(&server_cfgs, &at);
    const struct server* server = bpf_map_lookup_elem(&servers, &at);
    s64 left_ns;

    if (!cfg || !server) break;
    left_ns = slo_limit_fill_ns(server->tokens_ns, cfg->quota_ns, cfg->burst_ns,
                                slo_limit_periods(server->filled_ns, cfg->period_ns, now_ns));
    if (left_ns < least_ns) least_ns = left_ns;
    at = cfg->parent;
  }
  return least_ns;
}

#pragma clang attribute pop
