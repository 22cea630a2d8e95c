// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <memory>
#include <string>
#include <string_view>

namespace slo {

// How much is logged now, in syslog's words: "info".
[[nodiscard]] std::string log_level();
// false: no word of syslog's, and nothing has changed.
[[nodiscard]] bool set_log_level(std::string_view word);

// org.freedesktop.LogControl1 at /org/freedesktop/LogControl1, where systemctl service-log-level looks for
// it.
class BusLogControl {
 public:
  // target: where the words go, "journal" or "console". `connection` outlives this object.
  BusLogControl(sdbus::IConnection& connection, std::string target);
  ~BusLogControl();
  BusLogControl(const BusLogControl&) = delete;
  BusLogControl& operator=(const BusLogControl&) = delete;

 private:
  class Object;
  std::unique_ptr<Object> object_;
};

}  // namespace slo
