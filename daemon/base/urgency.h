// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <time.h>

#include <chrono>

namespace slo {

// Lets the thread that made it run before all ordinary tasks of the machine (SCHED_RR, priority 1): what is
// to end an overload must not wait until the overload lets it. It ends by itself after some time, even inside
// a long computation, or a system call that a signal interrupts as it does the verifier's; so whatever goes
// wrong meanwhile, the machine has its CPU back. One object in a process, used by its own thread alone.
//
// Where the kernel refuses (no RLIMIT_RTPRIO, a sandbox) nothing happens: it is as slow as everybody then.
class Urgency {
 public:
  // most: how long the thread is urgent after the latest enter(). Throws std::system_error.
  explicit Urgency(std::chrono::milliseconds most = std::chrono::seconds(30));
  ~Urgency();
  Urgency(const Urgency&) = delete;
  Urgency& operator=(const Urgency&) = delete;

  // They may be inside each other: the last leave() ends it, and each enter() begins the time anew, as what
  // it is for is only beginning. The thread may be real-time before the first, as systemd starts the daemon;
  // leave() ends that as well.
  void enter();
  void leave();
  // As it is now: the kernel may have refused, or the time may be over.
  [[nodiscard]] static bool urgent();

 private:
  void arm(std::chrono::milliseconds time) const;

  std::chrono::milliseconds most_;
  timer_t timer_{};
  unsigned depth_ = 0;
};

}  // namespace slo
