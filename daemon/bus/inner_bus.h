// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <memory>

#include "base/handle.h"

namespace slo {

// A bus of two ends inside the daemon. The objects are at one, and need not know whether the system bus is
// there or who asks; at the other is the gate, which lets questions and orders through one after the other.
class InnerBus {
 public:
  // The event loop outlives this object. Throws std::system_error or sdbus::Error.
  explicit InnerBus(sd_event* event);
  ~InnerBus();
  InnerBus(const InnerBus&) = delete;
  InnerBus& operator=(const InnerBus&) = delete;

  [[nodiscard]] sdbus::IConnection& objects() const { return *objects_; }
  [[nodiscard]] sd_bus* asking() const { return asking_.get(); }
  // The end that objects() is on.
  [[nodiscard]] sd_bus* answering() const { return answering_.get(); }

 private:
  std::unique_ptr<sd_bus, Deleter<sd_bus_unref>> asking_;
  std::unique_ptr<sd_bus, Deleter<sd_bus_unref>> answering_;
  std::unique_ptr<sdbus::IConnection> objects_;  // on answering_
};

}  // namespace slo
