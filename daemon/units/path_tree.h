// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "settings/cfg_change.h"

namespace slo {

// What holds where nobody can know the whole path: for units of a type whose names begin alike, in one slice
// and in those below it that are not places of their own.
struct PatternPlace {
  std::string slice;   // path of a slice, "/": of the root
  std::uint32_t type;  // SLO_PATTERN_*
  std::string prefix;  // "docker-", "foo@", "": all of the type
  friend auto operator<=>(const PatternPlace&, const PatternPlace&) = default;
};

// Settings by place.
struct Places {
  std::map<std::string, slo_cfg, std::less<>> paths;  // by control group, "/system.slice/nginx.service"
  std::map<PatternPlace, slo_cfg> patterns;
  // Of `patterns`: each unit that has these settings needs a slot and a number of its own.
  std::set<PatternPlace> shared;
};

// What the cgroup at each path is to have; not set: no settings.
using PathCfgs = std::map<std::string, std::optional<slo_cfg>, std::less<>>;

// The tree of path_map: what the kernel was told of it, and the numbers of its nodes, which are never given
// again.
class PathTree {
 public:
  // What the kernel has to be told so that it knows these and no others; from then on it was told. What is
  // beyond SLO_PATHS_MAX is left out.
  [[nodiscard]] PathChanges tell(const Places& wanted);
  // The same where only these paths have other settings now, or none, and none of them is a slice: for the
  // work of these alone. Nothing: there may be no room, so that all are to be told.
  [[nodiscard]] std::optional<PathChanges> change(const PathCfgs& paths);
  [[nodiscard]] std::size_t size() const { return told_.size(); }

 private:
  using Entries = std::map<PathKey, slo_path>;
  using Numbers = std::map<std::string, std::uint32_t, std::less<>>;

  std::uint32_t node_of(std::string_view path, Entries& entries, Numbers& numbers);
  static slo_path& entry(Entries& entries, PathKey key);
  void add_path(std::string_view path, const slo_cfg& cfg, Entries& entries, Numbers& numbers);
  [[nodiscard]] std::optional<PathKey> key_of(std::string_view path) const;
  void forget_path(std::string_view path, PathChanges& changes);
  void forget_way(std::string_view path, PathChanges& changes);
  void forget_entry(Entries::iterator at, PathChanges& changes);
  [[nodiscard]] bool leads_further(std::uint32_t node) const;
  void change_path(std::string_view path, const slo_cfg& cfg, PathChanges& changes);
  [[nodiscard]] PathChanges difference(const Entries& wanted, const Numbers& numbers) const;

  Entries told_;
  Numbers numbers_;  // by path, of those that are told
  std::uint32_t next_ = SLO_NODE_ROOT + 1;
};

}  // namespace slo
