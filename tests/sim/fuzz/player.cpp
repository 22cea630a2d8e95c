// SPDX-License-Identifier: GPL-2.0-only
#include "player.h"

#include <algorithm>
#include <format>
#include <initializer_list>

#include "playing.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t us = SLO_NSEC_PER_USEC;
constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;
// A request to look, a switch, and what else the CPU has to do.
constexpr std::uint64_t idle_max_ns = 30 * us;
// Who is idle is found by the heartbeat; and how long it may be silent.
constexpr std::uint64_t heartbeat_ns = 100 * ms;
// SloSliceMax= and BestEffortSlice= as shipped.
constexpr std::uint64_t slice_max_ns = 20 * ms;
constexpr std::uint64_t end_max_ns = 3000 * ms;

}  // namespace

Experiment Playing::experiment_of(const Story& story) {
  return {.machine = story.machine,
          .workload = {.name = "story", .units = story.units, .tasks = {}},
          .seed = story.seed};
}

Policy Playing::policy_of(const Story& story) {
  Policy policy;
  if (story.is_6_12) policy.rules = rules_of_6_12();
  policy.attach_ns = story.attach_us * us;
  return policy;
}

Playing::Playing(const Story& story)
    : story_(story),
      system_(experiment_of(story), policy_of(story)),
      kernel_(system_.kernel()),
      urgent_(kernel_, system_.ext()),
      floor_(kernel_, system_.ext(), system_.daemon()),
      counter_(kernel_, system_.ext(), system_.daemon()),
      reserve_(kernel_, system_.ext(), system_.daemon()),
      turn_(kernel_, system_.ext(), system_.daemon()),
      limit_(kernel_, system_.ext()),
      parking_(kernel_, system_.ext()) {
  kernel_.watch(*this);
  system_.idle_judge().tell(
      idle_max_ns, [this](const Task& task, std::uint64_t from_ns) { return hear_of_idle(task, from_ns); });
  for (const std::uint32_t unit : story.tasks)
    tasks_.push_back(&kernel_.spawn(Told{}, system_.group(unit), unit));
  real_time_ns_.resize(story.machine.cpus);
  for (const Step& step : story.steps) plan(step, 0);
}

void Playing::plan(const Step& step, std::uint64_t nth) {
  if (nth >= step.times) return;
  kernel_.plan((step.at_us + nth * step.every_us) * us, [this, &step, nth] {
    act(step, nth);
    plan(step, nth + 1);
  });
}

Task* Playing::task_of(std::uint64_t name) {
  Task* task = name < tasks_.size() ? tasks_[name] : nullptr;
  return task != nullptr && task->state != TaskState::dead ? task : nullptr;
}

void Playing::act(const Step& step, std::uint64_t nth) {
  if (kernel_.now_ns() >= story_.span_us * us) return;
  switch (step.verb) {
    case Verb::attach:
      return attach();
    case Verb::detach:
      return detach();
    case Verb::offline:
    case Verb::online:
      return act_on_cpu(step);
    case Verb::weight:
    case Verb::budget:
    case Verb::importance:
    case Verb::reserve:
    case Verb::limit:
      return act_on_unit(step);
    default:
      if (Task* task = task_of(step.subject)) act_on_task(step, *task, nth);
  }
}

void Playing::act_on_task(const Step& step, Task& task, std::uint64_t nth) {
  const auto value = static_cast<std::uint64_t>(step.value);
  if (task.is_current && step.verb != Verb::sleep) {
    if (is_changed_.size() <= task.id) is_changed_.resize(task.id + 1);
    is_changed_[task.id] = true;
  }
  switch (step.verb) {
    case Verb::wake:
      return wake(step, task);
    case Verb::sleep:
      return send_to_sleep(task);
    case Verb::exit:
      return kernel_.kill(task);
    case Verb::freeze:
      return kernel_.freeze(task);
    case Verb::thaw:
      return kernel_.thaw(task);
    case Verb::affinity: {
      CpuMask cpus;
      for (CpuId cpu = 0; cpu < story_.machine.cpus; ++cpu) cpus.set(cpu, (value >> cpu & 1) != 0);
      if ((cpus & kernel_.online()).any()) kernel_.set_affinity(task, cpus);
      return;
    }
    case Verb::move:
      if (value >= story_.units.size()) return;
      task.unit = static_cast<std::uint32_t>(value);
      return kernel_.move_to_group(task, system_.group(task.unit));
    case Verb::nice:
      return kernel_.set_nice(task, std::clamp(static_cast<int>(step.value), -20, 19));
    case Verb::real_time:
      return set_real_time(task, static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 99)));
    default:
      if (task.is_current) act_on_running(step, task, nth);
  }
}

// What a task does itself.
void Playing::act_on_running(const Step& step, Task& task, std::uint64_t nth) {
  switch (step.verb) {
    case Verb::fork:
      kernel_.on_cpu(task.cpu(), [&] {
        Task& child = kernel_.fork(task, Told{static_cast<std::uint64_t>(step.value) * us});
        if (nth != 0 || step.from == 0 || step.from >= 1000) return;
        if (tasks_.size() <= step.from) tasks_.resize(step.from + 1);
        tasks_[step.from] = &child;
      });
      return;
    case Verb::hold:
      if (task.may_migrate() && task.real_time == 0) kernel_.disable_migration(task);
      return;
    case Verb::release:
      if (!task.may_migrate()) kernel_.enable_migration(task);
      return;
    case Verb::yield:
      return kernel_.yield(task);
    case Verb::lock_rcu:
      return kernel_.lock_rcu(task);
    case Verb::unlock_rcu:
      if (task.kernel.rcu_read_lock_nesting != 0) kernel_.unlock_rcu(task);
      return;
    case Verb::fault:
      return kernel_.fault(task, true);
    case Verb::fault_ends:
      return kernel_.fault(task, false);
    default:
      return;
  }
}

void Playing::wake(const Step& step, Task& task) {
  const std::uint64_t exec_ns = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(step.value)) * us;
  if (task.state != TaskState::asleep || task.freeze) {
    if (Told* told = std::get_if<Told>(&task.behaviour)) told->more_ns += exec_ns;
    return;
  }
  task.request = {.release_ns = kernel_.now_ns(), .exec_ns = exec_ns};
  task.left_ns = exec_ns;
  const auto from = static_cast<CpuId>(step.from % story_.machine.cpus);
  Cpu& cpu = kernel_.cpu(kernel_.online().test(from) ? from : kernel_.online().first());
  kernel_.wake(task, cpu.id, step.is_sync);
  // The waker has said that it sleeps now.
  if (step.is_sync && cpu.current != nullptr) send_to_sleep(*cpu.current);
}

void Playing::set_real_time(Task& task, std::uint32_t priority) {
  if ((task.real_time == 0) != (priority == 0)) counter_.forget(task);
  kernel_.set_real_time(task, priority);
}

void Playing::act_on_unit(const Step& step) {
  if (step.subject >= story_.units.size()) return;
  const auto at = static_cast<std::uint32_t>(step.subject);
  const auto value = static_cast<std::uint64_t>(step.value);
  if (step.verb == Verb::weight) {
    if (story_.units[at].cpu_weight != 0) system_.group(at).set_weight(static_cast<std::uint32_t>(value));
    return;
  }
  if (step.verb == Verb::limit) {
    const Limit none;
    kernel_.set_limit(system_.group(at),
                      value != 0 ? Limit{.quota_ns = value * us, .period_ns = step.from * us} : none);
    return;
  }
  Unit unit = system_.daemon().unit(at);
  if (step.verb == Verb::budget) unit.budget_ns = value * us;
  if (step.verb == Verb::importance) unit.importance = static_cast<std::uint32_t>(value);
  if (step.verb == Verb::reserve) unit.reserve_permille = value;
  system_.daemon().set_unit(at, unit);
}

void Playing::act_on_cpu(const Step& step) {
  if (step.subject >= story_.machine.cpus) return;
  const auto cpu = static_cast<CpuId>(step.subject);
  const bool is_online = kernel_.online().test(cpu);
  if (step.verb == Verb::online && !is_online) kernel_.bring_online(cpu);
  if (step.verb == Verb::offline && is_online && may_go(cpu)) {
    offline_ns_ = kernel_.now_ns();
    kernel_.take_offline(cpu);
  }
}

void Playing::attach() {
  if (system_.ext().is_attached()) return;
  counter_.begin_anew();
  bypassed_until_ns_ = kernel_.now_ns() + story_.attach_us * us;
  urgent_.forgive_until(bypassed_until_ns_ + heartbeat_ns + ms);
  turn_.forgive_until(bypassed_until_ns_ + heartbeat_ns + ms);
  system_.daemon().attach();
}

void Playing::detach() {
  if (!system_.ext().is_attached()) return;
  counter_.compare(kernel_.now_ns());
  system_.daemon().detach();
}

void Playing::runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) {
  if (task.real_time != 0) real_time_ns_[cpu.id] = now_ns;
  const bool was_displaced = task.id < is_displaced_.size() && is_displaced_[task.id];
  if (was_displaced)
    is_displaced_[task.id] = false;
  else if (task.id < is_changed_.size())
    is_changed_[task.id] = false;
  if (task.sched_class == &system_.ext() && !cpu.ext.is_bypassing && task.kernel.scx.slice > slice_max_ns)
    complain("slice", now_ns, std::format("task {} has a slice of {} ns", task.id, task.kernel.scx.slice));
}

void Playing::stops(const Task& task, bool is_runnable, std::uint64_t /*now_ns*/) {
  if (!is_runnable) return;
  if (is_displaced_.size() <= task.id) is_displaced_.resize(task.id + 1);
  is_displaced_[task.id] = task.ext.dsq == &kernel_.cpu(task.cpu()).ext.local;
}

// A CPU was asked for it as it began to wait, and a real-time task woke there before the CPU had looked.
bool Playing::has_real_time_taken(const Task& task, std::uint64_t from_ns) const {
  return std::ranges::any_of(kernel_.cpus(), [&](const Cpu& cpu) {
    return cpu.id != task.cpu() && task.cpus().test(cpu.id) && real_time_ns_[cpu.id] >= from_ns &&
           real_time_ns_[cpu.id] <= from_ns + idle_max_ns;
  });
}

// What is known to take its time may not take longer.
std::string_view Playing::kind_of_idle(const Task& task, std::uint64_t from_ns) const {
  const std::uint64_t now_ns = kernel_.now_ns();
  const auto is_so = [&](const std::vector<bool>& tasks) { return task.id < tasks.size() && tasks[task.id]; };
  if (now_ns < bypassed_until_ns_ + heartbeat_ns + ms) return "idle-unknown";
  const std::string_view usual =
      has_real_time_taken(task, from_ns) && !is_so(is_displaced_) ? "idle-taken" : "idle";
  if (task.ext.dsq != nullptr && task.ext.dsq->cpu == no_cpu) return usual;
  const Task* current = kernel_.cpu(task.cpu()).current;
  const bool is_behind_real_time = current != nullptr && current->real_time != 0;
  if (offline_ns_ != 0 &&
      (now_ns < offline_ns_ + slice_max_ns + 2 * kernel_.machine().tick_ns || is_behind_real_time))
    return "idle-offline";
  if (is_so(is_displaced_) && (story_.is_6_12 || is_so(is_changed_))) return "idle-displaced";
  // Before it ran, which is no stop.
  if (story_.is_6_12 && (is_behind_real_time || real_time_ns_[task.cpu()] >= from_ns))
    return "idle-displaced";
  return usual;
}

bool Playing::hear_of_idle(const Task& task, std::uint64_t from_ns) {
  if (!system_.ext().is_attached() || task.sched_class != &system_.ext()) return false;
  const std::string_view kind = kind_of_idle(task, from_ns);
  complain(kind, from_ns, std::format("task {} waits beside an idle CPU", task.id));
  return kind == "idle";
}

void Playing::send_to_sleep(Task& task) {
  if (Told* told = std::get_if<Told>(&task.behaviour)) told->more_ns = 0;
  kernel_.cut_short(task);
}

void Playing::end_all() {
  for (std::uint32_t unit = 0; unit < system_.units(); ++unit) kernel_.set_limit(system_.group(unit), {});
  for (Task& task : kernel_.tasks()) {
    if (task.state == TaskState::dead) continue;
    kernel_.thaw(task);
    send_to_sleep(task);
  }
}

// A CPU does not go while somebody must not leave it.
bool Playing::may_go(CpuId cpu) {
  return kernel_.online().count() > 1 && std::ranges::none_of(kernel_.tasks(), [&](const Task& task) {
           return task.cpu() == cpu && !task.may_migrate();
         });
}

bool Playing::all_sleep() {
  return std::ranges::none_of(kernel_.tasks(),
                              [](const Task& task) { return task.state == TaskState::runnable; });
}

// After two more heartbeats.
void Playing::look_at_what_is_left() {
  const std::uint64_t now_ns = kernel_.now_ns();
  for (const auto& [id, dsq] : system_.ext().dsqs())
    if (dsq->size() != 0 || sim_counted_in(id) != 0)
      complain("left", now_ns,
               std::format("queue {:#x} has {} tasks and counts {}", id, dsq->size(), sim_counted_in(id)));
  for (const Cpu& cpu : kernel_.cpus()) {
    if ((sim_is_known_idle(cpu.id) != 0) != cpu.is_online)
      complain("idle-bit", now_ns,
               std::format("CPU {} is {} and known to be {}", cpu.id, cpu.is_online ? "idle" : "offline",
                           sim_is_known_idle(cpu.id) != 0 ? "idle" : "busy"));
    if (sim_cpu_class(cpu.id) != 0)
      complain("class", now_ns, std::format("CPU {} has nothing to run, and a class", cpu.id));
  }
  if (now_ns + boot_ns - system_.daemon().heartbeat_ns() > heartbeat_ns + ms)
    complain("heartbeat", now_ns, "the heartbeat is silent");
}

void Playing::look_at_end(std::uint64_t now_ns) {
  if (!all_sleep()) {
    for (const Task& task : kernel_.tasks())
      if (task.state == TaskState::runnable)
        complain("stuck", now_ns, std::format("task {} does not come to its end", task.id));
    return;
  }
  if (!system_.ext().is_attached()) return;
  kernel_.run(now_ns + 2 * heartbeat_ns + ms);
  counter_.compare(kernel_.now_ns());
  look_at_what_is_left();
}

Verdict Playing::play() {
  kernel_.run(story_.span_us * us);
  end_all();
  const std::uint64_t end_ns = kernel_.now_ns() + end_max_ns;
  while (!all_sleep() && kernel_.now_ns() < end_ns) kernel_.run(kernel_.now_ns() + 10 * ms);
  look_at_end(kernel_.now_ns());
  const ExtExit& exit = system_.ext().exit();
  if (system_.ext().asked_offline() != 0)
    complain("asked", kernel_.now_ns(), "a CPU on its way offline asked for something");
  if (exit.kind >= 1024) complain("ended", kernel_.now_ns(), exit.message);
  Verdict verdict{.complaints = complaints(), .callbacks = system_.ext().callbacks().count()};
  for (const Judge* judge : std::initializer_list<const Judge*>{
           &system_.queue_judge(), &urgent_, &floor_, &counter_, &reserve_, &turn_, &limit_, &parking_})
    verdict.complaints.insert(verdict.complaints.end(), judge->complaints().begin(),
                              judge->complaints().end());
  return verdict;
}

Verdict play(const Story& story) {
  return Playing(story).play();
}

}  // namespace slo::sim
