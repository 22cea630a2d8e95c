// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <set>
#include <string_view>
#include <vector>

namespace slo {

struct Unit;

// "/a/b" -> "/a" -> "/" -> "".
[[nodiscard]] std::string_view path_above(std::string_view path);

// Units with settings by where their cgroups are, or will be.
class UnitsByPath {
 public:
  // Only those that have a path are held. One whose path or name is about to change is removed before.
  void add(Unit& unit);
  void remove(Unit& unit);
  [[nodiscard]] const Unit* at(std::string_view path) const;
  // The unit whose cgroup is `path`, or else its nearest ancestor; nullptr: none.
  [[nodiscard]] const Unit* nearest(std::string_view path) const;
  [[nodiscard]] std::vector<const Unit*> below(std::string_view path) const;
  // Those above come before those below.
  [[nodiscard]] std::vector<Unit*> in_order() const { return {units_.begin(), units_.end()}; }

 private:
  struct Order {
    using is_transparent = void;
    bool operator()(const Unit* a, const Unit* b) const;
    bool operator()(const Unit* a, std::string_view path) const;
    bool operator()(std::string_view path, const Unit* b) const;
  };

  std::set<Unit*, Order> units_;
};

}  // namespace slo
