// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-bus.h>

#include <memory>

#include "base/handle.h"

namespace slo {

using Message = std::unique_ptr<sd_bus_message, Deleter<sd_bus_message_unref>>;
using Slot = std::unique_ptr<sd_bus_slot, Deleter<sd_bus_slot_unref>>;

// For those who are called later, which have to be copied.
using HeldMessage = std::shared_ptr<sd_bus_message>;

inline HeldMessage hold(sd_bus_message* message) {
  return {sd_bus_message_ref(message), Deleter<sd_bus_message_unref>()};
}

inline Message share(sd_bus_message* message) {
  return Message(sd_bus_message_ref(message));
}

}  // namespace slo
