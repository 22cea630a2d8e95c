// SPDX-License-Identifier: GPL-2.0-only
#include "units/told_settings.h"

#include <ranges>
#include <utility>

namespace slo {

std::vector<CfgChange> ToldSettings::tell(CfgMap wanted) {
  std::vector<CfgChange> changes;
  for (const auto cgroup_id : std::views::keys(told_)) {
    if (!wanted.contains(cgroup_id)) changes.push_back({.cgroup_id = cgroup_id, .cfg = {}});
  }
  for (const auto& [cgroup_id, cfg] : wanted) {
    const auto told = told_.find(cgroup_id);
    if (told == told_.end() || told->second != cfg) changes.push_back({.cgroup_id = cgroup_id, .cfg = cfg});
  }
  told_ = std::move(wanted);
  return changes;
}

const slo_cfg* ToldSettings::of(std::uint64_t cgroup_id) const {
  const auto told = told_.find(cgroup_id);
  return told == told_.end() ? nullptr : &told->second;
}

}  // namespace slo
