// SPDX-License-Identifier: GPL-2.0-only
#include "limit_judge.h"

#include <algorithm>
#include <format>
#include <utility>

#include "bpf/policy/limit.h"

namespace slo::sim {
namespace {

// Of one run: a request to look, a switch, a tick and what callbacks cost.
constexpr std::uint64_t late_ns = 100'000;

bool is_exempt(const Task& task) {
  return task.is_killed() || (task.kernel.flags & (PF_KTHREAD | PF_EXITING)) != 0 ||
         (task.kernel.jobctl & JOBCTL_TRAP_FREEZE) != 0 || task.kernel.rcu_read_lock_nesting != 0 ||
         !task.may_migrate();
}

}  // namespace

LimitJudge::Seen& LimitJudge::of(const Task& task) {
  if (seen_.size() <= task.id) seen_.resize(task.id + 1);
  return seen_[task.id];
}

// Whoever was on a CPU that goes offline has a run elsewhere.
void LimitJudge::looks(std::uint64_t /*now_ns*/) {
  const CpuMask online = kernel_.online();
  if (!ext_.is_attached() || !(online == online_)) accounts_.clear();
  online_ = online;
}

// A change holds after two periods: of the new limit, or of one that the scheduler kept to until then.
void LimitJudge::restart(const Group& group, const Limit& limit) {
  std::uint64_t period_ns = std::max(limit.period_ns, kernel_.machine().tick_ns);
  for (const Group* one = &group; one != nullptr; one = one->above())
    if (const Limit& old = accounts_[one].limit; old.quota_ns != 0)
      period_ns = std::max(period_ns, old.period_ns);
  Account& account = accounts_[&group];
  ++restarts_;
  account = {.limit = limit, .from_ns = std::max(account.from_ns, kernel_.now_ns() + 2 * period_ns)};
}

void LimitJudge::lend(const Task& task, std::uint64_t debt_ns) {
  for (Group* group = &task.group->with_controller(); group != nullptr;
       group = group->parent_with_controller())
    accounts_[group].debt_ns += debt_ns;
}

void LimitJudge::lend_in_kernel(const Task& task, std::uint64_t debt_ns) {
  Seen& seen = of(task);
  if (std::exchange(seen.restarts, restarts_) != restarts_) seen.in_kernel_ns = 0;
  if (seen.in_kernel_ns > SLO_LIMIT_KERNEL_NS) return;
  seen.in_kernel_ns += debt_ns;
  lend(task, debt_ns);
}

// Inside the kernel, and no further than to the first look after that.
void LimitJudge::wakes(const Task& task, std::uint64_t now_ns) {
  of(task).waits_from_ns = now_ns;
  lend_in_kernel(task, min_run_ns_ + late_ns);
}

void LimitJudge::runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t now_ns) {
  if (now_ns - of(task).waits_from_ns >= SLO_LIMIT_WAIT_MAX_NS) lend(task, min_run_ns_ + late_ns);
}

void LimitJudge::executes(const Task& task, std::uint64_t exec_ns) {
  if (!ext_.is_attached() || task.sched_class != &ext_) return;
  Seen& seen = of(task);
  // It is found by the next tick that it is in another group, or that it is like others again.
  const Group* const own = &task.group->with_controller();
  const bool has_moved = std::exchange(seen.group, own) != own;
  const bool was_exempt = std::exchange(seen.is_exempt, is_exempt(task));
  if (has_moved || (was_exempt && !seen.is_exempt))
    lend(task, kernel_.machine().tick_ns + min_run_ns_ + late_ns);
  if (seen.is_exempt) return;
  if (task.is_in_kernel()) lend_in_kernel(task, exec_ns);
  const bool is_bypassing = kernel_.cpu(task.cpu()).ext.is_bypassing;
  for (Group* group = &task.group->with_controller(); group != nullptr;
       group = group->parent_with_controller()) {
    if (is_bypassing)
      restart(*group, {});
    else
      charge(*group, exec_ns);
  }
}

void LimitJudge::charge(const Group& group, std::uint64_t exec_ns) {
  Account& account = accounts_[&group];
  if (account.limit != group.limit()) restart(group, group.limit());
  const Limit& limit = account.limit;
  const std::uint64_t now_ns = kernel_.now_ns();
  if (limit.quota_ns == 0 || now_ns < account.from_ns) return;
  account.ran_ns += std::min(exec_ns, now_ns - account.from_ns);
  // What was there, that of the periods that have begun, and what runs now.
  const std::uint64_t periods = (now_ns - account.from_ns) / limit.period_ns + 1;
  const std::uint64_t most_ns = limit.quota_ns * (periods + 1) + limit.burst_ns + account.debt_ns +
                                kernel_.machine().cpus * (min_run_ns_ + late_ns);
  if (account.ran_ns > most_ns)
    complain("limit", now_ns,
             std::format("group {} ran {} us in {} periods of {} us with {} us each", group.id(),
                         account.ran_ns / 1000, periods, limit.period_ns / 1000, limit.quota_ns / 1000));
}

}  // namespace slo::sim
