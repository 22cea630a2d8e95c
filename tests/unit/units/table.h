// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/fakes.h"
#include "units/units.h"

namespace slo {

using fakes::fact;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Units over files in memory.
class UnitTable : public testing::Test {
 protected:
  void budget(const std::string& unit, const std::string& value) { files_.budgets["/etc/" + unit] = value; }

  // The change that gives `unit`, configured as it is now, its settings.
  [[nodiscard]] CfgChange sets(const std::string& unit) const {
    const Unit& configured = units_.configured().at(unit);
    return {.cgroup_id = configured.cgroup_id,
            .cfg = to_cfg(configured.effective, configured.slot, configured.number)};
  }

  // A value for one more key of the same file.
  template <class T>
  void also(const std::string& unit, std::optional<Setting<T>> SloSettings::* key, const char* text) {
    auto& setting = files_.further["/etc/" + unit].*key;
    setting = Setting<T>{.value = *T::parse(text), .origin = {.file = "/etc/" + unit, .line = 3}};
  }

  // What holds for a configured unit, as an operator would write it.
  [[nodiscard]] std::vector<std::string> in_force(const std::string& unit) const {
    std::vector<std::string> all;
    for (const auto& [key, value, origin] : named(units_.configured().at(unit).effective))
      all.push_back(key + "=" + value + " " + (origin.file.empty() ? "default" : origin.file));
    return all;
  }

  static CfgChange forgets(std::uint64_t cgroup_id) { return {.cgroup_id = cgroup_id, .cfg = {}}; }

  [[nodiscard]] std::string effective(std::string_view name) const {
    const Unit* unit = units_.effective(name);
    return unit == nullptr ? "-" : unit->name;
  }

  fakes::Files files_;
  Units units_{files_.reader()};
};

inline UnitFact slice(const std::string& name, const std::string& control_group, std::uint64_t cgroup_id) {
  return {.name = name, .control_group = control_group, .cgroup_id = cgroup_id, .files = {"/etc/" + name}};
}

}  // namespace slo
