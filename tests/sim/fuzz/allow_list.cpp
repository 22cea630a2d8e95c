// SPDX-License-Identifier: GPL-2.0-only
#include "allow_list.h"

#include <array>
#include <utility>

namespace slo::sim {

std::string_view reason_for(std::string_view kind) {
  using Entry = std::pair<std::string_view, std::string_view>;
  static constexpr std::array known = {
      Entry{"idle-unknown",
            "a CPU that has been idle since before the scheduler came is known after the first heartbeat"},
      Entry{"idle-offline",
            "who is on a CPU that goes offline goes straight to another one, be it busy and others idle"},
      Entry{
          "idle-displaced",
          "whom a real-time task displaces waits on its CPU: before 7.1, and where it was changed as it ran"},
      Entry{"idle-taken",
            "a real-time task takes the idle CPU that was asked for a task, before it has looked: nobody "
            "asks another"},
      Entry{"empty-anew",
            "a reserve that was empty when it was taken away counts as empty until a heartbeat when it is "
            "back"},
  };
  for (const auto& [listed, reason] : known)
    if (listed == kind) return reason;
  return {};
}

}  // namespace slo::sim
