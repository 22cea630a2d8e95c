// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace slo {

// systemd's UNIT_NAME_MAX without the zero at its end.
inline constexpr std::size_t unit_name_max = 255;

inline constexpr std::string_view service_suffix = ".service";
inline constexpr std::string_view scope_suffix = ".scope";
inline constexpr std::string_view slice_suffix = ".slice";

// The suffix of a unit that has a cgroup of its own, and so can have a budget; empty: the name has none of
// these.
[[nodiscard]] constexpr std::optional<std::string_view> unit_suffix(std::string_view name) {
  constexpr std::array suffixes{service_suffix, scope_suffix, slice_suffix};
  const auto found =
      std::ranges::find_if(suffixes, [name](std::string_view suffix) { return name.ends_with(suffix); });
  return found == suffixes.end() ? std::nullopt : std::optional(*found);
}

using NameSet = std::set<std::string, std::less<>>;

// Names of units by the id of their cgroup; they live as long as what made the map does not change.
using UnitNames = std::map<std::uint64_t, std::string_view>;

}  // namespace slo
