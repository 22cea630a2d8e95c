// SPDX-License-Identifier: GPL-2.0-only
#include "bus/shared_stats.h"

#include <time.h>

#include "bus/stats.h"

namespace slo {
namespace {

constexpr std::uint64_t shared_usec = 50'000;
constexpr std::uint64_t slack_usec = 1'000;

}  // namespace

SharedStats::SharedStats(sd_event* event) {
  sd_event_source* source = nullptr;
  check(sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, 0, slack_usec, on_old, this),
        "prepare the clock of the statistics");
  timer_.reset(source);
}

sdbus::UnixFd SharedStats::hand_out(const Manager& manager) {
  if (!document_) {
    document_ = write_all_stats(manager);
    static_cast<void>(sd_event_source_set_time_relative(timer_.get(), shared_usec));
    static_cast<void>(sd_event_source_set_enabled(timer_.get(), SD_EVENT_ONESHOT));
  }
  return open_anew(*document_);
}

int SharedStats::on_old(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* userdata) {
  static_cast<SharedStats*>(userdata)->document_.reset();
  return 0;
}

}  // namespace slo
