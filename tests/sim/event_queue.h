// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <tuple>
#include <vector>

namespace slo::sim {

enum class EventKind : std::uint8_t { wakes, done, looks, looks_if_idle, switched, ticks, expires };

struct Event {
  std::uint64_t at_ns = 0;
  std::uint64_t nth = 0;         // of all events
  std::uint64_t generation = 0;  // void unless it is still that of its subject
  std::uint32_t subject = 0;     // a task or a CPU
  EventKind kind = EventKind::wakes;
  std::uint8_t timer = 0;

  // Of what is due at one instant, work that is done comes first, so that nobody takes the CPU from a task
  // that has nothing left to do; the rest comes in the order it was asked for.
  friend bool operator>(const Event& a, const Event& b) {
    return std::tuple(a.at_ns, a.kind != EventKind::done, a.nth) >
           std::tuple(b.at_ns, b.kind != EventKind::done, b.nth);
  }
};

class EventQueue {
 public:
  void push(Event event) {
    event.nth = pushed_++;
    events_.push(event);
  }
  [[nodiscard]] bool is_empty() const { return events_.empty(); }
  [[nodiscard]] const Event& next() const { return events_.top(); }
  [[nodiscard]] Event pop() {
    const Event event = events_.top();
    events_.pop();
    return event;
  }

 private:
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t pushed_ = 0;
};

}  // namespace slo::sim
