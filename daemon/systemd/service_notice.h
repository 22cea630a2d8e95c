// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "audience.h"

// What systemd is told of this service: sd_notify(3).
namespace slo {

void notify(const std::string& message);

// Nothing else happens while programs are loaded, so the watchdog has to wait as well, and whoever waits for
// the start or a reload.
class Patience {
 public:
  Patience();
  void loading(bool begins) const;

 private:
  std::uint64_t usual_usec_ = 0;  // 0: there is no watchdog
};

// The line that `systemctl status` shows.
class StatusLine final : public Audience {
 public:
  void state_changed(State state, const std::string& reason) override;
};

}  // namespace slo
