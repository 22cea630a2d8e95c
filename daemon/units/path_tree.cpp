// SPDX-License-Identifier: GPL-2.0-only
#include "units/path_tree.h"

#include <algorithm>
#include <cstddef>
#include <ranges>
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

std::size_t nodes_and_itself(std::string_view path) {
  return static_cast<std::size_t>(std::ranges::count(path, '/'));
}

// A path brings its nodes with it, of which there are never as many as levels in a file system's path.
constexpr std::size_t room = SLO_PATHS_MAX - 256;

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

std::optional<PathChanges> PathTree::change(const PathCfgs& paths) {
  std::size_t most = told_.size();
  for (const auto& path : std::views::keys(paths)) most += nodes_and_itself(path);
  if (most > SLO_PATHS_MAX) return std::nullopt;
  PathChanges changes;
  for (const auto& [path, cfg] : paths)
    if (!cfg) forget_path(path, changes);
  for (const auto& [path, cfg] : paths)
    if (cfg && !is_root(path)) change_path(path, *cfg, changes);
  return changes;
}

// Nothing: no way leads there.
std::optional<PathKey> PathTree::key_of(std::string_view path) const {
  const auto [above, name] = split(path);
  if (is_root(above)) return PathKey{.node = SLO_NODE_ROOT, .name = std::string(name)};
  const auto parent = numbers_.find(above);
  if (parent == numbers_.end()) return std::nullopt;
  return PathKey{.node = parent->second, .name = std::string(name)};
}

void PathTree::forget_path(std::string_view path, PathChanges& changes) {
  const auto key = key_of(path);
  const auto at = key ? told_.find(*key) : told_.end();
  if (at == told_.end()) return;
  at->second.flags &= ~SLO_PATH_HAS_CFG;
  at->second.cfg = {};
  forget_entry(at, changes);
  forget_way(split(path).above, changes);
}

// Those ways that led to nothing else.
void PathTree::forget_way(std::string_view path, PathChanges& changes) {
  for (; !is_root(path); path = split(path).above) {
    const auto number = numbers_.find(path);
    if (number == numbers_.end() || leads_further(number->second)) return;
    const auto at = told_.find(*key_of(path));
    numbers_.erase(number);
    at->second.node = SLO_NODE_NONE;
    forget_entry(at, changes);
  }
}

bool PathTree::leads_further(std::uint32_t node) const {
  const auto first = told_.lower_bound({.node = node, .name = ""});
  return first != told_.end() && first->first.node == node;
}

void PathTree::forget_entry(Entries::iterator at, PathChanges& changes) {
  if (at->second != nothing) {
    changes.changes.push_back({.key = at->first, .path = at->second});
    return;
  }
  changes.changes.push_back({.key = at->first, .path = {}});
  told_.erase(at);
}

void PathTree::change_path(std::string_view path, const slo_cfg& cfg, PathChanges& changes) {
  std::vector<std::string_view> news;
  for (auto above = split(path).above; !is_root(above) && !numbers_.contains(above);
       above = split(above).above)
    news.push_back(above);
  if (!news.empty()) changes.look_again.emplace_back(news.back());
  const auto key = key_of(path);
  const auto told = key ? told_.find(*key) : told_.end();
  const slo_path before = told == told_.end() ? nothing : told->second;
  add_path(path, cfg, told_, numbers_);
  const PathKey now = *key_of(path);
  if (told_.at(now) != before) changes.changes.push_back({.key = now, .path = told_.at(now)});
  for (const auto way : news) {
    const PathKey way_key = *key_of(way);
    changes.changes.push_back({.key = way_key, .path = told_.at(way_key)});
  }
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
