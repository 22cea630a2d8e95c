// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/client_messages.h"

#include <algorithm>
#include <utility>

#include "base/bus_names.h"
#include "base/unit_name.h"
#include "systemd/object_path.h"

namespace slo {
namespace {

struct TypeInterface {
  std::string_view suffix;
  const char* interface;
};

constexpr TypeInterface interfaces[] = {{service_suffix, "org.freedesktop.systemd1.Service"},
                                        {scope_suffix, "org.freedesktop.systemd1.Scope"},
                                        {slice_suffix, "org.freedesktop.systemd1.Slice"}};

}  // namespace

const char* type_interface(std::string_view unit) {
  const auto suffix = unit_suffix(unit);
  return suffix ? std::ranges::find(interfaces, *suffix, &TypeInterface::suffix)->interface : nullptr;
}

bool is_active(std::string_view active_state) {
  return active_state != "inactive" && active_state != "failed";
}

std::optional<std::string> unit_name(const char* path) {
  auto name = name_of_path(systemd_unit_path_prefix, path);
  return name && unit_suffix(*name) ? std::move(name) : std::nullopt;
}

std::string unit_path(const std::string& name) {
  return object_path(systemd_unit_path_prefix, name);
}

bool read_string_variant(sd_bus_message* message, std::string& value) {
  const char* text = nullptr;
  if (sd_bus_message_read(message, "v", "s", &text) < 0) return false;
  value = text;
  return true;
}

bool read_bool_variant(sd_bus_message* message, bool& value) {
  int truth = 0;
  if (sd_bus_message_read(message, "v", "b", &truth) < 0) return false;
  value = truth != 0;
  return true;
}

bool read_strings_variant(sd_bus_message* message, std::vector<std::string>& values) {
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, "as") < 0) return false;
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s") < 0) return false;
  const char* text = nullptr;
  int more = 0;
  while ((more = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, static_cast<void*>(&text))) > 0)
    values.emplace_back(text);
  return more == 0;
}

bool is_vanished_unit(const sd_bus_error* error) {
  return sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT) != 0 ||
         sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_INTERFACE) != 0 ||
         sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit") != 0;
}

std::string text_of(const sd_bus_error* error) {
  return error->message != nullptr ? error->message : (error->name != nullptr ? error->name : "");
}

bool is_same_state(const UnitChange& one, const UnitChange& other) {
  return one.active_state == other.active_state && one.sub_state == other.sub_state;
}

bool read_unit_change(sd_bus_message* signal, UnitChange& change) {
  if (sd_bus_message_enter_container(signal, SD_BUS_TYPE_ARRAY, "{sv}") < 0) return false;
  while (sd_bus_message_enter_container(signal, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0) {
    const char* property = nullptr;
    if (sd_bus_message_read_basic(signal, SD_BUS_TYPE_STRING, static_cast<void*>(&property)) < 0)
      return false;
    const std::string_view name = property;
    if (name == "ActiveState" || name == "SubState") {
      if (!read_string_variant(signal, name == "ActiveState" ? change.active_state : change.sub_state))
        return false;
    } else if (name == "InvocationID") {
      const void* bytes = nullptr;
      std::size_t size = 0;
      if (sd_bus_message_enter_container(signal, SD_BUS_TYPE_VARIANT, "ay") < 0 ||
          sd_bus_message_read_array(signal, SD_BUS_TYPE_BYTE, &bytes, &size) < 0 ||
          sd_bus_message_exit_container(signal) < 0) {
        return false;
      }
      if (size > 0) change.invocation.assign(static_cast<const char*>(bytes), size);
    } else if (sd_bus_message_skip(signal, "v") < 0) {
      return false;
    }
    if (sd_bus_message_exit_container(signal) < 0) return false;
  }
  return true;
}

bool read_list(sd_bus_message* reply, std::vector<ListedUnit>& units) {
  if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(ssssssouso)") < 0) return false;
  int more = 0;
  while ((more = sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "ssssssouso")) > 0) {
    const char* name = nullptr;
    const char* active_state = nullptr;
    const char* sub_state = nullptr;
    const char* path = nullptr;
    if (sd_bus_message_read(reply, "ssssssouso", &name, nullptr, nullptr, &active_state, &sub_state, nullptr,
                            &path, nullptr, nullptr, nullptr) < 0 ||
        sd_bus_message_exit_container(reply) < 0) {
      return false;
    }
    if (type_interface(name) != nullptr) units.push_back({name, path, {active_state, sub_state}});
  }
  return more == 0;
}

}  // namespace slo
