// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "machine/kernel.h"
#include "record.h"

namespace slo::sim {

// Watches a machine run and adds up what the record says, by definitions of its own: it does not ask the
// scheduler.
class Recorder final : public Observer {
 public:
  Recorder(Kernel& kernel, const Workload& workload);

  void wakes(const Task& task, std::uint64_t now_ns) override;
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void stops(const Task& task, bool is_runnable, std::uint64_t now_ns) override;
  void ends_request(const Task& task, std::uint64_t now_ns) override;
  void executes(const Task& task, std::uint64_t exec_ns) override;
  void switches(const Cpu& cpu, std::uint64_t now_ns) override;

  // Closes what is open.
  [[nodiscard]] Record finish();

 private:
  struct Place {
    Doing doing = Doing::nothing;
    std::uint64_t since_ns = 0;
  };

  [[nodiscard]] slo_job& job_of(const Task& task);
  void judge(const Task& task, const slo_job_end& end);
  void pass(std::uint64_t now_ns);
  void close(CpuId cpu, std::uint64_t now_ns);
  [[nodiscard]] bool is_late(const Task& task, std::uint64_t now_ns) const;
  [[nodiscard]] bool is_best_effort(const Task& task) const { return units_[task.unit].budget_ns == 0; }

  Kernel& kernel_;
  std::vector<Unit> units_;
  Record record_;
  std::vector<slo_job> jobs_;    // by task
  std::vector<Place> places_;    // by CPU
  std::uint64_t passed_ns_ = 0;  // the figures below held from then on
  std::uint64_t best_effort_waiting_ = 0;
  std::uint64_t best_effort_running_ = 0;  // CPUs
  std::uint64_t gap_ns_ = 0;
};

}  // namespace slo::sim
