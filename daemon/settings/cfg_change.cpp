// SPDX-License-Identifier: GPL-2.0-only
#include "settings/cfg_change.h"

bool operator==(const slo_cfg& a, const slo_cfg& b) {
  return a.budget_ns == b.budget_ns && a.max_exec_ns == b.max_exec_ns && a.slot == b.slot &&
         a.importance == b.importance && a.flags == b.flags && a.unit == b.unit && a.server == b.server;
}

bool operator==(const slo_server_cfg& a, const slo_server_cfg& b) {
  return a.quota_ns == b.quota_ns && a.burst_ns == b.burst_ns && a.period_ns == b.period_ns &&
         a.parent == b.parent;
}

bool operator==(const slo_path& a, const slo_path& b) {
  return a.node == b.node && a.flags == b.flags && a.cfg == b.cfg;
}

namespace slo {

bool same_settings(const slo_cfg& a, const slo_cfg& b) {
  constexpr slo_u32 passing = SLO_CFG_SHED;
  return a.budget_ns == b.budget_ns && a.max_exec_ns == b.max_exec_ns && a.importance == b.importance &&
         (a.flags & ~passing) == (b.flags & ~passing);
}

}  // namespace slo
