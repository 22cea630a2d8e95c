// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slo {

// Decoding of what systemd says; nothing here keeps state. The read functions answer false when a message is
// not of the form they expect.

inline constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

// The D-Bus interface of the units of this type; nullptr for types that have no cgroup of their own.
[[nodiscard]] const char* type_interface(std::string_view unit);
[[nodiscard]] bool is_active(std::string_view active_state);

// The unit of an object path of systemd's; empty for types without a cgroup, and for paths that are no unit.
[[nodiscard]] std::optional<std::string> unit_name(const char* path);
// The object path of a unit; throws std::bad_alloc.
[[nodiscard]] std::string unit_path(const std::string& name);

[[nodiscard]] bool read_string_variant(sd_bus_message* message, std::string& value);
[[nodiscard]] bool read_bool_variant(sd_bus_message* message, bool& value);
[[nodiscard]] bool read_strings_variant(sd_bus_message* message, std::vector<std::string>& values);

// What one PropertiesChanged of the Unit interface says about whether the unit runs.
struct UnitChange {
  std::string active_state = {};
  std::string sub_state = {};
  std::string invocation = {};
  friend bool operator==(const UnitChange&, const UnitChange&) = default;
};
// Whether they are the same but for the invocation, which lists do not have.
[[nodiscard]] bool is_same_state(const UnitChange& one, const UnitChange& other);
[[nodiscard]] bool read_unit_change(sd_bus_message* signal, UnitChange& change);

// One line of ListUnitsByPatterns, which has no invocation.
struct ListedUnit {
  std::string name;
  std::string path;
  UnitChange state;
};
[[nodiscard]] bool read_list(sd_bus_message* reply, std::vector<ListedUnit>& units);

// Whether this is the error for a unit that went away while it was asked about, which is no one's fault.
[[nodiscard]] bool is_vanished_unit(const sd_bus_error* error);
[[nodiscard]] std::string text_of(const sd_bus_error* error);

}  // namespace slo
