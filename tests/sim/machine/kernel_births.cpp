// SPDX-License-Identifier: GPL-2.0-only
// How groups and tasks come to be.
#include <algorithm>
#include <utility>

#include "kernel.h"

namespace slo::sim {
namespace {

constexpr int first_pid = 1000;

}  // namespace

Group& Kernel::make_group(std::string name, Group* parent, const Group::Settings& settings) {
  constexpr std::uint64_t first_id = 100;
  groups_.push_back(std::make_unique<Group>(std::move(name), first_id + groups_.size(),
                                            parent != nullptr ? parent : &root(), settings));
  return *groups_.back();
}

void Kernel::make_task(Task& task, const Behaviour& behaviour, Group& group, std::uint32_t unit) {
  task.id = static_cast<TaskId>(tasks_.size() - 1);
  task.unit = unit;
  task.group = &group;
  task.allowed = shape_.all();
  task.behaviour = behaviour;
  task.random.seed(seed_ + task.id);
  task.kernel.pid = task.kernel.tgid = first_pid + static_cast<int>(task.id);
  task.kernel.comm[0] = 't';
  task.kernel.prio = task.kernel.static_prio = DEFAULT_PRIO;
  task.kernel.nr_cpus_allowed = static_cast<int>(machine_.cpus);
  task.kernel.cpus_ptr = reinterpret_cast<const bpf::cpumask_t*>(&task.allowed);
  task.kernel.cgroups = group.css_set();
  task.kernel.worker_private = &task.thread;
  set_user(task, 0);
  task.kernel.sched_task_group = group.task_group();
  task.kernel.scx.weight = cgroup_weight_of_nice(0);
  task.kernel.__state = task_interruptible;
  task.sched_class = normal_;
}

Task& Kernel::spawn(const Behaviour& behaviour, Group& group, std::uint32_t unit) {
  Task& task = tasks_.emplace_back();
  make_task(task, behaviour, group, unit);
  CpuId cpu = task.id % machine_.cpus;
  set_cpu(task, online_.test(cpu) ? cpu : online_.first());
  if (on_fork_) on_fork_(task);
  begin(task);
  return task;
}

// Its first request.
void Kernel::begin(Task& task) {
  const auto request = next_request(task.behaviour, now_ns_, task.random);
  if (!request) return;
  task.request = *request;
  task.left_ns = request->exec_ns;
  events_.push(
      {.at_ns = std::max(request->release_ns, now_ns_), .subject = task.id, .kind = EventKind::wakes});
}

Task& Kernel::fork(Task& parent, const Behaviour& behaviour) {
  Task& task = tasks_.emplace_back();
  make_task(task, behaviour, *parent.group, parent.unit);
  task.allowed = parent.allowed;
  task.kernel.nr_cpus_allowed = parent.kernel.nr_cpus_allowed;
  const Held pi_lock(concurrency_, task.pi_lock);
  set_nice(task, parent.nice);
  task.kernel.real_cred = parent.kernel.real_cred;
  set_cpu(task, parent.cpu());
  if (on_fork_) on_fork_(task);
  const auto request = next_request(task.behaviour, now_ns_, task.random);
  if (!request) return task;
  task.request = *request;
  task.left_ns = request->exec_ns;
  for (Observer* observer : observers_) observer->wakes(task, now_ns_);
  task.state = TaskState::runnable;
  activate(task, select_cpu(task, Change::fork, false), Change::fork);
  return task;
}

}  // namespace slo::sim
