// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay.h"

namespace slo::sim {

// One sequence of callbacks, those of a task or of a CPU, on the kernel and in the model.
struct Alignment {
  bool is_of_cpu = false;
  std::uint32_t subject = 0;      // tid, CPU
  std::uint64_t kernel = 0;       // callbacks
  std::uint64_t only_kernel = 0;  // of these, without their like in the model
  std::uint64_t only_model = 0;
  // Of the first difference; without one: SIZE_MAX. Indices of Replayed.
  std::size_t kernel_at = SIZE_MAX;
  std::size_t model_at = SIZE_MAX;

  [[nodiscard]] bool is_equal() const { return only_kernel == 0 && only_model == 0; }
};

struct Difference {
  std::vector<Alignment> tasks;
  std::vector<Alignment> cpus;
  std::vector<std::uint64_t> apart_ns;  // of each callback that both have, by task; sorted

  [[nodiscard]] std::uint64_t in_order_permille(bool of_cpus) const;
  [[nodiscard]] std::uint64_t equal(bool of_cpus) const;
  [[nodiscard]] std::uint64_t unlike() const;  // callbacks, by CPU and by task
};

[[nodiscard]] Difference difference_of(const Replayed& replayed);
// With that phase of the scheduler's heartbeat by which the model is most like the kernel.
[[nodiscard]] Result<Replayed> replay_best(const CallbackLog& log, const std::string& path);
// A line for people, then the first differences with what was around them.
[[nodiscard]] std::string to_text(const CallbackLog& log, const Replayed& replayed,
                                  const Difference& difference);

}  // namespace slo::sim
