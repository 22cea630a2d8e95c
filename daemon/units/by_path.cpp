// SPDX-License-Identifier: GPL-2.0-only
#include "units/by_path.h"

#include <algorithm>
#include <cstddef>

#include "units/units.h"

namespace slo {

std::string_view path_above(std::string_view path) {
  if (path.size() <= 1) return {};
  return path.substr(0, std::max<std::size_t>(1, path.find_last_of('/')));
}

void UnitsByPath::add(const Unit& unit) {
  units_.emplace(unit.path, &unit);
}

const Unit* UnitsByPath::at(std::string_view path) const {
  const auto found = units_.find(path);
  return found == units_.end() ? nullptr : found->second;
}

const Unit* UnitsByPath::nearest(std::string_view path) const {
  for (; !path.empty(); path = path_above(path)) {
    if (const Unit* const unit = at(path)) return unit;
  }
  return nullptr;
}

}  // namespace slo
