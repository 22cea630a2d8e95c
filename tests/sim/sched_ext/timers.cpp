// SPDX-License-Identifier: GPL-2.0-only
#include "timers.h"

#include "maps.h"

namespace slo::sim {

void Timers::make(bpf::bpf_timer& timer, void* map, Map& in) {
  timers_.push_back({.value = &timer, .map = map, .index = in.index_of(&timer)});
  timer.__opaque[0] = timers_.size();
}

void Timers::start(bpf::bpf_timer& timer, std::uint64_t delay_ns) {
  Timer& started = of(timer);
  started.cpu = kernel_.here().id;
  kernel_.expire_at(kernel_.now_ns() + delay_ns, static_cast<std::uint32_t>(timer.__opaque[0] - 1),
                    ++started.generation);
}

void Timers::cancel_all() {
  for (Timer& timer : timers_) ++timer.generation;
}

const Timers::Timer* Timers::expired(std::uint32_t number, std::uint64_t generation) const {
  const Timer& timer = timers_[number];
  return timer.generation == generation ? &timer : nullptr;
}

}  // namespace slo::sim
