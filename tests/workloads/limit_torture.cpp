// SPDX-License-Identifier: GPL-2.0-only
// Tasks in groups with limits of CPU time, while these change, are frozen and thawed, and tasks are killed,
// forked and moved between them; how long anything of that took, and for how long a task did not run at all.
// The kernel says whether one did: let go for a moment only, it may come no further than to the page it
// waited for.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <format>
#include <nlohmann/json.hpp>
#include <random>
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
// So much may be missing of a gap.
constexpr auto look_every_ns = 500 * nsec_per_msec;
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

struct Task {
  pid_t pid = 0;
  std::size_t group = 0;
  std::int64_t killed_ns = 0;  // 0: it is not to end
  int schedstat = -1;          // of what it executes, open
  std::uint64_t exec_ns = 0;   // as it was
  std::int64_t since_ns = 0;   // when that was seen for the first time, or it was let go on
};

// What the kernel says that it has executed so far; of one that has ended, what was seen last.
std::uint64_t exec_ns_of(const Task& task) {
  std::array<char, 64> text{};
  auto exec_ns = task.exec_ns;
  if (const auto length = pread(task.schedstat, text.data(), text.size(), 0); length > 0)
    std::from_chars(text.data(), text.data() + length, exec_ns);
  return exec_ns;
}

// What a task does: works and sleeps at times.
class Worker {
 public:
  explicit Worker(std::uint32_t seed) : dice_(seed) {}

  [[noreturn]] void run() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
      const auto until = now_ns() + below(3'000) * nsec_per_usec;
      while (now_ns() < until) {
      }
      if (below(2) != 0) sleep_until(now_ns() + below(5'000) * nsec_per_usec);
    }
  }

 private:
  std::int64_t below(std::int64_t end) {
    return static_cast<std::int64_t>(dice_() % static_cast<std::uint32_t>(end));
  }

  std::minstd_rand dice_;
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
               quota_changes = 0, longest_gap_ns = 0;
};

class Torture {
 public:
  explicit Torture(const options& opts)
      : opts_(opts), groups_(opts.groups), tasks_(opts.crowd + opts.movers), dice_(opts.seed) {
    for (std::size_t i = 0; i < tasks_.size(); ++i)
      begin(i, i < opts.crowd ? LimitedGroups::crowded : any_group());
  }

  void run() {
    const auto end = now_ns() + opts_.seconds * nsec_per_sec;
    auto quota_change = now_ns(), look = quota_change + look_every_ns;
    for (auto now = now_ns(); now < end; now = now_ns()) {
      act();
      look_at_freezes();
      reap(true);
      for (; quota_change <= now; quota_change += quota_change_every_ns) change_quota();
      if (look <= now) {
        look_at_gaps();
        look = now + look_every_ns;
      }
      sleep_until(now + pause_ns);
    }
    finish();
  }

  void print() const {
    const nlohmann::ordered_json out = {
        {"kills", told_.kills},
        {"longest_kill_ns", told_.longest_kill_ns},
        {"freezes", told_.freezes},
        {"longest_freeze_ns", told_.longest_freeze_ns},
        {"moves", told_.moves},
        {"quota_changes", told_.quota_changes},
        {"longest_gap_ns", told_.longest_gap_ns},
    };
    std::printf("%s\n", out.dump().c_str());
  }

 private:
  std::size_t below(std::size_t end) { return dice_() % end; }
  std::size_t any_group() { return 1 + below(groups_.all.size() - 1); }
  // The tight ones half of the time.
  std::size_t likely_group() { return below(2) == 0 ? below(LimitedGroups::tight + 1) : any_group(); }

  void begin(std::size_t index, std::size_t group) {
    const int directory = open(groups_.all[group].path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) fail("open a group");
    clone_args args{};
    args.flags = CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = static_cast<std::uint64_t>(directory);
    const auto seed = static_cast<std::uint32_t>(dice_());
    const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
    if (pid < 0) fail("clone3");
    if (pid == 0) Worker(seed).run();
    close(directory);
    const int schedstat = open(std::format("/proc/{}/schedstat", pid).c_str(), O_RDONLY | O_CLOEXEC);
    if (schedstat < 0) fail("open a schedstat");
    tasks_[index] = {.pid = pid, .group = group, .schedstat = schedstat, .since_ns = now_ns()};
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
      close(task.schedstat);
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

  void look_at_gaps() {
    for (auto& task : tasks_) {
      if (task.pid == 0 || groups_.all[task.group].asked_ns != 0) continue;
      const auto now = now_ns();
      const auto exec_ns = exec_ns_of(task);
      if (exec_ns == task.exec_ns) {
        told_.longest_gap_ns = std::max(told_.longest_gap_ns, now - task.since_ns);
        continue;
      }
      task.exec_ns = exec_ns;
      task.since_ns = now_ns();
    }
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
    group.freeze(false);
    for (auto& task : tasks_)
      if (task.group == index) task.since_ns = now_ns();
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
    look_at_gaps();
    for (auto& task : tasks_) end(task);
    while (std::ranges::any_of(tasks_, [](const Task& task) { return task.pid != 0; })) {
      reap(false);
      sleep_until(now_ns() + nsec_per_msec);
    }
  }

  options opts_;
  LimitedGroups groups_;
  std::vector<Task> tasks_;
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
