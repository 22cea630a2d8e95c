// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../machine/kernel.h"
#include "../sched_ext/callbacks.h"

namespace slo::sim {

// What the instrumented scheduler is about to do; see runtime.cpp.
struct Access {
  enum class Kind : std::uint8_t { read, write, atomic, none };

  void* at = nullptr;
  std::size_t size = 0;
  Kind kind = Kind::none;
  const void* from = nullptr;  // the code
};

// How often the callbacks of each kind touch memory that is not their own stack, from its making to its end.
class AccessCounts {
 public:
  using ByKind = std::array<std::uint64_t, 3>;

  explicit AccessCounts(Kernel& kernel);
  ~AccessCounts();
  AccessCounts(const AccessCounts&) = delete;
  AccessCounts& operator=(const AccessCounts&) = delete;

  [[nodiscard]] const ByKind& of(Op op) const { return counts_[static_cast<std::size_t>(op)]; }
  void note(const Access& access) {
    ++counts_[static_cast<std::size_t>(kernel_.context().op)][static_cast<std::size_t>(access.kind)];
  }
  [[nodiscard]] static AccessCounts* present();

 private:
  Kernel& kernel_;
  std::array<ByKind, op_names.size()> counts_ = {};
};

}  // namespace slo::sim
