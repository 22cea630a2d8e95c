// SPDX-License-Identifier: GPL-2.0-only
#include "load.h"

#include <algorithm>
#include <array>
#include <exception>
#include <format>
#include <functional>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t us = 1'000;
constexpr std::uint64_t ms = 1'000'000;
// The kernel takes CPUs for idle that have not been since the scheduler came, until after its first
// heartbeat.
constexpr std::uint64_t quiet_ns = 110 * ms;

template <std::size_t size>
std::uint64_t one_of(Random& random, const std::array<std::uint64_t, size>& values) {
  return values[below(random, size)];
}

// Periods are multiples of each other, so that many wake at one instant.
Behaviour short_jobs(Random& random) {
  const std::uint64_t period_ns = one_of(random, std::array{100 * us, 200 * us, 400 * us, 2'000 * us});
  const std::uint64_t exec_ns = 1 * us + below(random, period_ns / 2);
  switch (below(random, 4)) {
    case 0:
      return BackToBack{.exec_ns = exec_ns, .pause_ns = one_of(random, std::array{us, 10 * us, 100 * us})};
    case 1:
      return Periodic{.exec_ns = exec_ns, .period_ns = period_ns, .jitter_ns = 5 * us};
    default:
      return Periodic{.exec_ns = exec_ns, .period_ns = period_ns};
  }
}

std::vector<std::uint32_t> some_cpus(Random& random, std::uint32_t cpus) {
  std::vector<std::uint32_t> some;
  if (below(random, 4) != 0) return some;
  for (std::uint64_t i = 0; i <= below(random, 2); ++i)
    some.push_back(static_cast<std::uint32_t>(below(random, cpus)));
  return some;
}

Workload draw_workload(Random& random, std::uint32_t cpus) {
  Workload workload{.name = "exaggerated", .units = {}, .tasks = {}};
  const auto add = [&](std::uint64_t count, const Unit& unit, const std::function<Behaviour()>& behaviour) {
    const auto index = static_cast<std::uint32_t>(workload.units.size());
    workload.units.push_back(unit);
    for (std::uint64_t i = 0; i < count; ++i)
      workload.tasks.push_back({.unit = index, .cpus = some_cpus(random, cpus), .behaviour = behaviour()});
  };
  const auto jobs = [&] { return short_jobs(random); };
  for (std::uint64_t i = 0; i < 2 + below(random, 3); ++i)
    add(1 + below(random, cpus),
        {.name = "budget", .budget_ns = one_of(random, std::array{50 * us, ms, 10 * ms})}, jobs);
  add(1 + below(random, 3), {.name = "reserve", .budget_ns = ms, .reserve_permille = 50 + below(random, 200)},
      jobs);
  add(1 + below(random, cpus), {.name = "best effort", .cpu_weight = 100}, jobs);
  if (below(random, 2) != 0) add(below(random, cpus), {.name = "batch"}, [] { return Hog{}; });
  if (below(random, 2) != 0) {
    add(1, {.name = "real-time"}, [&] { return Periodic{.exec_ns = 50 * us, .period_ns = 400 * us}; });
    workload.tasks.back().real_time = 10;
  }
  return workload;
}

Machine draw_machine(Random& random, std::uint32_t cpus) {
  return {.cpus = cpus,
          .cache_cpus = std::max(1U, cpus >> below(random, 3)),
          .threads = cpus % 2 == 0 && below(random, 4) == 0 ? 2U : 1U};
}

// What happens to a machine beside its work, one thing after the other.
class Changes {
 public:
  Changes(System& system, std::uint32_t units, std::uint64_t seed)
      : system_(system), units_(units), random_(seed) {}

  void plan_next() {
    system_.kernel().plan(system_.kernel().now_ns() + below(random_, 400 * us), [this] {
      happen();
      plan_next();
    });
  }

 private:
  void change_budget(std::uint32_t unit) {
    Unit settings = system_.daemon().unit(unit);
    settings.budget_ns = one_of(random_, std::array{0 * us, 100 * us, 5 * ms});
    system_.daemon().set_unit(unit, settings);
  }

  void happen() {
    Kernel& kernel = system_.kernel();
    Task& task = kernel.tasks()[below(random_, kernel.tasks().size())];
    if (task.state == TaskState::dead) return;
    switch (below(random_, 9)) {
      case 0:
      case 1:
        return kernel.set_affinity(task, draw_cpus());
      case 2:
      case 3:
        return change_budget(static_cast<std::uint32_t>(below(random_, units_)));
      case 4:
        return kernel.set_nice(task, static_cast<int>(below(random_, 40)) - 20);
      case 5:
        return kernel.set_real_time(task, below(random_, 4) == 0 ? 5 : 0);
      case 6:
        if (kernel.tasks().size() < 200) kernel.fork(task, short_jobs(random_));
        return;
      case 7:
        return kernel.move_to_group(task, system_.group(static_cast<std::uint32_t>(below(random_, units_))));
      default:
        return come_or_go(static_cast<CpuId>(below(random_, kernel.machine().cpus)));
    }
  }

  CpuMask draw_cpus() {
    const CpuMask all = system_.kernel().shape().all();
    CpuMask some;
    for (CpuId cpu = 0; cpu < system_.kernel().machine().cpus; ++cpu) some.set(cpu, below(random_, 2) != 0);
    return some.any() && (some & system_.kernel().online()).any() ? some : all;
  }

  void come_or_go(CpuId cpu) {
    Kernel& kernel = system_.kernel();
    if (!kernel.online().test(cpu))
      kernel.bring_online(cpu);
    else if (kernel.online().count() > 1)
      kernel.take_offline(cpu);
  }

  System& system_;
  std::uint32_t units_;
  Random random_;
};

// Keeps how a wait beside an idle CPU began that was longer than it may be.
class LongWait final : public Observer {
 public:
  LongWait(const IdleJudge& judge, const Interleaving& interleaving, std::uint64_t most_ns)
      : judge_(judge), interleaving_(interleaving), most_ns_(most_ns) {}

  void looks(std::uint64_t /*now_ns*/) override {
    if (judge_.longest_ns() <= most_ns_ || !complaint_.empty()) return;
    complaint_ = std::format("{:.6f} ms: task {} has waited for {} us beside an idle CPU",
                             static_cast<double>(judge_.longest_at_ns()) / 1e6, judge_.longest_task(),
                             judge_.longest_ns() / us);
    story_ = interleaving_.story(judge_.longest_at_ns() - judge_.longest_ns() + 5 * us);
  }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  [[nodiscard]] const std::vector<std::string>& story() const { return story_; }

 private:
  const IdleJudge& judge_;
  const Interleaving& interleaving_;
  std::uint64_t most_ns_;
  std::string complaint_;
  std::vector<std::string> story_;
};

}  // namespace

ExaggeratedRun run_exaggerated(const Exaggeration& what) {
  Random random(what.seed);
  const Workload workload = draw_workload(random, what.cpus);
  System system({.machine = draw_machine(random, what.cpus), .workload = workload, .seed = what.seed}, {});
  system.daemon().attach();
  system.kernel().run(quiet_ns);
  Interleaving::Settings settings = settings_of_seed(what.seed);
  settings.is_weak = what.is_weak;
  Interleaving interleaving(system.kernel(), settings);
  IdleJudge idle(system.kernel());
  LongWait long_wait(idle, interleaving, 2 * settings.window_ns + 20 * us);
  if (!what.has_changes) system.kernel().watch(long_wait);
  Changes changes(system, static_cast<std::uint32_t>(workload.units.size()), what.seed);
  if (what.has_changes) changes.plan_next();
  ExaggeratedRun run;
  const auto complain = [&](const std::string& complaint) {
    if (run.complaints.empty()) run.story = interleaving.story();
    run.complaints.push_back(complaint);
  };
  try {
    while (interleaving.counts().events < what.events && run.complaints.empty() &&
           long_wait.complaint().empty() && system.ext().is_attached()) {
      system.kernel().run(system.kernel().now_ns() + 100 * us);
      for (const Complaint& complaint : system.queue_judge().complaints()) complain(complaint.what);
    }
  } catch (const std::exception& error) {
    complain(error.what());
  }
  if (system.ext().exit().kind != 0)
    complain("the kernel ended the scheduler: " + system.ext().exit().message);
  if (!long_wait.complaint().empty()) {
    complain(long_wait.complaint());
    run.story = long_wait.story();
  }
  run.counts = interleaving.counts();
  run.callbacks = system.ext().callbacks().count();
  return run;
}

}  // namespace slo::sim
