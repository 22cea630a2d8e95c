// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../machine/kernel.h"

namespace slo::sim {

class Map;

// bpf_timer: a function that a CPU calls at an instant, in an interrupt: that CPU which started it. Started
// again it moves. A timer of a CPU that goes offline goes to another one.
class Timers {
 public:
  using Function = int (*)(void* map, std::uint32_t* index, void* value);

  explicit Timers(Kernel& kernel) : kernel_(kernel) {}
  void make(bpf::bpf_timer& timer, void* map, Map& in);
  void set_function(bpf::bpf_timer& timer, Function function) { of(timer).function = function; }
  void start(bpf::bpf_timer& timer, std::uint64_t delay_ns);
  void cancel_all();
  // What the kernel calls; null: it was started anew meanwhile, or cancelled.
  struct Timer {
    bpf::bpf_timer* value = nullptr;
    void* map = nullptr;
    std::uint32_t index = 0;
    Function function = nullptr;
    std::uint64_t generation = 0;
    CpuId cpu = 0;
  };
  [[nodiscard]] const Timer* expired(std::uint32_t number, std::uint64_t generation) const;

 private:
  [[nodiscard]] Timer& of(const bpf::bpf_timer& timer) { return timers_[timer.__opaque[0] - 1]; }

  Kernel& kernel_;
  std::vector<Timer> timers_;  // the number in a bpf_timer is one more than its place here
};

}  // namespace slo::sim
