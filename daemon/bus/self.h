// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace slo {

// Since the daemon started.
struct OwnFigures {
  std::uint64_t lines_lost = 0;       // that the journal had no room for
  std::uint64_t longest_turn_ns = 0;  // of the event loop, see Turns
  std::uint64_t longest_loading_turn_ns = 0;
  bool systemd_behind = false;  // see SystemdLink::is_behind()
};

// What the bus shows of the daemon itself.
struct Self {
  std::string version;
  std::string log_target;  // where its words go, as LogControl1 has it
  std::function<OwnFigures()> figures;
};

}  // namespace slo
