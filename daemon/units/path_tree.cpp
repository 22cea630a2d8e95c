// SPDX-License-Identifier: GPL-2.0-only
#include "units/path_tree.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

namespace slo {
namespace {

struct Split {
  std::string_view above;  // "" of "/a"
  std::string_view name;
};

Split split(std::string_view path) {
  const auto slash = path.rfind('/');
  return {.above = path.substr(0, slash), .name = path.substr(slash + 1)};
}

bool is_root(std::string_view path) {
  return path.empty() || path == "/";
}

constexpr slo_path nothing{.node = SLO_NODE_NONE, .flags = 0, .cfg = {}};

}  // namespace

slo_path& PathTree::entry(Entries& entries, PathKey key) {
  return entries.try_emplace(std::move(key), nothing).first->second;
}

// The node of a path on the way to others. Those above it are made too.
std::uint32_t PathTree::node_of(std::string_view path, Entries& entries, Numbers& numbers) {
  if (is_root(path)) return SLO_NODE_ROOT;
  if (const auto known = numbers.find(path); known != numbers.end()) return known->second;
  const auto [above, name] = split(path);
  const std::uint32_t parent = node_of(above, entries, numbers);
  const auto told = numbers_.find(path);
  const std::uint32_t number = told != numbers_.end() ? told->second : next_++;
  numbers.emplace(path, number);
  entry(entries, {.node = parent, .name = std::string(name)}).node = number;
  return number;
}

void PathTree::add_path(std::string_view path, const slo_cfg& cfg, Entries& entries, Numbers& numbers) {
  const auto [above, name] = split(path);
  slo_path& at = entry(entries, {.node = node_of(above, entries, numbers), .name = std::string(name)});
  at.flags |= SLO_PATH_HAS_CFG;
  at.cfg = cfg;
}

PathChanges PathTree::tell(const Places& wanted) {
  Entries entries;
  Numbers numbers;
  std::size_t left_out = 0;
  // A path brings its nodes with it, of which there are never as many as levels in a file system's path.
  constexpr std::size_t room = SLO_PATHS_MAX - 256;
  for (const auto& [place, cfg] : wanted.patterns) {
    if (entries.size() >= room) {
      ++left_out;
      continue;
    }
    const std::uint32_t node = node_of(place.slice, entries, numbers);
    if (!is_root(place.slice)) {
      const auto [above, name] = split(place.slice);
      entry(entries, {.node = node_of(above, entries, numbers), .name = std::string(name)}).flags |=
          SLO_PATH_HAS_PATTERNS;
    }
    slo_path& at = entry(entries, {.node = node, .pattern = place.type, .name = place.prefix});
    at.flags = SLO_PATH_HAS_CFG;
    if (wanted.shared.contains(place)) at.flags |= SLO_PATH_IS_SHARED;
    at.cfg = cfg;
  }
  for (const auto& [path, cfg] : wanted.paths) {
    if (entries.size() >= room) {
      ++left_out;
      continue;
    }
    if (!is_root(path)) add_path(path, cfg, entries, numbers);
  }
  PathChanges changes = difference(entries, numbers);
  changes.left_out = left_out;
  told_ = std::move(entries);
  numbers_ = std::move(numbers);
  return changes;
}

// What is below a node is told before it, so that a cgroup on its way never finds half of it.
PathChanges PathTree::difference(const Entries& wanted, const Numbers& numbers) const {
  PathChanges changes;
  std::vector<PathChange> news;
  std::set<std::uint32_t> new_ways;
  for (const auto& [key, path] : told_) {
    if (!wanted.contains(key)) changes.changes.push_back({.key = key, .path = {}});
  }
  for (const auto& [key, path] : wanted) {
    changes.has_patterns = changes.has_patterns || key.pattern != SLO_PATTERN_NONE;
    const auto told = told_.find(key);
    if (told != told_.end() && told->second == path) continue;
    news.push_back({.key = key, .path = path});
    // The daemon itself tells cgroups of units that run; who comes below must find the way.
    const slo_path& before = told == told_.end() ? nothing : told->second;
    const auto way = [](const slo_path& of) { return std::pair(of.node, of.flags & SLO_PATH_HAS_PATTERNS); };
    if (way(path) != way(before)) new_ways.insert(path.node);
  }
  std::ranges::reverse(news);
  changes.changes.insert(changes.changes.end(), news.begin(), news.end());
  // In the order of the paths: who is below one that is looked through already is seen then.
  for (const auto& [path, number] : numbers) {
    const auto covers = [&path](const std::string& above) { return path.starts_with(above + "/"); };
    if (new_ways.contains(number) && std::ranges::none_of(changes.look_again, covers))
      changes.look_again.push_back(path);
  }
  return changes;
}

}  // namespace slo
