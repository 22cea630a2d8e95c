// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "settings/cfg_change.h"

namespace slo {

using CfgMap = std::map<std::uint64_t, slo_cfg>;  // by cgroup id

// What the kernel was told of settings.
class ToldSettings {
 public:
  // What it has to be told so that it knows these and no others; from then on it was told.
  [[nodiscard]] std::vector<CfgChange> tell(const CfgMap& wanted);
  // The same of these cgroups; what it knows of others stays.
  [[nodiscard]] std::vector<CfgChange> tell(const std::set<std::uint64_t>& cgroup_ids, const CfgMap& wanted);

  // nullptr: nothing.
  [[nodiscard]] const slo_cfg* of(std::uint64_t cgroup_id) const;

 private:
  CfgMap told_;  // what the changes handed out so far add up to
};

}  // namespace slo
