// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <ranges>
#include <string_view>

namespace slo {

struct Unit;

// "/a/b" -> "/a" -> "/" -> "".
[[nodiscard]] std::string_view path_above(std::string_view path);

// Units with settings by where their cgroups are, or will be. It lives as long as none of them changes.
class UnitsByPath {
 public:
  void add(const Unit& unit);  // it has a path
  [[nodiscard]] const Unit* at(std::string_view path) const;
  // The unit whose cgroup is `path`, or else its nearest ancestor; nullptr: none.
  [[nodiscard]] const Unit* nearest(std::string_view path) const;
  // Those above come before those below.
  [[nodiscard]] auto in_order() const { return std::views::values(units_); }

 private:
  std::map<std::string_view, const Unit*> units_;
};

}  // namespace slo
