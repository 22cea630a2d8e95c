// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "daemon/daemon.h"
#include "fair/fair.h"
#include "judges/idle_judge.h"
#include "judges/queue_judge.h"
#include "machine/kernel.h"
#include "policy.h"
#include "record.h"
#include "recorder.h"
#include "sched_ext/ext.h"
#include "workload.h"

namespace slo::sim {

// Everything that a run depends on, the scheduler apart.
struct Experiment {
  Machine machine = {};
  Workload workload = {};
  std::uint64_t span_ns = 10 * SLO_NSEC_PER_SEC;
  std::uint64_t seed = 1;
};

// A machine with the kernel's scheduler, sched_ext and the daemon on it, and a workload that begins to run;
// nothing is attached yet. One at a time, as the scheduler has globals.
class System {
 public:
  System(const Experiment& experiment, const Policy& policy);

  [[nodiscard]] Kernel& kernel() { return kernel_; }
  [[nodiscard]] Ext& ext() { return ext_; }
  [[nodiscard]] Daemon& daemon() { return *daemon_; }
  [[nodiscard]] Group& group(std::uint32_t unit) { return *groups_[unit]; }
  [[nodiscard]] std::uint32_t units() const { return static_cast<std::uint32_t>(groups_.size()); }
  [[nodiscard]] IdleJudge& idle_judge() { return idle_judge_; }
  [[nodiscard]] const QueueJudge& queue_judge() const { return queue_judge_; }
  // Once.
  [[nodiscard]] Record run(std::uint64_t until_ns);

 private:
  Workload workload_;
  Kernel kernel_;
  Fair fair_;
  Ext ext_;
  Recorder recorder_;
  IdleJudge idle_judge_;
  QueueJudge queue_judge_;
  std::vector<Group*> groups_;  // by unit
  std::unique_ptr<Daemon> daemon_;
};

// The groups of the units, by their index; and their tasks.
[[nodiscard]] std::vector<Group*> make_groups(Kernel& kernel, const Workload& workload);
void spawn_tasks(Kernel& kernel, const Workload& workload, const std::vector<Group*>& groups);

// The scheduler that ships, or with parts of it switched off; the judges of queues must have nothing to say.
[[nodiscard]] Record run_policy(const Experiment& experiment, const Policy& policy);
// The reference, with the floor of this policy.
[[nodiscard]] Record run_edf(const Experiment& experiment, const Policy& policy);
// The kernel's own scheduler.
[[nodiscard]] Record run_fair(const Experiment& experiment);

}  // namespace slo::sim
