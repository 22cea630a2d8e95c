// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <functional>
#include <memory>

#include "base/error.h"
#include "base/handle.h"

namespace slo {

// A connection to the system bus that the event loop drives from its first byte on: nothing here waits, and a
// bus that accepts a connection and does not answer holds nobody up.
class SystemBus {
 public:
  // Called once, from the event loop: the bus has answered, or why it will not.
  using Opened = std::function<void(const Result<void>&)>;

  // The event loop outlives this object. Throws std::system_error where there is nobody to connect to.
  SystemBus(sd_event* event, const char* description, Opened opened);
  // Closes: what could not be sent yet is lost.
  ~SystemBus();
  SystemBus(const SystemBus&) = delete;
  SystemBus& operator=(const SystemBus&) = delete;

  [[nodiscard]] sd_bus* get() const { return bus_.get(); }
  // Not closed by the other end, nor by a handshake that failed.
  [[nodiscard]] bool is_open() const { return sd_bus_is_open(bus_.get()) > 0; }

 private:
  static int on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* error);

  std::unique_ptr<sd_bus, Deleter<sd_bus_unref>> bus_;
  std::unique_ptr<sd_bus_slot, Deleter<sd_bus_slot_unref>> question_;
  Opened opened_;
};

}  // namespace slo
