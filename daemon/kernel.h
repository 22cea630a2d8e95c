// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "manager.h"

namespace slo {

// The scheduler of bpf/scheduler.bpf.c through libbpf: skeleton, maps, attach, exit record. The only user of
// libbpf.
class KernelScheduler final : public SchedulerKernel {
 public:
  KernelScheduler();
  ~KernelScheduler() override;
  KernelScheduler(const KernelScheduler&) = delete;
  KernelScheduler& operator=(const KernelScheduler&) = delete;

  [[nodiscard]] Result<void> attach() override;
  void detach() override;
  [[nodiscard]] bool attached() const override;
  [[nodiscard]] std::optional<SchedulerExit> exit_record() const override;
  [[nodiscard]] Result<void> apply(const CfgChange& change) override;
  [[nodiscard]] slo_stats read_stats(std::uint32_t slot) const override;
  void clear_stats(std::uint32_t slot) override;

 private:
  class Loaded;
  std::unique_ptr<Loaded> loaded_;
};

// The scheduler's object, an ELF file.
[[nodiscard]] std::span<const std::byte> scheduler_object();

}  // namespace slo
