// SPDX-License-Identifier: GPL-2.0-only
#include "units/by_path.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>

#include "units/units.h"

namespace slo {

std::string_view path_above(std::string_view path) {
  if (path.size() <= 1) return {};
  return path.substr(0, std::max<std::size_t>(1, path.find_last_of('/')));
}

bool UnitsByPath::Order::operator()(const Unit* a, const Unit* b) const {
  return std::tie(a->path, a->name) < std::tie(b->path, b->name);
}

bool UnitsByPath::Order::operator()(const Unit* a, std::string_view path) const {
  return a->path < path;
}

bool UnitsByPath::Order::operator()(std::string_view path, const Unit* b) const {
  return path < b->path;
}

void UnitsByPath::add(Unit& unit) {
  if (!unit.path.empty()) units_.insert(&unit);
}

void UnitsByPath::remove(Unit& unit) {
  units_.erase(&unit);
}

const Unit* UnitsByPath::at(std::string_view path) const {
  const auto found = units_.lower_bound(path);
  return found == units_.end() || (*found)->path != path ? nullptr : *found;
}

const Unit* UnitsByPath::nearest(std::string_view path) const {
  for (; !path.empty(); path = path_above(path)) {
    if (const Unit* const unit = at(path)) return unit;
  }
  return nullptr;
}

std::vector<const Unit*> UnitsByPath::below(std::string_view path) const {
  std::vector<const Unit*> units;
  if (path.empty()) return units;
  const std::string start = path == "/" ? "/" : std::string(path) + "/";
  for (auto at = units_.lower_bound(std::string_view(start));
       at != units_.end() && (*at)->path.starts_with(start); ++at)
    units.push_back(*at);
  return units;
}

}  // namespace slo
