// SPDX-License-Identifier: GPL-2.0-only
#include "script.h"

#include <algorithm>
#include <utility>

#include "../machine/types.h"

namespace slo::sim {
namespace {

// After it no CPU has anything to run.
std::optional<std::size_t> first_all_idle(const CallbackLog& log) {
  std::vector<bool> is_idle(log.cpus, false);
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const LoggedEvent& event = log.events[i];
    if (event.kind == LoggedKind::update_idle) is_idle[event.cpu] = event.value != 0;
    if (event.kind == LoggedKind::running) is_idle[event.cpu] = false;
    if (std::ranges::find(is_idle, false) == is_idle.end()) return i;
  }
  return {};
}

// Between two wakeups by one interrupt there is less.
constexpr std::uint64_t interrupt_gap_ns = 20'000;

// What a cost is where nothing else came in between, which only adds to it.
std::uint64_t lower_quartile(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  const auto quartile = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 4);
  std::ranges::nth_element(values, quartile);
  return *quartile;
}

class Reader {
 public:
  // costs: those of the log, as far as they are known.
  Reader(const CallbackLog& log, const LoggedCosts& costs) : log_(log), costs_(costs), cpus_(log.cpus) {}

  LoggedScripts read(std::size_t begin) {
    scripts_.begin = begin;
    for (std::size_t i = begin; i < log_.events.size(); ++i) take(log_.events[i]);
    scripts_.costs = {.switch_ns = lower_quartile(switches_ns_),
                      .kick_ns = lower_quartile(kicks_ns_),
                      .tick_ns = lower_quartile(ticks_ns_)};
    return std::move(scripts_);
  }

 private:
  struct Cpu {
    std::uint32_t tid = 0;         // what runs
    std::uint64_t look_ns = 0;     // when it began to look what to run; 0: it does not
    bool had_task = false;         // then
    bool is_in_interrupt = false;  // which woke somebody at interrupt_ns
    std::uint64_t interrupt_ns = 0;
    std::uint64_t woke_ns = 0;  // the last one
    std::uint64_t tick_ns = 0;  // of the last event, if it was one
  };
  struct Task {
    bool is_awake = false;
    std::uint64_t since_ns = 0;
    std::uint64_t exec_ns = 0;  // since the last step
  };

  // Whom one interrupt wakes, it wakes before its CPU looks.
  void take(const LoggedEvent& event) {
    Cpu& cpu = cpus_[event.cpu];
    if (event.kind == LoggedKind::dispatch && cpu.is_in_interrupt && cpu.tid != 0)
      kicks_ns_.push_back(event.time_ns - cpu.interrupt_ns);
    if (event.kind == LoggedKind::dispatch && cpu.tick_ns != 0)
      ticks_ns_.push_back(event.time_ns - cpu.tick_ns);
    cpu.tick_ns = event.kind == LoggedKind::tick ? event.time_ns : 0;
    if (event.kind != LoggedKind::select_cpu && event.kind != LoggedKind::enqueue &&
        event.kind != LoggedKind::waking)
      cpu.is_in_interrupt = false;
    note_look(cpu, event);
    switch (event.kind) {
      case LoggedKind::select_cpu:
        return wakes(event, (event.value & bpf::SCX_WAKE_SYNC) != 0);
      case LoggedKind::enqueue:
      case LoggedKind::waking:
        return wakes(event, false);
      case LoggedKind::running:
        return runs(event);
      case LoggedKind::stopping:
        return stops(event.tid, event);
      case LoggedKind::switches: {
        LoggedEvent stop = event;
        stop.value = event.value & ((1U << stopped_bits) - 1);
        stops(static_cast<std::uint32_t>(event.value >> stopped_bits), stop);
        return runs(event);
      }
      case LoggedKind::enable:
        if (!tasks_.contains(event.tid)) scripts_.forks.push_back(event);
        tasks_[event.tid];
        return;
      case LoggedKind::tick:
        // The model makes the task pay for it.
        tasks_[event.tid].since_ns += costs_.tick_ns;
        return;
      default:
        return;
    }
  }

  // A look begins with the first callback that comes of it, and ends where a task runs or the CPU is idle.
  // One that changes nothing is none.
  void note_look(Cpu& cpu, const LoggedEvent& event) {
    const bool is_of_look = event.kind == LoggedKind::dispatch || event.kind == LoggedKind::stopping ||
                            event.kind == LoggedKind::running || event.kind == LoggedKind::switches;
    const bool goes_on = event.kind == LoggedKind::tick || (cpu.tid != 0 && !is_of_look);
    if (goes_on || (event.kind == LoggedKind::update_idle && event.value != 0)) {
      cpu.look_ns = 0;
    } else if (cpu.look_ns == 0) {
      cpu.look_ns = event.time_ns;
      cpu.had_task = cpu.tid != 0;
    }
  }

  // One that is awake already is put into another queue.
  void wakes(const LoggedEvent& event, bool is_sync) {
    if (tasks_[event.tid].is_awake) return;
    tasks_[event.tid].is_awake = true;
    if (event.by == 0 || cpus_[event.cpu].tid != event.by) {
      Cpu& cpu = cpus_[event.cpu];
      if (!std::exchange(cpu.is_in_interrupt, true) || event.time_ns - cpu.woke_ns > interrupt_gap_ns)
        cpu.interrupt_ns = event.time_ns;
      cpu.woke_ns = event.time_ns;
      scripts_.wakeups.push_back({cpu.interrupt_ns, event.tid, event.cpu, is_sync});
      return;
    }
    count(event.by, event.time_ns);
    end_step(event.by, {.then = LoggedStep::Then::wake, .tid = event.tid, .is_sync = is_sync});
  }

  void runs(const LoggedEvent& event) {
    Cpu& cpu = cpus_[event.cpu];
    if (event.tid == 0 || cpu.tid == event.tid) return;
    if (cpu.tid != 0) count(cpu.tid, cpu.look_ns);
    cpu.tid = event.tid;
    tasks_[event.tid].is_awake = true;
    // What is over or under the usual cost of a switch is taken for the task's own.
    tasks_[event.tid].since_ns = cpu.look_ns + costs_.switch_ns;
    if (cpu.had_task) switches_ns_.push_back(event.time_ns - cpu.look_ns);
    cpu.look_ns = 0;
  }

  void stops(std::uint32_t tid, const LoggedEvent& event) {
    Cpu& cpu = cpus_[event.cpu];
    if (!tasks_[tid].is_awake) return;
    if (cpu.tid == tid) {
      count(tid, cpu.look_ns);
      cpu.tid = 0;
    }
    if ((event.value & stopped_asleep) == 0) return;
    tasks_[tid].is_awake = false;
    end_step(tid,
             {.then = (event.value & stopped_dead) != 0 ? LoggedStep::Then::exit : LoggedStep::Then::sleep});
  }

  void count(std::uint32_t tid, std::uint64_t now_ns) {
    Task& task = tasks_[tid];
    task.exec_ns += now_ns - std::min(now_ns, task.since_ns);
    task.since_ns = std::max(now_ns, task.since_ns);
  }

  void end_step(std::uint32_t tid, LoggedStep step) {
    step.exec_ns = std::exchange(tasks_[tid].exec_ns, 0);
    scripts_.steps[tid].push_back(step);
  }

  const CallbackLog& log_;
  LoggedCosts costs_;
  LoggedScripts scripts_;
  std::vector<Cpu> cpus_;
  std::map<std::uint32_t, Task> tasks_;
  std::vector<std::uint64_t> switches_ns_;
  std::vector<std::uint64_t> kicks_ns_;
  std::vector<std::uint64_t> ticks_ns_;
};

}  // namespace

std::optional<LoggedScripts> scripts_of(const CallbackLog& log) {
  const auto idle = first_all_idle(log);
  if (!idle) return {};
  return Reader(log, Reader(log, {}).read(*idle + 1).costs).read(*idle + 1);
}

}  // namespace slo::sim
