// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

namespace slo::sim {

enum class EventKind : std::uint8_t {
  wakes,       // task
  done,        // CPU: what runs there has executed its request
  reschedule,  // CPU
  ticks,       // CPU
  kicks,       // CPU; generation: SCX_KICK_*
  expires,     // timer of the scheduler
  acts,        // what somebody planned
};

struct Event {
  std::uint64_t at_ns = 0;
  std::uint64_t nth = 0;         // of those at one instant, the first planned is the first
  std::uint64_t generation = 0;  // an event with an old one is void
  std::uint32_t subject = 0;
  EventKind kind = EventKind::acts;
};

class EventQueue {
 public:
  void push(Event event) {
    event.nth = pushed_++;
    events_.push(event);
  }
  [[nodiscard]] bool is_empty() const { return events_.empty(); }
  [[nodiscard]] const Event& next() const { return events_.top(); }
  Event pop() {
    const Event event = events_.top();
    events_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.nth > b.nth;
    }
  };
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t pushed_ = 0;
};

}  // namespace slo::sim
