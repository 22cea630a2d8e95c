// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/daemon_proxy.h"

#include <sdbus-c++/sdbus-c++.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "base/bus_names.h"
#include "base/file.h"
#include "client/bus/unit_figures.h"

namespace slo::client {
namespace {

constexpr const char* unit_interface = "org.scxslo.Unit1";
// Attaching loads and verifies BPF programs, which takes long on a small or emulated machine.
constexpr std::chrono::seconds order_timeout{90};

template <class Key>
using Properties = std::map<Key, sdbus::Variant>;
using Stats = Properties<std::string>;
using Settings = std::vector<sdbus::Struct<std::string, std::string, std::string, std::uint32_t>>;
using EncodedUnkept = std::vector<sdbus::Struct<std::string, std::string, std::string>>;
using EncodedHistogram = std::vector<sdbus::Struct<std::uint64_t, std::uint64_t, std::uint64_t>>;
using Interfaces = std::map<sdbus::InterfaceName, Properties<sdbus::PropertyName>>;

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

BusError unnamed(std::string sentence) {
  return {.name = {}, .message = std::move(sentence)};
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

void take(Shown_t& value, const Properties<sdbus::PropertyName>& properties, const char* name) {
  if (const auto found = find<std::uint64_t>(properties, name); found != UINT64_MAX) value = found;
}

template <class T>
void take(T& value, const Properties<sdbus::PropertyName>& properties, const char* name) {
  value = find_or<T>(properties, name, {});
}

class BusFigures final : public NamedFigures {
 public:
  explicit BusFigures(const Stats& stats) : stats_(stats) {}

  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& name) const override {
    return find<std::uint64_t>(stats_, name.c_str());
  }
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const override {
    return find<std::string>(stats_, name.c_str());
  }
  [[nodiscard]] std::optional<double> ratio(const std::string& name) const override {
    return find<double>(stats_, name.c_str());
  }
  [[nodiscard]] Histogram histogram(const std::string& name) const override {
    Histogram histogram;
    for (const auto& [lower_ns, upper_ns, count] : find_or<EncodedHistogram>(stats_, name.c_str(), {}))
      histogram.push_back({.lower_ns = lower_ns, .upper_ns = upper_ns, .count = count});
    return histogram;
  }

 private:
  const Stats& stats_;
};

// A unit without its figures.
UnitReport decode_unit(const Properties<sdbus::PropertyName>& properties) {
  UnitReport unit;
  unit.name = find_or<std::string>(properties, "Name", "");
  unit.control_group = find_or<std::string>(properties, "ControlGroup", "");
  unit.control_group_id = find_or<std::uint64_t>(properties, "ControlGroupId", 0);
#define SLO_TAKE(member, Type, Suffix, type, json, ...) take(unit.json, properties, "Slo" #Type #Suffix);
  SLO_UNIT_SETTINGS(SLO_TAKE)
#undef SLO_TAKE
  unit.budget_origin = find_or<std::string>(properties, "SloBudgetOrigin", "");
  unit.need_daemon_reload = find_or<bool>(properties, "NeedDaemonReload", false);
  unit.pending = find_or<bool>(properties, "Pending", false);
  return unit;
}

std::vector<UnkeptReport> decode_unkept(const EncodedUnkept& rows) {
  std::vector<UnkeptReport> unkept;
  for (const auto& [unit, setting, why] : rows)
    unkept.push_back({.unit = unit, .setting = setting, .why = why});
  return unkept;
}

}  // namespace

class DaemonProxy::Bus {
 public:
  Bus() : connection_(sdbus::createSystemBusConnection()), manager_(proxy(sdbus::ObjectPath{manager_path})) {}

  [[nodiscard]] sdbus::IProxy& manager() const { return *manager_; }

  [[nodiscard]] std::string owner_of(const std::string& name) const {
    std::string owner;
    sdbus::createProxy(*connection_, sdbus::ServiceName{driver_name}, sdbus::ObjectPath{driver_path})
        ->callMethod("GetNameOwner")
        .onInterface(driver_name)
        .withArguments(name)
        .storeResultsTo(owner);
    return owner;
  }

  [[nodiscard]] UnitReport read_unit(const sdbus::ObjectPath& path) const {
    const auto unit = proxy(path);
    Stats stats;
    unit->callMethod("GetStats").onInterface(unit_interface).storeResultsTo(stats);
    UnitReport report = decode_unit(unit->getAllProperties().onInterface(unit_interface));
    take_figures(report, BusFigures(stats));
    return report;
  }

  // All units with settings of their own, by name, without figures.
  [[nodiscard]] std::vector<UnitReport> read_units() const {
    std::map<sdbus::ObjectPath, Interfaces> objects;
    manager_->callMethod("GetManagedObjects")
        .onInterface("org.freedesktop.DBus.ObjectManager")
        .storeResultsTo(objects);
    std::vector<UnitReport> units;
    for (const auto& interfaces : std::views::values(objects)) {
      const auto unit = interfaces.find(sdbus::InterfaceName{unit_interface});
      if (unit != interfaces.end()) units.push_back(decode_unit(unit->second));
    }
    std::ranges::sort(units, {}, &UnitReport::name);
    return units;
  }

  [[nodiscard]] std::string read_all_stats() const {
    sdbus::UnixFd file;
    manager_->callMethod("GetAllStats").onInterface(manager_interface).storeResultsTo(file);
    auto text = read_all(file.get());
    if (!text) throw sdbus::createError(text.error(), "read the statistics");
    return *std::move(text);
  }

 private:
  // All calls are synchronous, so no proxy may start a thread of its own on the shared connection.
  [[nodiscard]] std::unique_ptr<sdbus::IProxy> proxy(const sdbus::ObjectPath& path) const {
    return sdbus::createProxy(*connection_, sdbus::ServiceName{bus_name}, path);
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
                    .healthy = find_or<bool>(all, "Healthy", false),
                    .config_errors = find_or<std::uint32_t>(all, "ConfigErrors", 0),
                    .pending = find_or<std::uint32_t>(all, "Pending", 0),
                    .waiting = find_or<std::vector<std::string>>(all, "Waiting", {}),
                    .failures = find_or<std::uint32_t>(all, "Failures", 0),
                    .events_lost = find_or<std::uint64_t>(all, "EventsLost", 0),
                    .untracked = find_or<std::uint64_t>(all, "Untracked", 0),
                    .late_budgets = find_or<std::uint64_t>(all, "LateBudgets", 0),
                    .late_budget_max_usec = find_or<std::uint64_t>(all, "LateBudgetMaxUSec", 0),
                    .systemd_behind = find_or<bool>(all, "SystemdBehind", false),
                    .log_lines_lost = find_or<std::uint64_t>(all, "LogLinesLost", 0),
                    .longest_turn_usec = find_or<std::uint64_t>(all, "LongestTurnUSec", 0),
                    .longest_loading_turn_usec = find_or<std::uint64_t>(all, "LongestLoadingTurnUSec", 0),
                    .capacity = find_or<std::uint32_t>(all, "Capacity", 0),
                    .folded = find_or<std::uint32_t>(all, "Folded", 0),
                    .shed = find_or<std::vector<std::string>>(all, "Shed", {}),
                    .operator_reserve_usec = find_or<std::uint64_t>(all, "OperatorReservePerSecUSec", 0),
                    .strict = find_or<bool>(all, "Strict", false),
                    .limited_units = find_or<std::uint32_t>(all, "LimitedUnits", 0),
                    .throttled_units = find_or<std::uint32_t>(all, "ThrottledUnits", 0),
                    .unkept = decode_unkept(find_or<EncodedUnkept>(all, "Unkept", {}))};
  });
}

Answer<std::vector<UnitReport>> DaemonProxy::units() const {
  auto units = attempt([&] { return bus_->read_units(); });
  if (!units) return units;
  const auto document = attempt([&] { return bus_->read_all_stats(); });
  if (!document) return std::unexpected(document.error());
  return with_figures(*std::move(units), *document).transform_error(unnamed);
}

Answer<Limits> DaemonProxy::limits() const {
  const auto document = attempt([&] { return bus_->read_all_stats(); });
  if (!document) return std::unexpected(document.error());
  return limits_in(*document).transform_error(unnamed);
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

Answer<Fd> DaemonProxy::record(const std::vector<std::string>& units, std::uint64_t for_usec) const {
  return attempt([&] {
    sdbus::UnixFd trace;
    bus_->manager()
        .callMethod("Record")
        .onInterface(manager_interface)
        .withTimeout(order_timeout)
        .withArguments(units, for_usec)
        .storeResultsTo(trace);
    return Fd(trace.release());
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
