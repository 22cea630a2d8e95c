// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/systemd_proxy.h"

#include <sdbus-c++/sdbus-c++.h>

#include "base/bus_names.h"

namespace slo::client {

bool needs_daemon_reload(const std::string& unit) {
  const sdbus::ServiceName systemd{systemd_name};
  try {
    const auto connection = sdbus::createSystemBusConnection();
    sdbus::ObjectPath path;
    sdbus::createProxy(*connection, systemd, sdbus::ObjectPath{systemd_path})
        ->callMethod("GetUnit")
        .onInterface(systemd_manager_interface)
        .withArguments(unit)
        .storeResultsTo(path);
    return sdbus::createProxy(*connection, systemd, path)
        ->getProperty("NeedDaemonReload")
        .onInterface(systemd_unit_interface)
        .get<bool>();
  } catch (const sdbus::Error&) {  // a remark beside the answer, not the answer itself
    return false;
  }
}

}  // namespace slo::client
