// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/failure.h"

#include <string_view>

#include "base/printable.h"

namespace slo::client {
namespace {

constexpr std::string_view bus_errors = "org.freedesktop.DBus.Error.";

bool is_bus_error(const BusError& error, std::string_view which) {
  return error.name.starts_with(bus_errors) &&
         std::string_view(error.name).substr(bus_errors.size()) == which;
}

}  // namespace

bool is_not_running(const BusError& error) {
  return is_bus_error(error, "ServiceUnknown") || is_bus_error(error, "NameHasNoOwner");
}

std::string explain(const BusError& error, Command command, bool caller_is_root) {
  const std::string name(to_string(command));
  if (is_not_running(error)) return "scx-slo is not running; start it with: systemctl start scx-slo";
  const bool denied = is_bus_error(error, "AccessDenied") ||
                      is_bus_error(error, "InteractiveAuthorizationRequired") ||
                      is_bus_error(error, "AuthFailed");
  if (denied && !caller_is_root) return "scx-slo: " + name + " needs root: sudo scx-slo " + name;
  if (is_bus_error(error, "NoReply") || is_bus_error(error, "Timeout"))
    return "scx-slo did not answer; see: systemctl status scx-slo";
  // No system bus at all, as in most containers.
  if (is_bus_error(error, "FileNotFound") || is_bus_error(error, "NoServer"))
    return "scx-slo: cannot reach the system bus: " + printable(error.message) +
           "; see: systemctl status dbus";
  if (error.message.empty()) return "scx-slo: " + name + " failed: " + printable(error.name);
  return "scx-slo: " + printable(error.message);
}

}  // namespace slo::client
