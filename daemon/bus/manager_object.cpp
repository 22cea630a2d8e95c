// SPDX-License-Identifier: GPL-2.0-only
#include "bus/manager_object.h"

#include <org.scxslo.Manager1_adaptor.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-event.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "base/bus_names.h"
#include "base/handle.h"
#include "bus/documents.h"
#include "bus/errors.h"
#include "bus/gate.h"
#include "bus/setting_values.h"
#include "bus/stats.h"
#include "bus/unit_objects.h"
#include "trace/recording_order.h"

namespace slo {
namespace {

using EventSource = Handle<sd_event_source, sd_event_source_disable_unref>;

// The live properties, as the bus was last told.
struct Shown {
  std::string mode;
  std::string state;
  std::string reason;
  bool healthy = true;
  std::uint32_t units = 0;
  std::uint32_t folded = 0;
  std::vector<std::string> shed = {};
  std::uint64_t operator_reserve = 0;
  bool strict = false;
  std::vector<UnkeptSetting> unkept = {};
  std::uint32_t config_errors = 0;
  std::uint32_t pending = 0;
  std::vector<std::string> waiting = {};
  std::uint32_t failures = 0;
  std::uint64_t late_budgets = 0;
};

}  // namespace

class BusManager::Object final
    : public sdbus::AdaptorInterfaces<org::scxslo::Manager1_adaptor, sdbus::Properties_adaptor,
                                      sdbus::ObjectManager_adaptor> {
 public:
  Object(const InnerBus& bus, sd_event* event, Manager& manager, const Self& self)
      : AdaptorInterfaces(bus.objects(), sdbus::ObjectPath{manager_path}),
        manager_(manager),
        self_(self),
        documents_(event),
        units_(bus.answering(), manager) {
    sd_event_source* source = nullptr;
    check(sd_event_add_defer(event, &source, on_deferred, this), "prepare the signals on the bus");
    deferred_.reset(source);
    registerAdaptor();
    for (const auto& name : std::views::keys(manager_.units())) changed_units_.insert(name);
    units_.follow(std::exchange(changed_units_, {}));
  }

  ~Object() { unregisterAdaptor(); }

  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void answer_reloads(const Result<void>& outcome) {
    const auto waiting = std::exchange(reloads_, {});
    for (const auto& caller : waiting) {
      if (outcome) {
        caller->returnResults();
      } else {
        caller->returnError(failed(outcome.error()));
      }
    }
  }

  void announce_later() { static_cast<void>(sd_event_source_set_enabled(deferred_.get(), SD_EVENT_ONESHOT)); }

  void announce_units(const NameSet& names) {
    changed_units_.insert(names.begin(), names.end());
    announce_later();
  }

  void announce_miss(const MissReport& report) {
    misses_.push_back(report);
    announce_later();
  }

  // A new reason for the same state is told by its property alone.
  void announce_state(slo::State state, const std::string& reason) {
    if (std::exchange(last_state_, state) != state) states_.emplace_back(to_string(state), reason);
    announce_later();
  }

 private:
  static int on_deferred(sd_event_source* /*source*/, void* userdata) {
    auto* const self = static_cast<Object*>(userdata);
    // A bus that is closing refuses signals; its end is noticed and handled where it was opened.
    return guard_callback(
        0,
        [] {
          try {
            throw;
          } catch (const std::exception& error) {
            spdlog::warn("ignoring that the bus could not be told of a change: {}", error.what());
          }
        },
        [self] {
          self->announce();
          return 0;
        });
  }

  void announce() {
    units_.follow(std::exchange(changed_units_, {}));
    const auto states = std::exchange(states_, {});
    for (const auto& [state, reason] : states) emitStateChanged(state, reason);
    const auto misses = std::exchange(misses_, {});
    for (const auto& miss : misses) emitDeadlineMissed(miss.unit, miss.count, encode_worst(miss));
    Shown now{Mode(),    State(),           StateReason(),  Healthy(),
              Units(),   Folded(),          Shed(),         OperatorReservePerSecUSec(),
              Strict(),  manager_.unkept(), ConfigErrors(), Pending(),
              Waiting(), Failures(),        LateBudgets()};
    std::vector<sdbus::PropertyName> changed;
    if (now.mode != shown_.mode) changed.emplace_back("Mode");
    if (now.state != shown_.state) changed.emplace_back("State");
    if (now.reason != shown_.reason) changed.emplace_back("StateReason");
    if (now.healthy != shown_.healthy) changed.emplace_back("Healthy");
    if (now.units != shown_.units) changed.emplace_back("Units");
    if (now.folded != shown_.folded) changed.emplace_back("Folded");
    if (now.shed != shown_.shed) changed.emplace_back("Shed");
    if (now.operator_reserve != shown_.operator_reserve) changed.emplace_back("OperatorReservePerSecUSec");
    if (now.strict != shown_.strict) changed.emplace_back("Strict");
    if (now.unkept != shown_.unkept) changed.emplace_back("Unkept");
    if (now.config_errors != shown_.config_errors) changed.emplace_back("ConfigErrors");
    if (now.pending != shown_.pending) changed.emplace_back("Pending");
    if (now.waiting != shown_.waiting) changed.emplace_back("Waiting");
    if (now.failures != shown_.failures) changed.emplace_back("Failures");
    if (now.late_budgets != shown_.late_budgets)
      changed.insert(changed.end(),
                     {sdbus::PropertyName("LateBudgets"), sdbus::PropertyName("LateBudgetMaxUSec")});
    shown_ = std::move(now);
    if (!changed.empty()) emitPropertiesChangedSignal(org::scxslo::Manager1_adaptor::INTERFACE_NAME, changed);
  }

  std::vector<sdbus::Struct<std::string, sdbus::ObjectPath>> ListUnits() override {
    std::vector<sdbus::Struct<std::string, sdbus::ObjectPath>> units;
    for (const auto& [name, unit] : manager_.units()) units.emplace_back(name, unit_object_path(name));
    return units;
  }

  sdbus::ObjectPath GetUnit(const std::string& name) override {
    const Unit* unit = manager_.effective(name);
    if (unit == nullptr) throw no_such_unit(manager_, name);
    return unit_object_path(unit->name);
  }

  std::map<std::string, sdbus::Variant> GetStats(const std::string& name) override {
    const auto stats = manager_.stats(name);
    if (!stats) throw no_such_unit(manager_, name);
    return encode_stats(*stats);
  }

  sdbus::UnixFd GetAllStats() override {
    const std::uint32_t uid = Gate::user_of(getObject().getCurrentlyProcessedMessage().getSender());
    if (documents_.is_full_for(uid))
      throw sdbus::Error{sdbus::Error::Name{"org.freedesktop.DBus.Error.LimitsExceeded"},
                         "the statistics that this user, or all of them, have asked for are not read yet"};
    auto document = documents_.hand_out(uid, all_stats(manager_));
    if (!document) throw failed(document.error());
    return sdbus::UnixFd{document->release(), sdbus::adopt_fd};
  }

  std::vector<sdbus::Struct<std::string, std::string, std::string, std::uint32_t>> GetSettings(
      const std::string& name) override {
    if (!manager_.knows(name)) throw no_such_unit(manager_, name);
    std::vector<sdbus::Struct<std::string, std::string, std::string, std::uint32_t>> rows;
    for (const auto& [key, value, origin] : manager_.settings(name))
      rows.emplace_back(key, value, origin.file, origin.line);
    return rows;
  }

  void Attach() override { attach({}); }

  void AttachFor(const std::uint64_t& for_usec) override {
    if (!trial_limits.accept_usec(for_usec))
      throw invalid_arguments("a trial of " + std::to_string(for_usec) + " us: accepted is " +
                              trial_limits.to_string());
    attach(for_usec * SLO_NSEC_PER_USEC);
  }

  void Confirm() override {
    if (const auto confirmed = manager_.confirm(); !confirmed) throw not_attached(confirmed.error());
  }

  void Detach() override {
    if (const auto detached = manager_.detach(); !detached) throw not_kept(detached.error());
  }

  void Reload(sdbus::Result<>&& result) override {
    reloads_.push_back(std::make_shared<sdbus::Result<>>(std::move(result)));
    manager_.reload();
  }

  sdbus::UnixFd Record(const std::vector<std::string>& units, const std::uint64_t& for_usec) override {
    const RecordingOrder order{units, for_usec};
    const auto knows = [this](const std::string& unit) { return manager_.knows(unit); };
    if (const auto refusal = refuse_recording(order, knows, manager_.recording()))
      throw refused(manager_, *refusal);
    auto reader = manager_.record(order.units, order.for_usec * SLO_NSEC_PER_USEC);
    if (!reader) throw unsupported(reader.error());
    return sdbus::UnixFd{reader->release(), sdbus::adopt_fd};
  }

  void attach(std::optional<std::uint64_t> trial_ns) {
    if (const auto attached = manager_.attach(trial_ns); !attached) throw not_attached(attached.error());
  }

  std::string Version() override { return self_.version; }
  std::string Mode() override { return std::string{to_string(manager_.mode())}; }
  std::string State() override { return std::string{to_string(manager_.state())}; }
  std::string StateReason() override { return manager_.state_reason(); }
  bool Healthy() override { return manager_.healthy(); }
  std::uint32_t Units() override { return static_cast<std::uint32_t>(manager_.units().size()); }
  std::uint32_t Capacity() override { return manager_.capacity(); }
  std::vector<std::string> Waiting() override {
    return {manager_.waiting().begin(), manager_.waiting().end()};
  }
  std::vector<std::string> Shed() override { return {manager_.shed().begin(), manager_.shed().end()}; }
  std::uint64_t OperatorReservePerSecUSec() override { return per_sec_usec(manager_.operator_permille()); }
  bool Strict() override { return manager_.strict(); }
  std::vector<sdbus::Struct<std::string, std::string, std::string>> Unkept() override {
    std::vector<sdbus::Struct<std::string, std::string, std::string>> rows;
    for (const auto& [unit, setting, why] : manager_.unkept()) rows.emplace_back(unit, setting, why);
    return rows;
  }
  std::uint32_t LimitedUnits() override {
    return count_limits([](const LimitFigures&) { return true; });
  }
  std::uint32_t ThrottledUnits() override {
    return count_limits([](const LimitFigures& limit) { return limit.used_up; });
  }
  std::uint32_t count_limits(bool (*is_counted)(const LimitFigures&)) {
    const auto limits = manager_.limits();
    return limits ? static_cast<std::uint32_t>(std::ranges::count_if(*limits, is_counted)) : 0;
  }
  std::uint32_t Folded() override { return static_cast<std::uint32_t>(manager_.folded()); }
  std::uint32_t ConfigErrors() override { return manager_.config_errors(); }
  std::uint32_t Pending() override { return static_cast<std::uint32_t>(manager_.pending()); }
  std::uint32_t Failures() override { return static_cast<std::uint32_t>(manager_.failures()); }
  std::uint64_t EventsLost() override { return manager_.counters().events_lost; }
  std::uint64_t Untracked() override { return manager_.counters().untracked; }
  bool SystemdBehind() override { return self_.figures().systemd_behind; }
  std::uint64_t LogLinesLost() override { return self_.figures().lines_lost; }
  std::uint64_t LongestTurnUSec() override { return self_.figures().longest_turn_ns / SLO_NSEC_PER_USEC; }
  std::uint64_t LongestLoadingTurnUSec() override {
    return self_.figures().longest_loading_turn_ns / SLO_NSEC_PER_USEC;
  }
  std::uint64_t LateBudgets() override { return manager_.late_budgets().number; }
  std::uint64_t LateBudgetMaxUSec() override { return manager_.late_budgets().latest_ns / SLO_NSEC_PER_USEC; }

  Manager& manager_;
  const Self& self_;
  Documents documents_;
  EventSource deferred_;
  Shown shown_;
  std::optional<slo::State> last_state_;
  std::vector<std::pair<std::string, std::string>> states_;  // still to be announced
  std::vector<MissReport> misses_;                           // still to be announced
  std::vector<std::shared_ptr<sdbus::Result<>>> reloads_;    // callers who wait for the list
  NameSet changed_units_;                                    // still to be announced
  BusUnits units_;
};

BusManager::BusManager(const InnerBus& bus, sd_event* event, Manager& manager, const Self& self)
    : object_(std::make_unique<Object>(bus, event, manager, self)) {}

BusManager::~BusManager() = default;

void BusManager::list_ended(const Result<void>& outcome) {
  object_->answer_reloads(outcome);
}

void BusManager::state_changed(State state, const std::string& reason) {
  object_->announce_state(state, reason);
}

void BusManager::deadline_missed(const MissReport& report) {
  object_->announce_miss(report);
}

void BusManager::units_changed(const NameSet& names) {
  object_->announce_units(names);
}

void BusManager::changed() {
  object_->announce_later();
}

}  // namespace slo
