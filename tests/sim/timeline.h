// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "machine/kernel.h"

namespace slo::sim {

// What ran where and when, in Chrome's trace event format, which ui.perfetto.dev opens: a track for each CPU
// with its runs, and one for each task with its waits.
class Timeline final : public Observer {
 public:
  Timeline(Kernel& kernel, const Workload& workload);

  void wakes(const Task& task, std::uint64_t now_ns) override;
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void stops(const Task& task, bool is_runnable, std::uint64_t now_ns) override;

  // Up to now; what is under way ends there.
  [[nodiscard]] nlohmann::json finish();

 private:
  struct Doing {
    bool is_running = false;
    bool is_waiting = false;
    CpuId cpu = 0;
    std::uint64_t since_ns = 0;
  };

  [[nodiscard]] Doing& of(const Task& task);
  void end(const Task& task, std::uint64_t now_ns);
  [[nodiscard]] std::string name_of(const Task& task) const;
  void name_track(const char* kind, int process, std::uint64_t thread, const std::string& name);

  Kernel& kernel_;
  Workload workload_;
  std::vector<Doing> doing_;  // by task
  nlohmann::json events_ = nlohmann::json::array();
};

}  // namespace slo::sim
