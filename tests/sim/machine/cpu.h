// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <list>

#include "../sched_ext/dsq.h"
#include "concurrency.h"
#include "cpu_mask.h"
#include "task.h"

namespace slo::sim {

// What sched_ext keeps of a CPU's run queue.
struct ExtQueue {
  Dsq local = {};
  std::list<Task*> runnable = {};  // its tasks of sched_ext that are and do not run, longest first
  bool is_bypassing = true;
  bool is_online = true;
  bool is_picking = false;      // SCX_RQ_IN_BALANCE
  bool waits_for_tick = false;  // a kick, see Ext::Settings
  bool has_taken = false;       // dispatch() put something on it
  CpuId search_from = 0;        // cpumask_any_distribute() goes round
  // What scx_bpf_now() says there without a lock, since another CPU has taken a task from its queue and
  // before it is locked again; 0: what it is.
  std::uint64_t clock_stands_ns = 0;
};

struct Cpu {
  CpuId id = 0;
  bool is_online = true;
  Task* current = nullptr;          // null: idle
  bool needs_look = false;          // TIF_NEED_RESCHED
  bool has_tick = false;            // planned; an idle CPU has none
  std::uint64_t busy_until_ns = 0;  // it switches; requests to look again wait that long
  std::uint64_t done_generation = 0;
  std::uint64_t look_at_ns = UINT64_MAX;  // planned
  std::uint64_t kicks = 0;                // requests to preempt, in all
  bpf::task_struct idle_task = {};
  bpf::rq rq = {};
  Lock rq_lock = {};
  Lock context = {};             // held by what happens there: interrupts wait
  std::uint64_t lock_drops = 0;  // of rq_lock, in the middle of a choice
  ExtQueue ext = {};
};

}  // namespace slo::sim
