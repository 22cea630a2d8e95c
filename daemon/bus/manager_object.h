// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <memory>
#include <string>

#include "bus/inner_bus.h"
#include "bus/self.h"
#include "manager.h"

struct sd_event;

namespace slo {

// org.scxslo.Manager1 at /org/scxslo and the objects of all units with settings. Only translates: decode,
// one call of the manager, encode; who may ask is up to the gate. Signals leave from the event loop a moment
// after the fact, so that their values are what the manager says once it has finished.
class BusManager {
 public:
  // All outlive this object.
  BusManager(const InnerBus& bus, sd_event* event, Manager& manager, const Self& self);
  ~BusManager();
  BusManager(const BusManager&) = delete;
  BusManager& operator=(const BusManager&) = delete;

  // The list that Manager::reload() asked for has been taken over, or failed: callers of Reload get their
  // answer.
  void list_ended(const Result<void>& outcome);

  void state_changed(State state, const std::string& reason);
  void deadline_missed(const MissReport& report);
  void units_changed(const NameSet& names);
  // Something else that the bus shows may be different now.
  void changed();

 private:
  class Object;
  std::unique_ptr<Object> object_;
};

}  // namespace slo
