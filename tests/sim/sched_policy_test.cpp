// SPDX-License-Identifier: GPL-2.0-only
// SCHED_BATCH and SCHED_IDLE mean what they mean to the kernel's own scheduler.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "bpf/policy/policy.h"
#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;

constexpr std::uint32_t cgroup_weight_of_sched_idle = 1;  // what the kernel tells sched_ext

void make_idle(Task& task) {
  task.kernel.policy = SCHED_IDLE;
  task.kernel.scx.weight = cgroup_weight_of_sched_idle;
}

// A waker beside a hog.
class SchedPolicy : public testing::Test {
 protected:
  SchedPolicy() {
    workload_.tasks.push_back(
        {.unit = 0, .behaviour = Periodic{.exec_ns = 100 * us, .period_ns = 50'300 * us}});
    workload_.tasks.push_back({.unit = 1, .behaviour = Hog{}});
  }

  [[nodiscard]] Task& waker() { return system().kernel().tasks()[0]; }
  [[nodiscard]] Task& hog() { return system().kernel().tasks()[1]; }
  System& system() {
    if (!system_)
      system_.emplace(Experiment{.machine = samples::free_machine(), .workload = workload_}, Policy{});
    return *system_;
  }
  Record run() {
    system().daemon().attach();
    return system().run(5 * second);
  }

  Workload workload_{.name = "policies", .units = {{.name = "waker"}, {.name = "hog"}}, .tasks = {}};
  std::optional<System> system_;
};

TEST_F(SchedPolicy, BatchTakesNobodysCpuAsItWakes) {
  const std::uint64_t normal_ns = quantile_ns(run().units[0].waits_ns, 0.9);
  system_.reset();
  waker().kernel.policy = SCHED_BATCH;
  const std::uint64_t batch_ns = quantile_ns(run().units[0].waits_ns, 0.9);
  EXPECT_LE(normal_ns, SLO_BEST_EFFORT_RUN_NS);
  EXPECT_GT(batch_ns, 4 * ms) << "to the end of a slice";
}

TEST_F(SchedPolicy, IdleGivesWayAtOnce) {
  make_idle(hog());
  EXPECT_LE(quantile_ns(run().units[0].waits_ns, 1), slo_u64{Policy{}.tunables.min_run_ns});
}

TEST_F(SchedPolicy, IdleTakesNothingFromOthersAsItWakes) {
  make_idle(waker());
  EXPECT_GT(quantile_ns(run().units[0].waits_ns, 0.5), 4 * ms) << "half-way to the end of a slice";
}

TEST(SchedPolicies, IdleHasTheHundredthOfAHog) {
  Workload workload{.name = "idle", .units = {{.name = "a"}, {.name = "b"}}, .tasks = {}};
  for (std::uint32_t unit = 0; unit < 2; ++unit) workload.tasks.push_back({.unit = unit, .behaviour = Hog{}});
  System system({.workload = workload}, {});
  make_idle(system.kernel().tasks()[1]);
  system.daemon().attach();
  const auto exec_ns = system.run(20 * second).task_exec_ns;
  EXPECT_NEAR(static_cast<double>(exec_ns[1]) / static_cast<double>(20 * second), 0.01, 0.005);
}

}  // namespace
}  // namespace slo::sim
