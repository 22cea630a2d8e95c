// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/slo_abi.h"

// Where the types are, so that containers of them find these.
[[nodiscard]] bool operator==(const slo_cfg& a, const slo_cfg& b);
[[nodiscard]] bool operator==(const slo_server_cfg& a, const slo_server_cfg& b);
[[nodiscard]] bool operator==(const slo_path& a, const slo_path& b);

// Settings as the kernel is told them.
namespace slo {

// One thing to tell the scheduler. Where several are handed out, those that forget come first.
struct CfgChange {
  std::uint64_t cgroup_id = 0;
  std::optional<slo_cfg> cfg;  // empty: forget this cgroup
  friend bool operator==(const CfgChange&, const CfgChange&) = default;
};

// Key of path_map: slo_path_key.
struct PathKey {
  std::uint32_t node = SLO_NODE_NONE;
  std::uint32_t pattern = SLO_PATTERN_NONE;
  std::string name;  // at most NAME_MAX bytes
  friend auto operator<=>(const PathKey&, const PathKey&) = default;
};

// One thing to tell of where units are, or will be.
struct PathChange {
  PathKey key;
  std::optional<slo_path> path;  // empty: forget it
};

// Changes of path_map, in the order in which they are to be made.
struct PathChanges {
  std::vector<PathChange> changes;
  bool has_patterns = false;  // afterwards there are patterns
  // Cgroups from which on those that exist are to be placed anew, as the way to some has changed.
  std::vector<std::string> look_again = {};
  std::size_t left_out = 0;  // of the paths and patterns, those for which there is no room
};

// Of the same unit files: who counts it, which reserve it has and whether it is shed change while it runs.
[[nodiscard]] bool same_settings(const slo_cfg& a, const slo_cfg& b);

// Reserves by the slot of the unit that has one.
using Servers = std::map<std::uint32_t, slo_server_cfg>;

}  // namespace slo
