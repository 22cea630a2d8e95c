// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unit_name.h"
#include "bpf/abi/slo_abi.h"

namespace slo {

// A limit (CPUQuota=) as the scheduler has it: its record, and what its place in server_cfgs says.
struct KeptLimit {
  slo_limit record{};
  slo_server_cfg cfg{};
};

// What is told of a limit.
struct LimitFigures {
  std::string unit = {};  // or the last component of its cgroup's path, where that is no unit's
  std::uint64_t cgroup_id = 0;
  std::uint64_t quota_ns = 0;  // CPU time per period
  std::uint64_t period_ns = 0;
  std::uint64_t burst_ns = 0;
  std::uint64_t periods = 0;            // in which something ran
  std::uint64_t throttled_periods = 0;  // of these: in which it was used up
  std::uint64_t throttled_ns = 0;       // how long it was used up in all, up to now
  std::uint64_t unused_ns = 0;          // since a task of it was last seen
  std::uint32_t parked = 0;             // tasks that wait for the next period
  bool used_up = false;                 // now
};

// Those in which something goes on, by name; a cgroup that nobody has run in for long may be gone, and its
// record stays until another one needs the place. now_ns: CLOCK_MONOTONIC.
[[nodiscard]] std::vector<LimitFigures> current_limits(const std::vector<KeptLimit>& kept,
                                                       const UnitNames& names, std::uint64_t now_ns);

// The quota in millionths of a CPU: microseconds of each second.
[[nodiscard]] std::uint64_t quota_ppm(const LimitFigures& limit);

// Something that is set on the machine and that the scheduler cannot honour.
struct UnkeptSetting {
  std::string unit;
  std::string setting;  // "CPUQuota="
  std::string why;
  friend bool operator==(const UnkeptSetting&, const UnkeptSetting&) = default;
};
// "CPUQuota= is not kept for web.service: …", without a full stop.
[[nodiscard]] std::string to_sentence(const UnkeptSetting& unkept);

enum class WhyUnkept : std::uint32_t {
  no_place = SLO_UNKEPT_NO_PLACE,
  too_deep = SLO_UNKEPT_TOO_DEEP,
  not_shown,  // by the kernel, to a scheduler
};
[[nodiscard]] UnkeptSetting unkept_limit(std::string unit, WhyUnkept why);
// What the scheduler has found.
[[nodiscard]] std::vector<UnkeptSetting> unkept_limits(const std::vector<slo_unkept_limit>& found,
                                                       const UnitNames& names);

}  // namespace slo
