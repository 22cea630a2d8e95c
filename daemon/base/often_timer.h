// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-event.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "base/handle.h"

namespace slo {

// Calls back about twenty times a second while it is switched on; at first it is off.
class OftenTimer {
 public:
  // on_exception: called inside a catch. The event loop outlives this object. Throws std::system_error.
  OftenTimer(sd_event* event, void (*on_exception)());
  OftenTimer(const OftenTimer&) = delete;
  OftenTimer& operator=(const OftenTimer&) = delete;

  void call(std::function<void()> body) { body_ = std::move(body); }
  void set(bool on);

 private:
  static int on_time(sd_event_source* source, std::uint64_t usec, void* userdata);

  void (*on_exception_)();
  Handle<sd_event_source, sd_event_source_disable_unref> source_;
  std::function<void()> body_ = [] {};
};

}  // namespace slo
