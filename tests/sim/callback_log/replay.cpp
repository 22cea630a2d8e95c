// SPDX-License-Identifier: GPL-2.0-only
#include "replay.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "../simulate.h"
#include "script.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t tick_ns = 4 * SLO_NSEC_PER_MSEC;
// So long the machine is up, with the scheduler attached, when the log begins: it knows then who is idle.
constexpr std::uint64_t warm_up_ns = 2 * SLO_NSEC_PER_SEC;
// Of a hog, and of a task that had not done when the log ended.
constexpr std::uint64_t for_ever_ns = SLO_NSEC_PER_SEC * 3600;
constexpr std::uint64_t far_away_ns = std::uint64_t{1} << 60;
constexpr std::uint32_t autogroup_weight = 100;
constexpr int normal_prio = 120;

// What a log does not have of a callback, or the model not.
bool is_compared(LoggedKind kind) {
  return kind != LoggedKind::waking && kind != LoggedKind::switches;
}

std::optional<LoggedKind> kind_of(Op op) {
  switch (op) {
    case Op::select_cpu:
      return LoggedKind::select_cpu;
    case Op::enqueue:
      return LoggedKind::enqueue;
    case Op::dispatch:
      return LoggedKind::dispatch;
    case Op::update_idle:
      return LoggedKind::update_idle;
    case Op::running:
      return LoggedKind::running;
    case Op::tick:
      return LoggedKind::tick;
    case Op::stopping:
      return LoggedKind::stopping;
    case Op::enable:
      return LoggedKind::enable;
    case Op::disable:
      return LoggedKind::disable;
    default:
      return {};
  }
}

// The groups of a log, as units: the first one stands for the root. Where nobody asked for the cpu controller
// the kernel groups by session, and systemd gives each service one.
Workload workload_of(const CallbackLog& log) {
  Workload workload{.name = "callbacks", .units = {{.name = "root"}}, .tasks = {}};
  std::unordered_map<std::string, std::uint32_t> known = {{"", no_unit}};
  for (const LoggedGroup& group : log.groups) {
    if (group.path.empty()) continue;
    const bool has_tasks = std::ranges::find(log.tasks, group.id, &LoggedTask::group) != log.tasks.end();
    const auto above = known.find(group.path.substr(0, group.path.rfind('/')));
    known[group.path] = static_cast<std::uint32_t>(workload.units.size());
    workload.units.push_back({.name = group.path,
                              .budget_ns = group.budget_ns,
                              .max_exec_ns = group.max_exec_ns,
                              .bounds_response = (group.flags & SLO_CFG_RESPONSE) != 0,
                              .importance = group.importance,
                              .cpu_weight = group.weight != 0 || !has_tasks ? group.weight : autogroup_weight,
                              .is_cpu_idle = group.is_idle,
                              .slice = above != known.end() ? above->second : no_unit});
  }
  return workload;
}

// Model time minus time of the log: ticks are at the same instants in both.
std::int64_t shift_of(const CallbackLog& log, std::size_t begin) {
  const auto start_ns = static_cast<std::int64_t>(log.events[begin].time_ns);
  std::int64_t first_ns = INT64_MAX;  // the least late of all ticks, which interrupts delay
  std::int64_t phase_ns = 0;
  for (const LoggedEvent& event : log.events) {
    if (event.kind != LoggedKind::tick) continue;
    const auto at_ns = static_cast<std::int64_t>(event.time_ns);
    if (first_ns == INT64_MAX) first_ns = at_ns;
    const auto half = static_cast<std::int64_t>(tick_ns / 2);
    const std::int64_t late_ns = (at_ns - first_ns + half) % static_cast<std::int64_t>(tick_ns) - half;
    phase_ns = std::min(phase_ns, late_ns);
  }
  std::int64_t shift_ns = static_cast<std::int64_t>(warm_up_ns) - start_ns;
  if (first_ns != INT64_MAX)
    shift_ns -= (first_ns + phase_ns + shift_ns) % static_cast<std::int64_t>(tick_ns);
  return shift_ns;
}

class Driver final : public Observer {
 public:
  Driver(const CallbackLog& log, LoggedScripts scripts)
      : log_(log),
        scripts_(std::move(scripts)),
        shift_ns_(shift_of(log, scripts_.begin)),
        system_({.machine = {.cpus = log.cpus,
                             .ticks_staggered = false,
                             .switch_ns = scripts_.costs.switch_ns,
                             .kick_ns = scripts_.costs.kick_ns,
                             .wakeup_ns = 0,
                             .tick_cost_ns = scripts_.costs.tick_ns},
                 .workload = workload_of(log)},
                {}) {
    for (const LoggedGroup& group : log.groups)
      if (!group.path.empty()) units_.emplace(group.id, static_cast<std::uint32_t>(units_.size()) + 1);
    system_.kernel().watch(*this);
    system_.ext().callbacks().on_call() = [this](Op op, const Task* about, bool flag) {
      hears(op, about, flag);
    };
    warm_up();
    plan();
  }

  // attach_ns: when the scheduler is attached, which decides when its heartbeat comes.
  std::vector<LoggedEvent> run(std::uint64_t attach_ns) {
    system_.kernel().run(attach_ns);
    system_.daemon().attach();
    system_.kernel().run(model_ns(log_.events.back().time_ns) + 1);
    return std::move(called_);
  }
  [[nodiscard]] const ExtExit& exit() { return system_.ext().exit(); }

  // Asked before the task is asked for its next request.
  void ends_request(const Task& task, std::uint64_t now_ns) override {
    const auto found = driven_.find(task.id);
    if (found == driven_.end()) return;
    Driven& driven = *found->second;
    const LoggedStep* step = driven.present();
    if (step != nullptr && step->then == LoggedStep::Then::wake)
      wake(step->tid, system_.kernel().here().id, step->is_sync);
    driven.go_on(now_ns);
  }

 private:
  // A task, and its requests as they become known: far away while it sleeps until somebody wakes it.
  struct Driven {
    const std::vector<LoggedStep>* steps = nullptr;
    Task* task = nullptr;
    std::shared_ptr<std::vector<Request>> requests = std::make_shared<std::vector<Request>>();
    std::size_t at = 0;
    std::uint64_t pending = 0;  // wakeups that came before it slept

    [[nodiscard]] const LoggedStep* present() const {
      return steps != nullptr && at < steps->size() ? &(*steps)[at] : nullptr;
    }
    void want(std::uint64_t release_ns) {
      const LoggedStep* step = present();
      requests->push_back(
          {release_ns, step != nullptr ? std::max<std::uint64_t>(step->exec_ns, 1) : for_ever_ns});
    }
    void go_on(std::uint64_t now_ns) {
      const LoggedStep* done = present();
      if (done == nullptr || done->then == LoggedStep::Then::exit) return;
      ++at;
      const bool sleeps = done->then == LoggedStep::Then::sleep && pending == 0;
      if (done->then == LoggedStep::Then::sleep && pending != 0) --pending;
      want(sleeps ? far_away_ns : now_ns);
    }
  };

  [[nodiscard]] std::uint64_t model_ns(std::uint64_t log_ns) const {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(log_ns) + shift_ns_);
  }

  // A little best effort before the log, as on a machine that has been up for a while: the scheduler knows
  // from it what weight is runnable on average, of all tasks and of the groups.
  void warm_up() {
    auto requests = std::make_shared<std::vector<Request>>();
    for (std::uint64_t at_ns = 0; at_ns < warm_up_ns; at_ns += 100 * SLO_NSEC_PER_MSEC)
      requests->push_back({at_ns, 10 * SLO_NSEC_PER_MSEC});
    system_.kernel().spawn(Replay{.requests = requests}, system_.kernel().root(), 0);
  }

  // Tasks that are forked later begin then; what an interrupt does comes when it came.
  void plan() {
    Kernel& kernel = system_.kernel();
    for (const LoggedTask& task : log_.tasks) {
      if (by_tid_.contains(task.tid)) {
        kernel.plan(model_ns(task.time_ns), [this, task] { move(task); });
        continue;
      }
      Driven& driven = *by_tid_.emplace(task.tid, std::make_unique<Driven>()).first->second;
      const auto steps = scripts_.steps.find(task.tid);
      if (steps != scripts_.steps.end()) driven.steps = &steps->second;
      if (std::ranges::find(scripts_.forks, task.tid, &LoggedEvent::tid) == scripts_.forks.end())
        spawn(task);
      else
        kernel.plan(model_ns(task.time_ns), [this, task] { spawn(task); });
    }
    for (const LoggedWakeup& wakeup : scripts_.wakeups)
      kernel.plan(model_ns(wakeup.time_ns), [this, wakeup] { wake(wakeup.tid, wakeup.cpu, wakeup.is_sync); });
  }

  [[nodiscard]] std::uint32_t unit_of(std::uint64_t group) const {
    const auto found = units_.find(group);
    return found != units_.end() ? found->second : 0;
  }
  [[nodiscard]] Group& group_of(std::uint32_t unit) {
    return unit != 0 ? system_.group(unit) : system_.kernel().root();
  }

  void spawn(const LoggedTask& logged) {
    Kernel& kernel = system_.kernel();
    Driven& driven = *by_tid_.at(logged.tid);
    const std::uint32_t unit = unit_of(logged.group);
    driven.want(far_away_ns);
    tids_[static_cast<TaskId>(kernel.tasks().size())] = logged.tid;  // it has callbacks before it is known
    kernel.on_cpu(logged.cpu, [&] {
      driven.task = &kernel.spawn(Replay{.requests = driven.requests}, group_of(unit), unit);
    });
    Task& task = *driven.task;
    driven_[task.id] = &driven;
    kernel.set_cpu(task, logged.cpu);
    task.kernel.flags |= logged.flags & PF_KTHREAD;
    if (logged.tid == 1) task.kernel.tgid = 1;
    const int nice = static_cast<int>(logged.prio) - normal_prio;
    if (logged.prio < MAX_RT_PRIO)
      kernel.set_real_time(
          task, static_cast<std::uint32_t>(std::clamp(99 - logged.prio, std::int64_t{1}, std::int64_t{99})));
    else if (nice != 0)
      kernel.set_nice(task, nice);
    CpuMask cpus;
    for (CpuId cpu = 0; cpu < log_.cpus; ++cpu) cpus.set(cpu, (logged.cpus >> cpu & 1) != 0);
    if (cpus.any() && cpus.count() < log_.cpus) kernel.set_affinity(task, cpus);
  }

  void move(const LoggedTask& logged) {
    if (Task* task = by_tid_.at(logged.tid)->task)
      system_.kernel().move_to_group(*task, group_of(unit_of(logged.group)));
  }

  void wake(std::uint32_t tid, std::uint32_t from, bool is_sync) {
    const auto found = by_tid_.find(tid);
    if (found == by_tid_.end() || found->second->task == nullptr) return;
    Driven& driven = *found->second;
    if (driven.task->state == TaskState::asleep)
      system_.kernel().wake(*driven.task, from, is_sync);
    else
      ++driven.pending;
  }

  void hears(Op op, const Task* about, bool flag) {
    const auto kind = kind_of(op);
    Kernel& kernel = system_.kernel();
    if (!kind || kernel.now_ns() < model_ns(log_.events[scripts_.begin].time_ns)) return;
    const bool is_of_task =
        *kind == LoggedKind::running || *kind == LoggedKind::tick || *kind == LoggedKind::stopping;
    const std::uint64_t asleep = about != nullptr && about->state != TaskState::runnable ? stopped_asleep : 0;
    std::uint64_t value = flag ? 1 : 0;
    if (*kind == LoggedKind::stopping && !flag) value = asleep;
    const auto tid = about != nullptr ? tids_.find(about->id) : tids_.end();
    called_.push_back(
        {.time_ns = static_cast<std::uint64_t>(static_cast<std::int64_t>(kernel.now_ns()) - shift_ns_),
         .kind = *kind,
         .cpu = is_of_task ? about->cpu() : kernel.here().id,
         .tid = tid != tids_.end() ? tid->second : 0,
         .value = value,
         .by = 0});
  }

  const CallbackLog& log_;
  LoggedScripts scripts_;
  std::int64_t shift_ns_;
  System system_;
  std::unordered_map<std::uint64_t, std::uint32_t> units_;  // by the id of the cgroup
  std::unordered_map<std::uint32_t, std::unique_ptr<Driven>> by_tid_;
  std::unordered_map<TaskId, Driven*> driven_;
  std::unordered_map<TaskId, std::uint32_t> tids_;
  std::vector<LoggedEvent> called_;
};

}  // namespace

Result<Replayed> replay(const CallbackLog& log, const std::string& path, std::uint64_t attach_ns) {
  auto scripts = scripts_of(log);
  if (!scripts || scripts->begin >= log.events.size())
    return std::unexpected(Error{"replay", path, 0, "a log begins while all CPUs are idle"});
  const std::size_t begin = scripts->begin;
  Driver driver(log, std::move(*scripts));
  Replayed replayed;
  replayed.model = driver.run(attach_ns);
  if (driver.exit().kind != 0)
    return std::unexpected(
        Error{"replay", path, 0, "the model ended the scheduler: " + driver.exit().message});
  for (LoggedEvent event :
       std::vector(log.events.begin() + static_cast<std::ptrdiff_t>(begin), log.events.end())) {
    if (!is_compared(event.kind)) continue;
    if (event.kind == LoggedKind::stopping)
      event.value &= stopped_runnable | stopped_asleep;
    else if (event.kind != LoggedKind::update_idle)
      event.value = 0;
    replayed.kernel.push_back(event);
  }
  return replayed;
}

}  // namespace slo::sim
