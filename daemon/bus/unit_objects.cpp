// SPDX-License-Identifier: GPL-2.0-only
#include "bus/unit_objects.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <ranges>
#include <utility>
#include <variant>

#include "base/bus_names.h"
#include "base/handle.h"
#include "bus/setting_values.h"
#include "bus/stats.h"
#include "settings/unit_settings.h"
#include "systemd/object_path.h"

namespace slo {
namespace {

constexpr const char* unit_interface = "org.scxslo.Unit1";

using Value = std::variant<bool, std::uint64_t, double, std::string>;

struct Property {
  const char* name;
  const char* type;
  bool is_constant;
  Value (*of)(const Manager& manager, const Unit& unit);
};

const SloSettings& standard() {
  static const SloSettings settings = standard_settings();
  return settings;
}

#define SLO_PROPERTIES(member, Type, Suffix, signature, ...)                     \
  Property{.name = "Slo" #Type #Suffix,                                          \
           .type = #signature,                                                   \
           .is_constant = false,                                                 \
           .of = [](const Manager& /*manager*/, const Unit& unit) -> Value {     \
             return on_bus(unit.effective.member, standard().member);            \
           }},                                                                   \
      Property{.name = "Slo" #Type "Origin",                                     \
               .type = "s",                                                      \
               .is_constant = false,                                             \
               .of = [](const Manager& /*manager*/, const Unit& unit) -> Value { \
                 return origin_of(unit.effective.member);                        \
               }},

constexpr std::array properties{
    Property{.name = "Name",
             .type = "s",
             .is_constant = true,
             .of = [](const Manager& /*manager*/, const Unit& unit) -> Value { return unit.name; }},
    Property{.name = "ControlGroup",
             .type = "s",
             .is_constant = false,
             .of = [](const Manager& /*manager*/, const Unit& unit) -> Value { return unit.control_group; }},
    Property{.name = "ControlGroupId",
             .type = "t",
             .is_constant = false,
             .of = [](const Manager& /*manager*/, const Unit& unit) -> Value { return unit.cgroup_id; }},
    SLO_UNIT_SETTINGS(SLO_PROPERTIES) Property{
        .name = "NeedDaemonReload",
        .type = "b",
        .is_constant = false,
        .of = [](const Manager& /*manager*/, const Unit& unit) -> Value { return unit.needs_daemon_reload; }},
    Property{
        .name = "Pending",
        .type = "b",
        .is_constant = false,
        .of = [](const Manager& manager, const Unit& unit) -> Value { return manager.is_pending(unit); }},
};
#undef SLO_PROPERTIES

int append(sd_bus_message* message, const char* type, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return sd_bus_message_append_basic(message, *type, text->c_str());
  if (const auto* yes = std::get_if<bool>(&value)) {
    const int flag = *yes ? 1 : 0;
    return sd_bus_message_append_basic(message, *type, &flag);
  }
  if (const auto* ratio = std::get_if<double>(&value))
    return sd_bus_message_append_basic(message, *type, ratio);
  return sd_bus_message_append_basic(message, *type, std::get_if<std::uint64_t>(&value));
}

int failed(sd_bus_error* error) {
  return sd_bus_error_set(error, "org.freedesktop.DBus.Error.Failed", "the daemon could not answer");
}

}  // namespace

sdbus::ObjectPath unit_object_path(const std::string& unit) {
  return sdbus::ObjectPath{object_path(unit_path_prefix, unit)};
}

std::map<std::string, sdbus::Variant> encode_worst(const MissReport& report) {
  return {{"Unit", sdbus::Variant{report.job_unit}},
          {"Cause", sdbus::Variant{report.cause}},
          {"MissUSec", sdbus::Variant{to_usec(report.miss_ns)}},
          {"BudgetUSec", sdbus::Variant{to_usec(report.budget_ns)}},
          {"WaitUSec", sdbus::Variant{to_usec(report.wait_ns)}},
          {"ExecUSec", sdbus::Variant{to_usec(report.exec_ns)}}};
}

// What the bus was last told of a unit. Hashes do: a value that is another one has another hash.
struct BusUnits::Shown {
  const Manager& manager;
  const std::string& name;
  std::array<std::size_t, properties.size()> hashes{};

  // nullptr: it lost its settings a moment ago, and the bus is about to hear of it.
  [[nodiscard]] const Unit* unit() const {
    const auto at = manager.units().find(name);
    return at == manager.units().end() ? nullptr : &at->second;
  }
  // Names of what is different now.
  std::vector<const char*> update(const Unit& unit) {
    std::vector<const char*> changed;
    for (std::size_t i = 0; i < properties.size(); ++i) {
      const std::size_t hash = std::hash<Value>{}(properties.at(i).of(manager, unit));
      if (std::exchange(hashes.at(i), hash) != hash) changed.push_back(properties.at(i).name);
    }
    return changed;
  }
};

class BusUnits::Table {
 public:
  Table() {
    const sd_bus_vtable start = SD_BUS_VTABLE_START(0);
    const sd_bus_vtable method = SD_BUS_METHOD_WITH_ARGS(
        "GetStats", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", stats), get_stats, SD_BUS_VTABLE_UNPRIVILEGED);
    entries_ = {start, method};
    for (const auto& property : properties) {
      const sd_bus_vtable constant =
          SD_BUS_PROPERTY(property.name, property.type, get, 0, SD_BUS_VTABLE_PROPERTY_CONST);
      const sd_bus_vtable live =
          SD_BUS_PROPERTY(property.name, property.type, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE);
      entries_.push_back(property.is_constant ? constant : live);
    }
    const sd_bus_vtable end = SD_BUS_VTABLE_END;
    entries_.push_back(end);
  }
  [[nodiscard]] const sd_bus_vtable* entries() const { return entries_.data(); }

 private:
  std::vector<sd_bus_vtable> entries_;
};

BusUnits::BusUnits(sd_bus* bus, const Manager& manager) : bus_(bus), manager_(manager) {
  static const Table table;
  sd_bus_slot* slot = nullptr;
  check(sd_bus_add_fallback_vtable(bus, &slot, unit_path_prefix, unit_interface, table.entries(), find, this),
        "offer the units on the bus");
  slots_.emplace_back(slot);
  check(sd_bus_add_node_enumerator(bus, &slot, unit_path_prefix, enumerate, this),
        "list the units on the bus");
  slots_.emplace_back(slot);
}

BusUnits::~BusUnits() = default;

void BusUnits::follow(const NameSet& names) {
  for (const auto& name : names) follow_one(name);
}

void BusUnits::follow_one(const std::string& name) {
  const auto unit = manager_.units().find(name);
  const auto known = shown_.find(name);
  if (unit == manager_.units().end()) {
    if (known != shown_.end()) vanish(name);
    return;
  }
  if (known == shown_.end()) {
    appear(name, unit->second);
    return;
  }
  auto changed = known->second->update(unit->second);
  if (changed.empty()) return;
  changed.push_back(nullptr);
  std::vector<char*> list;  // which sd-bus does not change
  for (const char* const property : changed)
    list.push_back(const_cast<char*>(property));  // NOLINT(*const-cast)
  check(
      sd_bus_emit_properties_changed_strv(bus_, unit_object_path(name).c_str(), unit_interface, list.data()),
      "tell the bus of a unit");
}

void BusUnits::appear(const std::string& name, const Unit& unit) {
  const auto at = shown_.emplace(name, nullptr).first;
  at->second.reset(new Shown{.manager = manager_, .name = at->first});
  at->second->update(unit);
  check(sd_bus_emit_object_added(bus_, unit_object_path(name).c_str()), "tell the bus of a new unit");
}

void BusUnits::vanish(const std::string& name) {
  shown_.erase(name);
  check(sd_bus_emit_interfaces_removed(bus_, unit_object_path(name).c_str(), "org.freedesktop.DBus.Peer",
                                       "org.freedesktop.DBus.Introspectable",
                                       "org.freedesktop.DBus.Properties", unit_interface, nullptr),
        "tell the bus of a unit that is gone");
}

int BusUnits::find(sd_bus* /*bus*/, const char* path, const char* /*interface*/, void* userdata, void** found,
                   sd_bus_error* error) {
  return guard_callback(
      -ENOMEM, [error] { failed(error); },
      [&] {
        const auto* const self = static_cast<const BusUnits*>(userdata);
        const auto name = name_of_path(unit_path_prefix, path);
        const auto shown = name ? self->shown_.find(*name) : self->shown_.end();
        if (shown == self->shown_.end()) return 0;
        *found = shown->second.get();
        return 1;
      });
}

// The list is freed by whom it is for.
int BusUnits::enumerate(sd_bus* /*bus*/, const char* /*prefix*/, void* userdata, char*** nodes,
                        sd_bus_error* error) {
  return guard_callback(
      -ENOMEM, [error] { failed(error); },
      [&] {
        const auto* const self = static_cast<const BusUnits*>(userdata);
        std::vector<std::string> paths;
        for (const auto& name : std::views::keys(self->shown_)) paths.push_back(unit_object_path(name));
        auto** const list = static_cast<char**>(calloc(paths.size() + 1, sizeof(char*)));
        if (list == nullptr) return -ENOMEM;
        for (std::size_t i = 0; i < paths.size(); ++i) list[i] = strdup(paths[i].c_str());
        *nodes = list;
        return 0;
      });
}

int BusUnits::get(sd_bus* /*bus*/, const char* /*path*/, const char* /*interface*/, const char* property,
                  sd_bus_message* reply, void* userdata, sd_bus_error* error) {
  return guard_callback(
      -ENOMEM, [error] { failed(error); },
      [&] {
        const auto* const shown = static_cast<const Shown*>(userdata);
        const auto asked = std::ranges::find(properties, std::string_view(property), &Property::name);
        const Unit* const unit = shown->unit();
        if (unit == nullptr)
          return sd_bus_error_setf(error, no_such_unit_error, "%s has no SLO any more", shown->name.c_str());
        return append(reply, asked->type, asked->of(shown->manager, *unit));
      });
}

int BusUnits::get_stats(sd_bus_message* call, void* userdata, sd_bus_error* error) {
  return guard_callback(
      -ENOMEM, [error] { failed(error); },
      [&] {
        const auto* const shown = static_cast<const Shown*>(userdata);
        const auto stats = shown->manager.stats(shown->name);
        if (!stats)
          return sd_bus_error_setf(error, no_such_unit_error, "%s has no SLO any more", shown->name.c_str());
        sd_bus_message* made = nullptr;
        check(sd_bus_message_new_method_return(call, &made), "answer GetStats");
        const Message reply(made);
        append_stats(made, *stats);
        return sd_bus_message_send(made);
      });
}

}  // namespace slo
