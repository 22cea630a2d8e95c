// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "bpf/abi/slo_abi.h"

// Where the types are, so that containers of them find these.
[[nodiscard]] bool operator==(const slo_cfg& a, const slo_cfg& b);
[[nodiscard]] bool operator==(const slo_server_cfg& a, const slo_server_cfg& b);

// Settings as the kernel is told them.
namespace slo {

// One thing to tell the scheduler. Where several are handed out, those that forget come first.
struct CfgChange {
  std::uint64_t cgroup_id = 0;
  std::optional<slo_cfg> cfg;  // empty: forget this cgroup
  friend bool operator==(const CfgChange&, const CfgChange&) = default;
};

// Reserves by the slot of the unit that has one.
using Servers = std::map<std::uint32_t, slo_server_cfg>;

}  // namespace slo
