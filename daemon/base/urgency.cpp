// SPDX-License-Identifier: GPL-2.0-only
#include "base/urgency.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/handle.h"

namespace slo {
namespace {

constexpr int priority = 1;  // below everybody who is real-time on purpose

// Without the flag the kernel would refuse: systemd starts the daemon with it, and only the privileged may
// take it back. Nobody is forked that should have it.
void set_policy(int policy, int real_time_priority) {
  sched_param parameters{};
  parameters.sched_priority = real_time_priority;
  static_cast<void>(sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &parameters));
}

void give_up() {
  set_policy(SCHED_OTHER, 0);
}

void on_time(int /*number*/) {
  const int before = errno;
  give_up();
  errno = before;
}

int check_errno(int result) {
  return result < 0 ? -errno : result;
}

}  // namespace

Urgency::Urgency(std::chrono::milliseconds most) : most_(most) {
  struct sigaction action{};
  action.sa_handler = on_time;
  action.sa_flags = SA_RESTART;
  check(check_errno(sigaction(SIGRTMIN, &action, nullptr)), "handle the end of urgency");
  // To this thread and no other: the signal has to reach it inside its system call.
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGRTMIN;
  event._sigev_un._tid = gettid();
  check(check_errno(timer_create(CLOCK_MONOTONIC, &event, &timer_)), "make a timer for the end of urgency");
}

// The handler stays: a signal that is on its way must not end the process.
Urgency::~Urgency() {
  if (depth_ > 0) give_up();
  static_cast<void>(timer_delete(timer_));
}

void Urgency::enter() {
  ++depth_;
  arm(most_);  // first: nobody is urgent without an end
  set_policy(SCHED_RR, priority);
}

void Urgency::leave() {
  if (depth_ > 0) --depth_;
  if (depth_ > 0) return;
  give_up();
  arm({});
}

bool Urgency::urgent() {
  return (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_RR;
}

void Urgency::arm(std::chrono::milliseconds time) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  itimerspec once{};
  once.it_value = {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(time - seconds).count()};
  check(check_errno(timer_settime(timer_, 0, &once, nullptr)), "set the timer for the end of urgency");
}

}  // namespace slo
