// SPDX-License-Identifier: GPL-2.0-only
#include "units/told_settings.h"

#include <functional>
#include <ranges>

namespace slo {

std::vector<CfgChange> ToldSettings::tell(const CfgMap& wanted) {
  std::set<std::uint64_t> all;
  for (const auto& map : {std::cref(told_), std::cref(wanted)})
    for (const auto cgroup_id : std::views::keys(map.get())) all.insert(cgroup_id);
  return tell(all, wanted);
}

std::vector<CfgChange> ToldSettings::tell(const std::set<std::uint64_t>& cgroup_ids, const CfgMap& wanted) {
  std::vector<CfgChange> changes;
  for (const auto cgroup_id : cgroup_ids) {
    if (!wanted.contains(cgroup_id) && told_.erase(cgroup_id) != 0)
      changes.push_back({.cgroup_id = cgroup_id, .cfg = {}});
  }
  for (const auto cgroup_id : cgroup_ids) {
    const auto cfg = wanted.find(cgroup_id);
    if (cfg == wanted.end()) continue;
    const auto [told, is_new] = told_.try_emplace(cgroup_id, cfg->second);
    if (!is_new && told->second == cfg->second) continue;
    told->second = cfg->second;
    changes.push_back({.cgroup_id = cgroup_id, .cfg = cfg->second});
  }
  return changes;
}

const slo_cfg* ToldSettings::of(std::uint64_t cgroup_id) const {
  const auto told = told_.find(cgroup_id);
  return told == told_.end() ? nullptr : &told->second;
}

}  // namespace slo
