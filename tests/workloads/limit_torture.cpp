// SPDX-License-Identifier: GPL-2.0-only
// Tasks in groups with limits of CPU time, while these change, are frozen and thawed, and tasks are killed,
// forked and moved between them; and how long anything of that took. Each task looks itself for how long it
// could have run and did not.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <system_error>
#include <vector>

#include "guarded_main.h"
#include "limit_groups.h"

namespace slo::workload {
namespace {

constexpr std::int64_t nsec_per_usec = 1'000;
constexpr std::int64_t nsec_per_msec = 1'000'000;
constexpr std::int64_t nsec_per_sec = 1'000'000'000;
constexpr auto quota_change_every_ns = 100 * nsec_per_msec;
constexpr auto pause_ns = 15 * nsec_per_msec;
constexpr auto frozen_at_most_ns = 300 * nsec_per_msec;

// Of the crowded group always the same, by other words.
constexpr std::array one_percent{limit{1'000, 100'000}, limit{10'000, 1'000'000}};
constexpr std::array limits{limit{1'000, 100'000},    limit{1'000, 10'000},   limit{5'000, 100'000},
                            limit{10'000, 1'000'000}, limit{30'000, 100'000}, limit{150'000, 100'000}};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

std::int64_t now_ns() {
  timespec ts{};
  if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0) fail("clock_gettime");
  return ts.tv_sec * nsec_per_sec + ts.tv_nsec;
}

void sleep_until(std::int64_t instant) {
  const timespec ts{.tv_sec = instant / nsec_per_sec, .tv_nsec = instant % nsec_per_sec};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, nullptr);
}

// In memory that the task and the director share.
struct shared_part {
  std::atomic<std::int64_t> ran_ns;  // when the task last ran, or was to be woken
  std::atomic<std::int64_t> longest_gap_ns;
  std::atomic<std::uint32_t> excuses;  // raised before it goes on after it was frozen
};

struct Task {
  pid_t pid = 0;
  std::size_t group = 0;
  std::int64_t killed_ns = 0;  // 0: it is not to end
};

// What a task does: works, looks at the clock, and sleeps at times.
class Worker {
 public:
  Worker(shared_part& part, std::uint32_t seed) : part_(part), dice_(seed) {}

  [[noreturn]] void run() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
      const auto until = now_ns() + below(3'000) * nsec_per_usec;
      while (ran() < until) {
      }
      if (below(2) == 0) continue;
      const auto wake = now_ns() + below(5'000) * nsec_per_usec;
      part_.ran_ns.store(wake);
      sleep_until(wake);
    }
  }

 private:
  std::int64_t below(std::int64_t end) {
    return static_cast<std::int64_t>(dice_() % static_cast<std::uint32_t>(end));
  }

  std::int64_t ran() {
    const auto now = now_ns();
    const auto gap = now - part_.ran_ns.load();
    const auto excuses = part_.excuses.load();
    if (excuses == excuses_ && gap > part_.longest_gap_ns.load()) part_.longest_gap_ns.store(gap);
    excuses_ = excuses;
    part_.ran_ns.store(now);
    return now;
  }

  shared_part& part_;
  std::minstd_rand dice_;
  std::uint32_t excuses_ = part_.excuses.load();
};

struct options {
  std::int64_t seconds = 60;
  std::size_t crowd = 200;
  std::size_t movers = 40;
  std::size_t groups = 2000;
  std::uint32_t seed = 1;
};

struct figures {
  std::int64_t kills = 0, longest_kill_ns = 0, freezes = 0, longest_freeze_ns = 0, moves = 0,
               quota_changes = 0;
};

class Torture {
 public:
  explicit Torture(const options& opts)
      : opts_(opts), groups_(opts.groups), tasks_(opts.crowd + opts.movers), dice_(opts.seed) {
    void* const memory = mmap(nullptr, tasks_.size() * sizeof(shared_part), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    parts_ = {static_cast<shared_part*>(memory), tasks_.size()};
    for (std::size_t i = 0; i < tasks_.size(); ++i)
      begin(i, i < opts.crowd ? LimitedGroups::crowded : any_group());
  }

  void run() {
    const auto end = now_ns() + opts_.seconds * nsec_per_sec;
    auto quota_change = now_ns();
    for (auto now = now_ns(); now < end; now = now_ns()) {
      act();
      look_at_freezes();
      reap(true);
      for (; quota_change <= now; quota_change += quota_change_every_ns) change_quota();
      sleep_until(now + pause_ns);
    }
    finish();
  }

  void print() const {
    const auto gap = [](const shared_part& part) { return part.longest_gap_ns.load(); };
    const nlohmann::ordered_json out = {
        {"kills", told_.kills},
        {"longest_kill_ns", told_.longest_kill_ns},
        {"freezes", told_.freezes},
        {"longest_freeze_ns", told_.longest_freeze_ns},
        {"moves", told_.moves},
        {"quota_changes", told_.quota_changes},
        {"longest_gap_ns", gap(*std::ranges::max_element(parts_, {}, gap))},
    };
    std::printf("%s\n", out.dump().c_str());
  }

 private:
  std::size_t below(std::size_t end) { return dice_() % end; }
  std::size_t any_group() { return 1 + below(groups_.all.size() - 1); }
  // The tight ones half of the time.
  std::size_t likely_group() { return below(2) == 0 ? below(LimitedGroups::tight + 1) : any_group(); }

  void begin(std::size_t index, std::size_t group) {
    auto& part = parts_[index];
    tasks_[index] = {.group = group};
    excuse(part);
    const int directory = open(groups_.all[group].path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) fail("open a group");
    clone_args args{};
    args.flags = CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = static_cast<std::uint64_t>(directory);
    const auto seed = static_cast<std::uint32_t>(dice_());
    const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
    if (pid < 0) fail("clone3");
    if (pid == 0) Worker(part, seed).run();
    close(directory);
    tasks_[index].pid = pid;
  }

  void act() {
    switch (below(4)) {
      case 0:
        return kill_some(1 + below(4));
      case 1:
        return freeze(likely_group());
      default:
        return move(opts_.crowd + below(opts_.movers));
    }
  }

  void kill_some(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) end(tasks_[below(tasks_.size())]);
  }

  static void end(Task& task) {
    if (task.killed_ns != 0) return;
    task.killed_ns = now_ns();
    if (kill(task.pid, SIGKILL) != 0) fail("kill");
  }

  // begins_anew: there is another task instead of each that has ended.
  void reap(bool begins_anew) {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      auto& task = tasks_[i];
      if (task.killed_ns == 0 || task.pid == 0 || waitpid(task.pid, nullptr, WNOHANG) != task.pid) continue;
      ++told_.kills;
      told_.longest_kill_ns = std::max(told_.longest_kill_ns, now_ns() - task.killed_ns);
      task.pid = 0;
      if (begins_anew) begin(i, task.group);
    }
  }

  void move(std::size_t index) {
    const auto target = likely_group();
    auto& task = tasks_[index];
    if (groups_.all[target].asked_ns != 0 || groups_.all[task.group].asked_ns != 0) return;
    groups_.all[target].take(task.pid);
    task.group = target;
    ++told_.moves;
  }

  // What it has not run up to now is no gap.
  static void excuse(shared_part& part) {
    part.excuses.fetch_add(1);
    part.ran_ns.store(now_ns());
  }

  void freeze(std::size_t index) {
    auto& group = groups_.all[index];
    if (group.asked_ns != 0) return;
    group.asked_ns = now_ns();
    group.frozen_ns = 0;
    group.freeze(true);
    frozen_.push_back(index);
  }

  void look_at_freezes() {
    const auto is_over = [this](std::size_t index) { return goes_on(index); };
    std::erase_if(frozen_, is_over);
  }

  // Notes that it is frozen, and lets it go on after a while.
  bool goes_on(std::size_t index) {
    auto& group = groups_.all[index];
    const auto now = now_ns();
    if (group.frozen_ns == 0) {
      if (!group.is_frozen()) return false;
      ++told_.freezes;
      told_.longest_freeze_ns = std::max(told_.longest_freeze_ns, now - group.asked_ns);
      group.frozen_ns = now;
      group.thawing_ns = now + static_cast<std::int64_t>(below(frozen_at_most_ns));
    }
    if (now < group.thawing_ns) return false;
    thaw(index);
    return true;
  }

  void thaw(std::size_t index) {
    auto& group = groups_.all[index];
    for (std::size_t i = 0; i < tasks_.size(); ++i)
      if (tasks_[i].group == index) excuse(parts_[i]);
    group.freeze(false);
    group.asked_ns = 0;
  }

  void change_quota() {
    const auto index = likely_group();
    const bool is_crowded = index == LimitedGroups::crowded;
    groups_.all[index].set_limit(is_crowded ? one_percent[below(one_percent.size())]
                                            : limits[below(limits.size())]);
    ++told_.quota_changes;
  }

  // Whoever waits still has waited for so long at least; then all are killed at once.
  void finish() {
    for (const auto index : frozen_) thaw(index);
    const auto now = now_ns();
    for (auto& part : parts_)
      part.longest_gap_ns.store(std::max(part.longest_gap_ns.load(), now - part.ran_ns.load()));
    for (auto& task : tasks_) end(task);
    while (std::ranges::any_of(tasks_, [](const Task& task) { return task.pid != 0; })) {
      reap(false);
      sleep_until(now_ns() + nsec_per_msec);
    }
  }

  options opts_;
  LimitedGroups groups_;
  std::vector<Task> tasks_;
  std::span<shared_part> parts_;
  std::vector<std::size_t> frozen_;  // or about to be
  std::minstd_rand dice_;
  figures told_;
};

}  // namespace
}  // namespace slo::workload

int main(int argc, char** argv) {
  using namespace slo::workload;
  options opts;
  CLI::App app(
      "Tasks in groups with limits, that are killed, frozen and moved; run in a delegated control group");
  app.add_option("--seconds", opts.seconds, "For so long")->check(CLI::Range(1, 36'000));
  app.add_option("--crowd", opts.crowd, "Tasks in a group of 1%")->check(CLI::Range(1, 10'000));
  app.add_option("--movers", opts.movers, "Tasks that are moved between the other groups")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--groups", opts.groups, "Groups with a limit")->check(CLI::Range(6, 4'000));
  app.add_option("--seed", opts.seed, "Of what is chosen");
  CLI11_PARSE(app, argc, argv);
  return guarded_main("limit_torture", [&] {
    Torture torture(opts);
    torture.run();
    torture.print();
    return 0;
  });
}
