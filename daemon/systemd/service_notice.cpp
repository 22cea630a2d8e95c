// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/service_notice.h"

#include <systemd/sd-daemon.h>

namespace slo {
namespace {

constexpr std::uint64_t load_patience_usec = 180'000'000;

}  // namespace

void notify(const std::string& message) {
  // Without systemd there is nobody to tell.
  static_cast<void>(sd_notify(0, message.c_str()));
}

Patience::Patience() {
  static_cast<void>(sd_watchdog_enabled(0, &usual_usec_));
}

void Patience::loading(bool begins) const {
  const std::string most = std::to_string(load_patience_usec);
  if (begins) notify("EXTEND_TIMEOUT_USEC=" + most);
  if (usual_usec_ == 0) return;
  notify("WATCHDOG_USEC=" + (begins ? most : std::to_string(usual_usec_)) + "\nWATCHDOG=1");
}

void StatusLine::state_changed(State state, const std::string& reason) {
  std::string status{to_string(state)};
  status.front() = static_cast<char>(status.front() - 'a' + 'A');
  notify("STATUS=" + status + ": " + reason);
}

}  // namespace slo
