// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Who and what is where on the system bus.
namespace slo {

inline constexpr const char* bus_name = "org.scxslo";
inline constexpr const char* manager_path = "/org/scxslo";
inline constexpr const char* manager_interface = "org.scxslo.Manager1";
inline constexpr const char* unit_path_prefix = "/org/scxslo/unit";
inline constexpr const char* no_such_unit_error = "org.scxslo.Error.NoSuchUnit";

inline constexpr const char* systemd_name = "org.freedesktop.systemd1";
inline constexpr const char* systemd_path = "/org/freedesktop/systemd1";
inline constexpr const char* systemd_unit_path_prefix = "/org/freedesktop/systemd1/unit";
inline constexpr const char* systemd_manager_interface = "org.freedesktop.systemd1.Manager";
inline constexpr const char* systemd_unit_interface = "org.freedesktop.systemd1.Unit";

inline constexpr const char* driver_name = "org.freedesktop.DBus";
inline constexpr const char* driver_path = "/org/freedesktop/DBus";

}  // namespace slo
