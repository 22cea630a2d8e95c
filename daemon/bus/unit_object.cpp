// SPDX-License-Identifier: GPL-2.0-only
#include "bus/unit_object.h"

#include <org.scxslo.Unit1_adaptor.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bus_names.h"
#include "bus/setting_values.h"
#include "bus/stats.h"
#include "settings/unit_settings.h"
#include "systemd/object_path.h"

namespace slo {
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

class BusUnit::Object final
    : public sdbus::AdaptorInterfaces<org::scxslo::Unit1_adaptor, sdbus::Properties_adaptor,
                                      sdbus::ManagedObject_adaptor> {
 public:
  Object(sdbus::IConnection& connection, const Manager& manager, const Unit& unit)
      : AdaptorInterfaces(connection, unit_object_path(unit.name)),
        path_(unit_object_path(unit.name)),
        manager_(manager),
        unit_(unit),
        pending_(manager.is_pending(unit)) {
    registerAdaptor();
    emitInterfacesAddedSignal();
  }

  ~Object() {
    try {
      emitInterfacesRemovedSignal();
    } catch (const sdbus::Error& error) {  // the bus is gone: nobody is left to tell
      spdlog::debug("ignoring that the bus was not told that {} is gone: {}", unit_.name, error.what());
    }
    unregisterAdaptor();
  }

  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  [[nodiscard]] const sdbus::ObjectPath& path() const { return path_; }

  void update(const Unit& unit) {
    const Unit before = std::exchange(unit_, unit);
    std::vector<sdbus::PropertyName> changed;
    if (before.control_group != unit_.control_group) changed.emplace_back("ControlGroup");
    if (before.cgroup_id != unit_.cgroup_id) changed.emplace_back("ControlGroupId");
    const auto compare = [&](const auto& was, const auto& is, const char* value, const char* origin) {
      if (was == is) return;
      changed.emplace_back(value);
      changed.emplace_back(origin);
    };
#define SLO_COMPARE(member, Type, Suffix, ...) \
  compare(before.effective.member, unit_.effective.member, "Slo" #Type #Suffix, "Slo" #Type "Origin");
    SLO_UNIT_SETTINGS(SLO_COMPARE)
#undef SLO_COMPARE
    if (before.needs_daemon_reload != unit_.needs_daemon_reload) changed.emplace_back("NeedDaemonReload");
    const bool is_pending = manager_.is_pending(unit_);
    if (std::exchange(pending_, is_pending) != is_pending) changed.emplace_back("Pending");
    if (!changed.empty()) emitPropertiesChangedSignal(org::scxslo::Unit1_adaptor::INTERFACE_NAME, changed);
  }

 private:
  std::map<std::string, sdbus::Variant> GetStats() override {
    const auto stats = manager_.stats(unit_.name);
    // The unit lost its settings a moment ago, and this object is about to follow.
    if (!stats)
      throw sdbus::Error{sdbus::Error::Name{no_such_unit_error}, unit_.name + " has no SLO any more"};
    return encode_stats(*stats);
  }

  std::string Name() override { return unit_.name; }
  std::string ControlGroup() override { return unit_.control_group; }
  std::uint64_t ControlGroupId() override { return unit_.cgroup_id; }
#define SLO_PROPERTIES(member, Type, Suffix, ...)                              \
  decltype(on_bus(std::declval<const Type&>())) Slo##Type##Suffix() override { \
    return on_bus(unit_.effective.member, standard_.member);                   \
  }                                                                            \
  std::string Slo##Type##Origin() override { return origin_of(unit_.effective.member); }
  SLO_UNIT_SETTINGS(SLO_PROPERTIES)
#undef SLO_PROPERTIES
  bool NeedDaemonReload() override { return unit_.needs_daemon_reload; }
  bool Pending() override { return manager_.is_pending(unit_); }

  sdbus::ObjectPath path_;
  const Manager& manager_;
  Unit unit_;
  bool pending_;  // as the bus was last told
  SloSettings standard_ = standard_settings();
};

BusUnit::BusUnit(sdbus::IConnection& connection, const Manager& manager, const Unit& unit)
    : object_(std::make_unique<Object>(connection, manager, unit)) {}

BusUnit::~BusUnit() = default;

const sdbus::ObjectPath& BusUnit::path() const {
  return object_->path();
}

void BusUnit::update(const Unit& unit) {
  object_->update(unit);
}

}  // namespace slo
