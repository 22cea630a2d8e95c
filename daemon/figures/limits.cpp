// SPDX-License-Identifier: GPL-2.0-only
#include "figures/limits.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/printable.h"
#include "bpf/policy/group.h"

namespace slo {
namespace {

constexpr std::uint64_t current_ns = 10 * SLO_NSEC_PER_SEC;
constexpr std::size_t longest_name = 255;
constexpr std::uint64_t ppm = 1'000'000;

// The scheduler writes while we read, and stamps may lie a moment ahead of our clock.
std::uint64_t since(std::uint64_t then_ns, std::uint64_t now_ns) {
  return now_ns > then_ns ? now_ns - then_ns : 0;
}

std::string name_of(const UnitNames& names, std::uint64_t cgroup_id,
                    const char (&name)[SLO_CGROUP_NAME_LEN]) {
  const auto unit = names.find(cgroup_id);
  if (unit != names.end()) return std::string(unit->second);
  return printable({name, strnlen(name, sizeof name)}, longest_name);
}

LimitFigures figures_of(const KeptLimit& limit, const UnitNames& names, std::uint64_t now_ns) {
  const slo_limit& record = limit.record;
  const bool used_up = record.throttled_from_ns != 0;
  return {.unit = name_of(names, record.cgroup_id, record.name),
          .cgroup_id = record.cgroup_id,
          .quota_ns = limit.cfg.quota_ns,
          .period_ns = limit.cfg.period_ns,
          .burst_ns = limit.cfg.burst_ns,
          .periods = record.nr_periods,
          .throttled_periods = record.nr_throttled,
          .throttled_ns = record.throttled_ns + (used_up ? since(record.throttled_from_ns, now_ns) : 0),
          .unused_ns = since(record.used_ns, now_ns),
          .parked = record.nr_parked,
          .used_up = used_up};
}

std::string text_of(WhyUnkept why) {
  switch (why) {
    case WhyUnkept::no_place:
      return "there is no place for it; at most " + std::to_string(SLO_LIMITS) +
             " control groups can have one";
    case WhyUnkept::too_deep:
      return "it is set " + std::to_string(SLO_GROUP_DEPTH_MAX) + " or more control groups further up";
    case WhyUnkept::not_shown:
      return "this kernel does not show limits to a scheduler";
  }
  std::unreachable();
}

}  // namespace

std::vector<LimitFigures> current_limits(const std::vector<KeptLimit>& kept, const UnitNames& names,
                                         std::uint64_t now_ns) {
  std::vector<LimitFigures> limits;
  for (const KeptLimit& limit : kept) {
    // One without a period was only just given the place.
    if (limit.record.task_group == 0 || limit.cfg.period_ns == 0) continue;
    if (limit.record.nr_parked == 0 && since(limit.record.used_ns, now_ns) > current_ns) continue;
    limits.push_back(figures_of(limit, names, now_ns));
  }
  std::ranges::sort(limits, {},
                    [](const LimitFigures& limit) { return std::tie(limit.unit, limit.cgroup_id); });
  return limits;
}

std::uint64_t quota_ppm(const LimitFigures& limit) {
  // A quota of hours per period is more than any machine has, and the product would overflow.
  const std::uint64_t quota_ns = std::min(limit.quota_ns, UINT64_MAX / ppm);
  return limit.period_ns == 0 ? 0 : quota_ns * ppm / limit.period_ns;
}

std::string to_sentence(const UnkeptSetting& unkept) {
  return unkept.setting + " is not kept for " + unkept.unit + ": " + unkept.why;
}

UnkeptSetting unkept_limit(std::string unit, WhyUnkept why) {
  return {.unit = std::move(unit), .setting = "CPUQuota=", .why = text_of(why)};
}

std::vector<UnkeptSetting> unkept_limits(const std::vector<slo_unkept_limit>& found, const UnitNames& names) {
  std::vector<UnkeptSetting> unkept;
  for (const slo_unkept_limit& limit : found)
    if (limit.reason != 0)
      unkept.push_back(
          unkept_limit(name_of(names, limit.cgroup_id, limit.name), static_cast<WhyUnkept>(limit.reason)));
  return unkept;
}

}  // namespace slo
