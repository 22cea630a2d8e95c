// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attachment/requirements.h"
#include "figures/limits.h"

namespace slo {

// A control group with the cpu controller; one without shares the task group of the nearest above it that has
// it, and does not count.
struct CpuGroup {
  std::string path;      // below the root of the control groups: "/system.slice/web.service"
  bool limited = false;  // CPUQuota=
};

// All of them under `root` ("/" on a real machine), each before those below it. Of a machine that has more
// than about 65,000 directories of control groups, the first that many.
[[nodiscard]] std::vector<CpuGroup> read_cpu_groups(const std::filesystem::path& root);

// Limits that the scheduler will not keep, at most SLO_UNKEPTS of them. shown: this kernel shows limits to a
// scheduler (KernelFacts::shows_limits).
[[nodiscard]] std::vector<UnkeptSetting> unkept_limits(std::span<const CpuGroup> groups, bool shown);

// Strict=yes: what cannot be kept stands in the way.
void require_kept(const std::vector<UnkeptSetting>& unkept, Requirements& requirements);

}  // namespace slo
