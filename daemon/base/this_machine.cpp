// SPDX-License-Identifier: GPL-2.0-only
#include "base/this_machine.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "base/handle.h"

namespace slo {
namespace {

constexpr std::uint64_t nsec_per_sec = 1'000'000'000;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  check(clock_gettime(clock, &now) == 0 ? 0 : -errno, "read the clock");
  return static_cast<std::uint64_t>(now.tv_sec) * nsec_per_sec + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

Instant now() {
  return {.boot_ns = clock_ns(CLOCK_BOOTTIME),
          .monotonic_ns = clock_ns(CLOCK_MONOTONIC),
          .realtime_ns = clock_ns(CLOCK_REALTIME)};
}

Machine this_machine() {
  Machine machine{.cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN))};
  if (utsname name{}; uname(&name) == 0) machine.kernel = name.release;
  return machine;
}

}  // namespace slo
