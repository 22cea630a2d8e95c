// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <functional>
#include <memory>
#include <string>

#include "bus/log_control.h"
#include "bus/manager_object.h"
#include "manager.h"
#include "systemd/client.h"

namespace slo {

// The daemon's connection to the system bus with all that lives on it. Enforcing does not depend on it: a bus
// that goes away is logged, and everything is exported and subscribed again once it is back.
class BusLink final : public UnitSource, public Audience {
 public:
  // Log: where to say that the bus is gone, back, or has said something strange; also told of lists that
  // failed.
  using Log = std::function<void(const Error&)>;
  // A list that was asked for has been taken over, or will not come.
  using ListEnded = std::function<void(const Result<void>&)>;
  // One has been asked for, or soon will be.
  using ListAwaited = std::function<void()>;
  // log_target: where the daemon's words go, as LogControl1 has it. The event loop outlives this object.
  BusLink(sd_event* event, std::string version, std::string log_target, Log log, ListAwaited list_awaited,
          ListEnded list_ended);
  ~BusLink() override;
  BusLink(const BusLink&) = delete;
  BusLink& operator=(const BusLink&) = delete;

  // Connects, exports, subscribes and asks for the first list. Throws sdbus::Error or std::system_error. The
  // manager is given here, not earlier, as it needs this object first; it lives until disconnect().
  void connect(Manager& manager);
  // Takes everything off the bus, and lets go of the manager.
  void disconnect();
  // Appears under the daemon's name. Throws sdbus::Error; waits for the bus (not for PID 1).
  void own_name();
  // About once a second: connects again when the bus is gone.
  void tend();

  void request_list() override;

  void state_changed(State state, const std::string& reason) override;
  void units_changed() override;
  void unkept_changed(const std::vector<UnkeptSetting>& news) override;
  void config_problem(const ConfigProblem& problem) override;
  void deadline_missed(const MissReport& report) override;

 private:
  void open();
  void take_list(const Result<std::vector<UnitFact>>& facts);

  sd_event* event_;
  std::string version_;
  std::string log_target_;
  Log log_;
  ListAwaited list_awaited_;
  ListEnded list_ended_;
  Manager* manager_ = nullptr;
  sd_bus* bus_ = nullptr;  // owned by connection_
  std::unique_ptr<sdbus::IConnection> connection_;
  std::unique_ptr<BusManager> objects_;
  std::unique_ptr<BusLogControl> log_control_;
  std::unique_ptr<SystemdClient> systemd_;
  bool named_ = false;
  bool lost_ = false;
};

}  // namespace slo
