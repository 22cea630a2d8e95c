// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "../machine/kernel.h"

namespace slo::sim {

// How long a task waits while a CPU that it may use has nothing to do: no longer than it takes to tell that
// CPU.
class IdleJudge final : public Observer {
 public:
  explicit IdleJudge(Kernel& kernel);

  // Who wants to hear of each time in one queue that is longer than a limit: at each event, as long as it
  // lasts, until the answer is true; of one without an event when it ends.
  using Listener = std::function<bool(const Task& task, std::uint64_t from_ns)>;
  void tell(std::uint64_t limit_ns, Listener listener) {
    limit_ns_ = limit_ns;
    listener_ = std::move(listener);
  }

  void wakes(const Task& task, std::uint64_t now_ns) override { waits(task, now_ns); }
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void stops(const Task& task, bool is_runnable, std::uint64_t now_ns) override;
  void switches(const Cpu& cpu, std::uint64_t now_ns) override;
  void looks(std::uint64_t now_ns) override;

  [[nodiscard]] std::uint64_t longest_ns() const { return longest_ns_; }
  [[nodiscard]] TaskId longest_task() const { return longest_task_; }
  [[nodiscard]] std::uint64_t longest_at_ns() const { return longest_at_ns_; }

 private:
  static constexpr std::uint64_t never = UINT64_MAX;
  struct Waiting {
    const Task* task = nullptr;
    std::uint64_t since_ns = never;  // with an idle CPU beside it
    std::uint64_t here_ns = 0;       // it came to where it waits
    const SchedClass* sched_class = nullptr;
    const Dsq* dsq = nullptr;
    bool is_heard = false;  // the listener was told, and has heard enough
    bool is_told = false;
  };

  void waits(const Task& task, std::uint64_t now_ns);
  void end(Waiting& waiting, std::uint64_t now_ns);
  void look_at_limit(Waiting& waiting, std::uint64_t now_ns);
  static void look_at_place(Waiting& waiting, std::uint64_t now_ns);
  void remove(const Task& task, std::uint64_t now_ns);

  Kernel& kernel_;
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> place_;  // by task, in it
  std::uint64_t beside_ = 0;          // of them
  CpuMask online_ = {};               // as they were last, and those of them that are idle
  CpuMask idle_ = {};
  std::uint64_t longest_ns_ = 0;
  std::uint64_t longest_at_ns_ = 0;
  TaskId longest_task_ = no_task;
  std::uint64_t limit_ns_ = never;
  Listener listener_;
};

}  // namespace slo::sim
