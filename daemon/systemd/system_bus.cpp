// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/system_bus.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "base/bus_names.h"

namespace slo {

SystemBus::SystemBus(sd_event* event, const char* description, Opened opened) : opened_(std::move(opened)) {
  sd_bus* bus = nullptr;
  check(sd_bus_open_system_with_description(&bus, description), "connect to the system bus");
  bus_.reset(bus);
  check(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL), "attach the bus to the event loop");
  // Sent once the handshake is over, so its answer says that it is.
  sd_bus_slot* slot = nullptr;
  check(sd_bus_call_method_async(bus, &slot, driver_name, driver_path, driver_name, "GetId", on_answer, this,
                                 nullptr),
        "ask the bus for its name");
  question_.reset(slot);
}

SystemBus::~SystemBus() {
  static_cast<void>(sd_bus_detach_event(bus_.get()));
  // Whoever shares it may want to flush it, which waits for a bus that does not read.
  sd_bus_close(bus_.get());
}

int SystemBus::on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
  auto* const self = static_cast<SystemBus*>(userdata);
  return guard_callback(
      0,
      [] {
        try {
          throw;
        } catch (const std::exception& error) {
          spdlog::error("cannot go on with the system bus: {}", error.what());
        }
      },
      [&] {
        const sd_bus_error* const error = sd_bus_message_get_error(reply);
        // What is called may let go of this object.
        const Opened opened = std::move(self->opened_);
        if (error == nullptr) {
          opened({});
        } else {
          opened(std::unexpected(Error{.tried = "connect to the system bus", .advice = error->message}));
        }
        return 1;
      });
}

}  // namespace slo
