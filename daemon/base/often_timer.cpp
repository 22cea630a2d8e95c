// SPDX-License-Identifier: GPL-2.0-only
#include "base/often_timer.h"

#include <time.h>

namespace slo {
namespace {

constexpr std::uint64_t interval_usec = 50'000;
constexpr std::uint64_t slack_usec = interval_usec / 10;

}  // namespace

OftenTimer::OftenTimer(sd_event* event, void (*on_exception)()) : on_exception_(on_exception) {
  sd_event_source* source = nullptr;
  check(sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, interval_usec, slack_usec, on_time, this),
        "start the clock");
  source_.reset(source);
  set(false);
}

void OftenTimer::set(bool on) {
  if (on) static_cast<void>(sd_event_source_set_time_relative(source_.get(), interval_usec));
  static_cast<void>(sd_event_source_set_enabled(source_.get(), on ? SD_EVENT_ONESHOT : SD_EVENT_OFF));
}

int OftenTimer::on_time(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* userdata) {
  auto* const self = static_cast<OftenTimer*>(userdata);
  self->set(true);  // first: what is called may switch it off
  return guard_callback(0, self->on_exception_, [self] {
    self->body_();
    return 0;
  });
}

}  // namespace slo
