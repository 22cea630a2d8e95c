// SPDX-License-Identifier: GPL-2.0-only
#include "idle.h"

namespace slo::sim {
namespace {

constexpr unsigned pf_exiting = 4;

}  // namespace

void Idle::reset() {
  idle_ = idle_cores_ = kernel_.online();
}

void Idle::set(CpuId cpu, bool idle) {
  idle_.set(cpu, idle);
  if (!kernel_.shape().has_smt()) return;
  const CpuMask& siblings = kernel_.shape().siblings(cpu);
  if (!idle)
    idle_cores_ = idle_cores_ - siblings;
  else if (idle_.contains(siblings))
    idle_cores_ = idle_cores_ | siblings;
}

bool Idle::test_and_clear(CpuId cpu) {
  if (kernel_.shape().has_smt()) idle_cores_ = idle_cores_ - kernel_.shape().siblings(cpu);
  const bool was_idle = idle_.test(cpu);
  idle_.set(cpu, false);
  return was_idle;
}

// cpumask_any_and_distribute(): not always the first one.
CpuId Idle::next_of(const CpuMask& cpus) {
  CpuId& from = kernel_.here().ext.search_from;
  CpuId cpu = cpus.from(from + 1);
  if (cpu == no_cpu) cpu = cpus.first();
  if (cpu != no_cpu) from = cpu;
  return cpu;
}

CpuId Idle::pick(const CpuMask& allowed, bool whole_core) {
  const bool has_smt = kernel_.shape().has_smt();
  if (has_smt) {
    const CpuId cpu = next_of(idle_cores_ & allowed);
    if (cpu != no_cpu && test_and_clear(cpu)) return cpu;
    if (whole_core) return no_cpu;
  }
  const CpuId cpu = next_of(idle_ & allowed);
  return cpu != no_cpu && test_and_clear(cpu) ? cpu : no_cpu;
}

// The waker says that it is about to sleep: its own CPU will do, unless that of the woken one is idle and
// near.
CpuId Idle::select_synchronous(const Task& task, CpuId prev) {
  const CpuId cpu = kernel_.here().id;
  if (task.cpus().test(prev) && kernel_.shape().cache(prev).test(cpu) && test_and_clear(prev)) return prev;
  const bool is_exiting = (kernel_.running_here()->flags & pf_exiting) != 0;
  const bool has_idle = (idle_ & kernel_.shape().node(cpu)).any();
  if (!is_exiting && kernel_.here().ext.local.size() == 0 && has_idle && task.cpus().test(cpu)) return cpu;
  return no_cpu;
}

CpuId Idle::pick_near(const CpuMask& allowed, CpuId prev, bool whole_core) {
  const Shape& shape = kernel_.shape();
  CpuId cpu = no_cpu;
  if (shape.has_caches()) cpu = pick(allowed & shape.cache(prev), whole_core);
  if (cpu == no_cpu && shape.has_nodes()) cpu = pick(allowed & shape.node(prev), whole_core);
  return cpu != no_cpu ? cpu : pick(allowed, whole_core);
}

CpuId Idle::select(const Task& task, CpuId prev, bool is_sync) {
  const CpuMask& allowed = task.cpus();
  if (is_sync) {
    const CpuId cpu = select_synchronous(task, prev);
    if (cpu != no_cpu) return cpu;
  }
  if (kernel_.shape().has_smt()) {
    if (allowed.test(prev) && idle_cores_.test(prev) && test_and_clear(prev)) return prev;
    const CpuId cpu = pick_near(allowed, prev, true);
    if (cpu != no_cpu) return cpu;
  }
  if (allowed.test(prev) && test_and_clear(prev)) return prev;
  return pick_near(allowed, prev, false);
}

}  // namespace slo::sim
