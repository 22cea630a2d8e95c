// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <signal.h>
#include <systemd/sd-event.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/turns.h"
#include "base/urgency.h"
#include "bus/link.h"
#include "kernel/bpf_kernel.h"
#include "manager.h"
#include "settings/unit_files.h"
#include "systemd/journal.h"
#include "systemd/link.h"

namespace slo {

inline constexpr int exit_requirements =
    78;  // EX_CONFIG: starting again does not help, and the unit file says so

// To be called inside a catch.
void log_exception();

// Says why, and answers with the exit code.
[[nodiscard]] int cannot_start(Journal& journal, const std::vector<std::string>& sentences);

// What happens in the event loop of the daemon: signals, time, what the kernel has to tell; and what systemd
// waits for, and is told. All of it outlives this object, but what it adds to the event loop does not.
class Service {
 public:
  struct Parts {
    sd_event* event;
    BpfKernel& kernel;
    Manager& manager;
    BusLink& bus;
    SystemdLink& systemd;
    UnitFiles& unit_files;
    Journal& journal;
    Urgency& urgency;
    Turns& turns;
  };
  explicit Service(const Parts& parts) : parts_(parts) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Throws std::system_error.
  void add_event_sources();
  // What unit files say, and what they are enough to attach for: before the bus is there or PID 1 has
  // answered, which may take both long where it matters most. What systemd says afterwards holds.
  void take_unit_files();
  // Before anyone is told that we are ready, the units are known and what can run does. Empty: it is so; else
  // the exit code. What went wrong has been logged.
  [[nodiscard]] std::optional<int> start_up();
  // Until somebody says that it is to end. Throws std::system_error.
  void run();

 private:
  static int on_stop_signal(sd_event_source* source, const signalfd_siginfo* info, void* userdata);
  static int on_reload_signal(sd_event_source* source, const signalfd_siginfo* info, void* userdata);
  static int on_tick(sd_event_source* source, std::uint64_t usec, void* userdata);
  static int on_load(sd_event_source* source, std::uint64_t usec, void* userdata);
  static int on_events(sd_event_source* source, int fd, std::uint32_t revents, void* userdata);
  [[nodiscard]] SystemdClient::Listener listener();
  void list_awaited();
  void take_list(const Result<std::vector<UnitFact>>& facts);
  void pace_looks();
  void pet_while_alive();
  bool take_turn();

  Parts parts_;
  std::optional<bool> first_list_;  // whether it came
  bool reloading_ = false;
  bool urgent_for_list_ = false;
  bool petting_ = true;               // the watchdog
  sd_event_source* looks_ = nullptr;  // at the load; the event loop's
  std::uint64_t look_after_ns_ = Overload::step_ns;
};

}  // namespace slo
