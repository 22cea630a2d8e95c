// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-event.h>

#include <cstdint>
#include <optional>

#include "base/handle.h"
#include "manager.h"

namespace slo {

// One document of all statistics for whoever asks within 50 ms of another: callers pay for what they keep of
// it, but making it is our work.
class SharedStats {
 public:
  // The event loop outlives this object. Throws std::system_error.
  explicit SharedStats(sd_event* event);
  SharedStats(const SharedStats&) = delete;
  SharedStats& operator=(const SharedStats&) = delete;

  // Throws sdbus::Error.
  [[nodiscard]] sdbus::UnixFd hand_out(const Manager& manager);

 private:
  static int on_old(sd_event_source* source, std::uint64_t usec, void* userdata);

  std::optional<sdbus::UnixFd> document_;  // until on_old
  Handle<sd_event_source, sd_event_source_disable_unref> timer_;
};

}  // namespace slo
