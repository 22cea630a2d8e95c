// SPDX-License-Identifier: GPL-2.0-only
#include "bus/link.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exception>
#include <system_error>
#include <utility>

#include "base/bus_names.h"
#include "base/handle.h"

namespace slo {
BusLink::BusLink(sd_event* event, std::string version, std::string log_target, Log log,
                 ListAwaited list_awaited, ListEnded list_ended)
    : event_(event),
      version_(std::move(version)),
      log_target_(std::move(log_target)),
      log_(std::move(log)),
      list_awaited_(std::move(list_awaited)),
      list_ended_(std::move(list_ended)) {}

BusLink::~BusLink() {
  disconnect();
}

void BusLink::connect(Manager& manager) {
  manager_ = &manager;
  open();
}

void BusLink::own_name() {
  connection_->requestName(sdbus::ServiceName{bus_name});
  named_ = true;
}

// The bus is opened and attached to the event loop by hand: Authority needs the message as the C library has
// it, and the C library's event sources survive the end of the bus, where those of sdbus-c++ would throw
// through C.
void BusLink::open() {
  sd_bus* bus = nullptr;
  check(sd_bus_open_system_with_description(&bus, "scx-slod"), "connect to the system bus");
  std::unique_ptr<sd_bus, Deleter<sd_bus_close_unref>> owned(bus);
  check(sd_bus_attach_event(bus, event_, SD_EVENT_PRIORITY_NORMAL),
        "attach the system bus to the event loop");
  connection_ = sdbus::createBusConnection(owned.release());
  bus_ = bus;
  objects_ = std::make_unique<BusManager>(bus_, *connection_, event_, *manager_, version_);
  log_control_ = std::make_unique<BusLogControl>(*connection_, log_target_);
  systemd_ = std::make_unique<SystemdClient>(
      bus_,
      SystemdClient::Listener{
          .listed = [this](const Result<std::vector<UnitFact>>& facts) { take_list(facts); },
          .patterns = [this](const std::vector<UnitPattern>& found) { manager_->patterns_found(found); },
          .awaited = list_awaited_,
          .changed = [this](const UnitFact& fact) { manager_->unit_changed(fact); },
          .gone = [this](std::string_view name) { manager_->unit_gone(name); },
          .failed = log_,
      });
  systemd_->request_list();
}

void BusLink::disconnect() {
  systemd_.reset();
  log_control_.reset();
  objects_.reset();
  if (bus_ != nullptr) static_cast<void>(sd_bus_detach_event(bus_));
  connection_.reset();
  bus_ = nullptr;
}

void BusLink::take_list(const Result<std::vector<UnitFact>>& facts) {
  Result<void> outcome;
  if (facts) {
    manager_->units_listed(*facts);
  } else {
    outcome = std::unexpected(facts.error());
    log_(facts.error());
  }
  objects_->list_ended(outcome);
  list_ended_(outcome);
}

void BusLink::tend() {
  if (bus_ != nullptr && sd_bus_is_open(bus_) > 0) return;
  if (!lost_) {
    lost_ = true;
    log_({"reach the system bus", "", 0, "what is enforced stays so; trying to connect again every second"});
  }
  disconnect();
  try {
    open();
    // Answered later: waiting here for a bus that is only just starting could last longer than the watchdog
    // allows.
    if (named_)
      check(sd_bus_request_name_async(bus_, nullptr, bus_name, 0, nullptr, nullptr), "own the bus name");
    lost_ = false;
    spdlog::info("connected to the system bus again");
  } catch (const std::exception&) {  // said once above
    disconnect();
  }
}

void BusLink::request_list() {
  if (systemd_) {
    systemd_->request_list();
  } else {  // connecting asks for one; who waits is not to wait that long
    list_ended_(std::unexpected(Error{.tried = "list systemd's units", .advice = "the system bus is gone"}));
  }
}

void BusLink::state_changed(State state, const std::string& reason) {
  if (objects_) objects_->state_changed(state, reason);
}

void BusLink::units_changed() {
  if (objects_) objects_->changed();
}

void BusLink::unkept_changed(const std::vector<UnkeptSetting>& /*news*/) {
  if (objects_) objects_->changed();
}

void BusLink::deadline_missed(const MissReport& report) {
  if (objects_) objects_->deadline_missed(report);
}

void BusLink::config_problem(const ConfigProblem& /*problem*/) {
  if (objects_) objects_->changed();
}

}  // namespace slo
