// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/systemd_proxy.h"

#include <sdbus-c++/sdbus-c++.h>

namespace slo::client {

bool needs_daemon_reload(const std::string& unit) {
  const sdbus::ServiceName systemd{"org.freedesktop.systemd1"};
  try {
    const auto connection = sdbus::createSystemBusConnection();
    sdbus::ObjectPath path;
    sdbus::createProxy(*connection, systemd, sdbus::ObjectPath{"/org/freedesktop/systemd1"})
        ->callMethod("GetUnit")
        .onInterface("org.freedesktop.systemd1.Manager")
        .withArguments(unit)
        .storeResultsTo(path);
    return sdbus::createProxy(*connection, systemd, path)
        ->getProperty("NeedDaemonReload")
        .onInterface("org.freedesktop.systemd1.Unit")
        .get<bool>();
  } catch (const sdbus::Error&) {  // a remark beside the answer, not the answer itself
    return false;
  }
}

}  // namespace slo::client
