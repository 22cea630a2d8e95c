// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bus/gate.h"
#include "bus/inner_bus.h"
#include "bus/log_control.h"
#include "bus/manager_object.h"
#include "bus/self.h"
#include "manager.h"
#include "systemd/system_bus.h"

namespace slo {

// What the daemon shows on the system bus. Enforcing does not depend on it: a bus that goes away is logged,
// and it appears there again once that is back. Nothing here waits for the bus.
class BusLink final : public Audience {
 public:
  // Where to say that the bus is gone, back, or has said something strange.
  using Log = std::function<void(const Error&)>;
  // The event loop outlives this object.
  BusLink(sd_event* event, Self self, Log log);
  ~BusLink() override;
  BusLink(const BusLink&) = delete;
  BusLink& operator=(const BusLink&) = delete;

  // Makes the objects, and begins to connect; they appear under the daemon's name once the bus answers.
  // Throws std::system_error. The manager is given here, not earlier, as it needs this object first; it lives
  // until disconnect().
  void connect(Manager& manager);
  // Takes everything off the bus, and lets go of the manager.
  void disconnect();
  // Whether the name is ours, which is how others find us; nothing: the bus has not said so yet.
  [[nodiscard]] std::optional<Result<void>> named() const { return named_; }
  // About once a second: connects again when the bus is gone.
  void tend();
  // A list that Manager::reload() asked for has been taken over, or failed.
  void list_ended(const Result<void>& outcome);

  void state_changed(State state, const std::string& reason) override;
  void units_changed(const NameSet& names) override;
  void unkept_changed(const std::vector<UnkeptSetting>& news) override;
  void config_problem(const ConfigProblem& problem) override;
  void deadline_missed(const MissReport& report) override;

 private:
  static int on_name(sd_bus_message* reply, void* userdata, sd_bus_error* error);
  void open();
  void close();
  void opened(const Result<void>& outcome);
  void appear();
  void lost(const Error& error);

  sd_event* event_;
  Self self_;
  Log log_;
  InnerBus inner_;
  std::unique_ptr<BusManager> objects_;
  std::unique_ptr<BusLogControl> log_control_;
  std::unique_ptr<SystemBus> bus_;
  std::unique_ptr<Gate> gate_;
  Slot name_;
  std::optional<Result<void>> named_;
  bool lost_ = false;
};

}  // namespace slo
