// SPDX-License-Identifier: GPL-2.0-only
#include "simulate.h"

#include <stdexcept>

#include "edf/edf.h"

namespace slo::sim {

std::vector<Group*> make_groups(Kernel& kernel, const Workload& workload) {
  std::vector<Group*> groups;
  for (const Unit& unit : workload.units)
    groups.push_back(
        &kernel.make_group(unit.name, unit.slice != no_unit ? groups[unit.slice] : nullptr,
                           {.weight = unit.cpu_weight, .is_idle = unit.is_cpu_idle, .limit = unit.limit}));
  return groups;
}

void spawn_tasks(Kernel& kernel, const Workload& workload, const std::vector<Group*>& groups) {
  for (const TaskSpec& spec : workload.tasks) {
    Task& task = kernel.spawn(spec.behaviour, *groups[spec.unit], spec.unit);
    kernel.set_user(task, spec.user);
    if (spec.nice != 0) kernel.set_nice(task, spec.nice);
    if (spec.real_time != 0) kernel.set_real_time(task, spec.real_time);
    if (spec.cpus.empty()) continue;
    CpuMask cpus;
    for (const CpuId cpu : spec.cpus) cpus.set(cpu, true);
    kernel.set_affinity(task, cpus);
  }
}

System::System(const Experiment& experiment, const Policy& policy)
    : workload_(experiment.workload),
      kernel_(experiment.machine, experiment.seed),
      fair_(kernel_, {}),
      ext_(kernel_, fair_,
           {.rules = policy.rules,
            .kicks_wait_for_tick = policy.kicks_wait_for_tick,
            .attach_ns = policy.attach_ns}),
      recorder_(kernel_, workload_),
      idle_judge_(kernel_),
      queue_judge_(kernel_, ext_, {}),
      groups_(make_groups(kernel_, workload_)),
      daemon_(std::make_unique<Daemon>(kernel_, ext_, workload_, groups_, policy)) {
  spawn_tasks(kernel_, workload_, groups_);
}

Record System::run(std::uint64_t until_ns) {
  kernel_.run(until_ns);
  Record record = recorder_.finish();
  record.idle_beside_waiting_ns = idle_judge_.longest_ns();
  return record;
}

Record run_policy(const Experiment& experiment, const Policy& policy) {
  System system(experiment, policy);
  system.daemon().attach();
  Record record = system.run(experiment.span_ns);
  if (system.ext().exit().kind != 0)
    throw std::runtime_error("the kernel ended the scheduler: " + system.ext().exit().message);
  if (!system.queue_judge().complaints().empty())
    throw std::runtime_error(system.queue_judge().complaints().front().what);
  return record;
}

Record run_edf(const Experiment& experiment, const Policy& policy) {
  Kernel kernel(experiment.machine, experiment.seed);
  Edf edf(kernel, experiment.workload, policy);
  Recorder recorder(kernel, experiment.workload);
  IdleJudge judge(kernel);
  spawn_tasks(kernel, experiment.workload, make_groups(kernel, experiment.workload));
  kernel.run(experiment.span_ns);
  Record record = recorder.finish();
  record.idle_beside_waiting_ns = judge.longest_ns();
  return record;
}

Record run_fair(const Experiment& experiment) {
  Kernel kernel(experiment.machine, experiment.seed);
  Fair fair(kernel, {});
  Recorder recorder(kernel, experiment.workload);
  spawn_tasks(kernel, experiment.workload, make_groups(kernel, experiment.workload));
  kernel.run(experiment.span_ns);
  return recorder.finish();
}

}  // namespace slo::sim
