// SPDX-License-Identifier: GPL-2.0-only
#include "base/urgency.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

namespace slo {
namespace {

using std::chrono::milliseconds;

// Whether this machine lets whoever runs the tests be real-time at all.
bool may_be_urgent() {
  const sched_param one{.sched_priority = 1};
  const sched_param none{.sched_priority = 0};
  return sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &one) == 0 &&
         sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0;
}

TEST(Urgency, LastsFromTheOutermostEnterToItsLeave) {
  const bool may = may_be_urgent();
  Urgency urgency;
  EXPECT_FALSE(Urgency::urgent());
  urgency.enter();
  EXPECT_EQ(Urgency::urgent(), may);
  urgency.enter();
  urgency.leave();
  EXPECT_EQ(Urgency::urgent(), may);
  urgency.leave();
  EXPECT_FALSE(Urgency::urgent());
  urgency.leave();  // one too many does nothing
  EXPECT_FALSE(Urgency::urgent());
}

TEST(Urgency, EndsByItselfWhateverTheThreadDoes) {
  Urgency urgency(milliseconds(50));
  urgency.enter();
  while (Urgency::urgent()) continue;
  const bool may = may_be_urgent();
  urgency.enter();
  EXPECT_EQ(Urgency::urgent(), may) << "for what begins now there is as much time again";
  while (Urgency::urgent()) continue;
  urgency.leave();
  urgency.leave();
  EXPECT_FALSE(Urgency::urgent());
}

TEST(Urgency, EndsWithItsObject) {
  {
    Urgency urgency;
    urgency.enter();
  }
  EXPECT_FALSE(Urgency::urgent());
}

// As the daemon runs: systemd has made it real-time, and it has no privilege but its limit.
void enter_and_leave_as_nobody() {
  const rlimit limit{.rlim_cur = 1, .rlim_max = 1};
  const sched_param one{.sched_priority = 1};
  if (!may_be_urgent() || geteuid() != 0 || setrlimit(RLIMIT_RTPRIO, &limit) != 0)
    _exit(EXIT_SUCCESS);  // nothing to be seen on this machine
  if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &one) != 0 || setuid(65534) != 0)
    _exit(EXIT_FAILURE);
  Urgency urgency;
  bool good = Urgency::urgent();
  for (int times = 0; times < 2; ++times) {
    urgency.enter();
    good = good && Urgency::urgent();
    urgency.leave();
    good = good && !Urgency::urgent();
  }
  _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

TEST(Urgency, NeedsNothingButTheLimit) {
  EXPECT_EXIT(enter_and_leave_as_nobody(), testing::ExitedWithCode(EXIT_SUCCESS), "");
}

}  // namespace
}  // namespace slo
