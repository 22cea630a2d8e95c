// SPDX-License-Identifier: GPL-2.0-only
#include "daemon_proxy.h"

#include <sdbus-c++/sdbus-c++.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace slo::client {
namespace {

const sdbus::ServiceName bus_name{"org.scxslo"};
const sdbus::ObjectPath manager_path{"/org/scxslo"};
constexpr const char* manager_interface = "org.scxslo.Manager1";
constexpr const char* unit_interface = "org.scxslo.Unit1";
// Attaching loads and verifies BPF programs, which takes long on a small or emulated machine.
constexpr std::chrono::seconds order_timeout{90};

template <class Key>
using Properties = std::map<Key, sdbus::Variant>;
using Stats = Properties<std::string>;
using Settings = std::vector<sdbus::Struct<std::string, std::string, std::string, std::uint32_t>>;
using EncodedHistogram = std::vector<sdbus::Struct<std::uint64_t, std::uint64_t, std::uint64_t>>;
using ListedUnits = std::vector<sdbus::Struct<std::string, sdbus::ObjectPath>>;

// sdbus-c++ throws; what it throws is an answer here.
template <class Body>
auto attempt(Body&& body) -> Answer<std::invoke_result_t<Body>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Body>>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (const sdbus::Error& error) {
    return std::unexpected(BusError{error.getName(), error.getMessage()});
  }
}

template <class T, class Key>
std::optional<T> find(const Properties<Key>& properties, const char* name) {
  const auto at = properties.find(Key{name});
  if (at == properties.end()) return std::nullopt;
  return at->second.template get<T>();
}

template <class T, class Key>
T find_or(const Properties<Key>& properties, const char* name, T otherwise) {
  return find<T>(properties, name).value_or(std::move(otherwise));
}

Latency decode_latency(const Stats& stats, const std::string& prefix) {
  const auto figure = [&](const char* name) { return find<std::uint64_t>(stats, (prefix + name).c_str()); };
  Latency latency{.mean_usec = figure("MeanUSec"),
                  .p50_usec = figure("P50USec"),
                  .p90_usec = figure("P90USec"),
                  .p99_usec = figure("P99USec"),
                  .p999_usec = figure("P999USec"),
                  .max_usec = figure("MaxUSec")};
  // A daemon of an earlier version, before it is started again, has none.
  for (const auto& [lower_ns, upper_ns, count] :
       find_or<EncodedHistogram>(stats, (prefix + "HistogramNSec").c_str(), {}))
    latency.histogram.push_back({.lower_ns = lower_ns, .upper_ns = upper_ns, .count = count});
  return latency;
}

UnitReport decode_unit(const Properties<sdbus::PropertyName>& properties, const Stats& stats) {
  UnitReport unit;
  unit.name = find_or<std::string>(properties, "Name", "");
  unit.control_group = find_or<std::string>(properties, "ControlGroup", "");
  unit.control_group_id = find_or<std::uint64_t>(properties, "ControlGroupId", 0);
  unit.budget_origin = find_or<std::string>(properties, "SloBudgetOrigin", "");
  const auto budget = find_or<std::uint64_t>(properties, "SloBudgetUSec", UINT64_MAX);
  if (budget != UINT64_MAX) unit.budget_usec = budget;
  unit.metric = find_or<std::string>(properties, "SloMetric", "");
  unit.objective = find_or<double>(properties, "SloObjective", 0);
  const auto max_exec = find_or<std::uint64_t>(properties, "SloMaxExecUSec", UINT64_MAX);
  if (max_exec != UINT64_MAX) unit.max_exec_usec = max_exec;
  unit.need_daemon_reload = find_or<bool>(properties, "NeedDaemonReload", false);
  unit.jobs = find_or<std::uint64_t>(stats, "Jobs", 0);
  unit.misses = find_or<std::uint64_t>(stats, "Misses", 0);
  unit.causes = {.late_start = find_or<std::uint64_t>(stats, "MissesLateStart", 0),
                 .preempted = find_or<std::uint64_t>(stats, "MissesPreempted", 0),
                 .overlong = find_or<std::uint64_t>(stats, "MissesOverlong", 0),
                 .overrun = find_or<std::uint64_t>(stats, "MissesOverrun", 0)};
  unit.miss_ratio = find<double>(stats, "MissRatio");
  unit.demotions = find_or<std::uint64_t>(stats, "Demotions", 0);
  unit.exec_usec = find_or<std::uint64_t>(stats, "ExecUSec", 0);
  unit.wait = decode_latency(stats, "Wait");
  unit.response = decode_latency(stats, "Response");
  // The bus says 0 then, which would read as a job that did not wait.
  if (unit.jobs == 0) unit.wait.max_usec = unit.response.max_usec = std::nullopt;
  return unit;
}

// The unit lost its settings between being listed and being asked.
bool has_vanished(const BusError& error) {
  constexpr std::array<std::string_view, 4> names{
      "org.scxslo.Error.NoSuchUnit", "org.freedesktop.DBus.Error.UnknownObject",
      "org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.UnknownMethod"};
  return std::ranges::contains(names, error.name);
}

}  // namespace

class DaemonProxy::Bus {
 public:
  Bus() : connection_(sdbus::createSystemBusConnection()), manager_(proxy(manager_path)) {}

  [[nodiscard]] sdbus::IProxy& manager() const { return *manager_; }

  [[nodiscard]] std::string owner_of(const std::string& name) const {
    std::string owner;
    sdbus::createProxy(*connection_, sdbus::ServiceName{"org.freedesktop.DBus"},
                       sdbus::ObjectPath{"/org/freedesktop/DBus"})
        ->callMethod("GetNameOwner")
        .onInterface("org.freedesktop.DBus")
        .withArguments(name)
        .storeResultsTo(owner);
    return owner;
  }

  [[nodiscard]] UnitReport read_unit(const sdbus::ObjectPath& path) const {
    const auto unit = proxy(path);
    Stats stats;
    unit->callMethod("GetStats").onInterface(unit_interface).storeResultsTo(stats);
    return decode_unit(unit->getAllProperties().onInterface(unit_interface), stats);
  }

 private:
  // All calls are synchronous, so no proxy may start a thread of its own on the shared connection.
  [[nodiscard]] std::unique_ptr<sdbus::IProxy> proxy(const sdbus::ObjectPath& path) const {
    return sdbus::createProxy(*connection_, bus_name, path);
  }

  std::unique_ptr<sdbus::IConnection> connection_;
  std::unique_ptr<sdbus::IProxy> manager_;
};

DaemonProxy::DaemonProxy(std::unique_ptr<Bus> bus) : bus_(std::move(bus)) {}
DaemonProxy::DaemonProxy(DaemonProxy&&) noexcept = default;
DaemonProxy& DaemonProxy::operator=(DaemonProxy&&) noexcept = default;
DaemonProxy::~DaemonProxy() = default;

Answer<DaemonProxy> DaemonProxy::connect() {
  return attempt([] { return DaemonProxy(std::make_unique<Bus>()); });
}

Answer<std::string> DaemonProxy::unique_name() const {
  return attempt([&] { return bus_->owner_of(bus_name); });
}

Answer<Overview> DaemonProxy::overview() const {
  return attempt([&] {
    const Properties<sdbus::PropertyName> all =
        bus_->manager().getAllProperties().onInterface(manager_interface);
    return Overview{.version = find_or<std::string>(all, "Version", ""),
                    .mode = find_or<std::string>(all, "Mode", ""),
                    .state = find_or<std::string>(all, "State", ""),
                    .reason = find_or<std::string>(all, "StateReason", ""),
                    .config_errors = find_or<std::uint32_t>(all, "ConfigErrors", 0),
                    .failures = find_or<std::uint32_t>(all, "Failures", 0),
                    .events_lost = find_or<std::uint64_t>(all, "EventsLost", 0),
                    .untracked = find_or<std::uint64_t>(all, "Untracked", 0)};
  });
}

Answer<std::vector<UnitReport>> DaemonProxy::units() const {
  const auto listed = attempt([&] {
    ListedUnits units;
    bus_->manager().callMethod("ListUnits").onInterface(manager_interface).storeResultsTo(units);
    return units;
  });
  if (!listed) return std::unexpected(listed.error());
  std::vector<UnitReport> reports;
  for (const auto& entry : *listed) {
    auto report = attempt([&] { return bus_->read_unit(std::get<1>(entry)); });
    if (report)
      reports.push_back(*std::move(report));
    else if (!has_vanished(report.error()))
      return std::unexpected(report.error());
  }
  std::ranges::sort(reports, {}, &UnitReport::name);
  return reports;
}

Answer<UnitReport> DaemonProxy::stats(const std::string& unit) const {
  return attempt([&] {
    sdbus::ObjectPath path;
    bus_->manager()
        .callMethod("GetUnit")
        .onInterface(manager_interface)
        .withArguments(unit)
        .storeResultsTo(path);
    return bus_->read_unit(path);
  });
}

Answer<std::vector<UnitSetting>> DaemonProxy::settings(const std::string& unit) const {
  return attempt([&] {
    Settings answer;
    bus_->manager()
        .callMethod("GetSettings")
        .onInterface(manager_interface)
        .withArguments(unit)
        .storeResultsTo(answer);
    std::vector<UnitSetting> settings;
    settings.reserve(answer.size());
    for (const auto& [key, value, file, line] : answer)
      settings.push_back({.key = key, .value = value, .file = file, .line = line});
    return settings;
  });
}

Answer<void> DaemonProxy::order(const Options& options) const {
  std::string method(to_string(options.command));
  method.front() = static_cast<char>(method.front() - 'a' + 'A');
  if (options.for_usec) method += "For";
  return attempt([&] {
    auto call = bus_->manager().callMethod(method);
    call.onInterface(manager_interface).withTimeout(order_timeout);
    if (options.for_usec) call.withArguments(*options.for_usec);
  });
}

}  // namespace slo::client
