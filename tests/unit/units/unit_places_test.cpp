// SPDX-License-Identifier: GPL-2.0-only
// Where the kernel is told to look for the settings of units to come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "bpf/policy/policy.h"
#include "tests/unit/units/table.h"

namespace slo {
namespace {

class UnitPlaces : public UnitTable {
 protected:
  void take() {
    for (const auto& [key, path] : units_.take_path_changes().changes) {
      if (path)
        map_.insert_or_assign(key, *path);
      else
        map_.erase(key);
    }
  }
  [[nodiscard]] std::optional<slo_path> at(std::initializer_list<const char*> components) const {
    slo_path found{.node = SLO_NODE_ROOT, .flags = 0, .cfg = {}};
    for (const char* name : components) {
      const auto next = map_.find({.node = found.node, .name = name});
      if (next == map_.end()) return std::nullopt;
      found = next->second;
    }
    return found;
  }
  [[nodiscard]] std::optional<slo_path> pattern(slo_u32 type, const char* prefix,
                                                slo_u32 node = SLO_NODE_ROOT) const {
    const auto found = map_.find({.node = node, .pattern = type, .name = prefix});
    return found == map_.end() ? std::nullopt : std::optional(found->second);
  }
  static UnitPattern pattern_of(const std::string& name) { return {.name = name, .files = {"/etc/" + name}}; }

  std::map<PathKey, slo_path> map_;
};

TEST_F(UnitPlaces, AUnitThatHasNeverRunIsFoundWhereItWillBe) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 0)});
  take();
  const slo_path path = at({"system.slice", "a.service"}).value();
  EXPECT_EQ(path.flags, SLO_PATH_HAS_CFG);
  EXPECT_EQ(path.cfg.budget_ns, 5'000'000U);
  EXPECT_EQ(path.cfg.unit, units_.configured().at("a.service").number);
  EXPECT_EQ(path.cfg.slot, units_.configured().at("a.service").slot);
  EXPECT_NE(path.cfg.slot, SLO_NO_SLOT);
}

TEST_F(UnitPlaces, WhatRunsSomewhereIsFoundThereAgain) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 7, "/web.slice")});
  take();
  EXPECT_TRUE(at({"web.slice", "a.service"}));
  EXPECT_FALSE(at({"system.slice", "a.service"}));
  units_.gone("a.service");
  take();
  EXPECT_FALSE(at({"web.slice"}));
}

TEST_F(UnitPlaces, ASlicesSettingsAreInheritedBeforeAnythingRuns) {
  budget("system.slice", "50ms");
  also("a.service", &SloSettings::importance, "300");
  units_.listed({fact("a.service", 0), slice("system.slice", "", 0)});
  take();
  EXPECT_EQ(at({"system.slice", "a.service"})->cfg.budget_ns, 50'000'000U);
  EXPECT_EQ(at({"system.slice", "a.service"})->cfg.importance, 300U);
}

TEST_F(UnitPlaces, AReserveHoldsFromTheStartAndTakesNothingBefore) {
  for (const char* name : {"a.service", "b.service"}) budget(name, "5ms");
  also("a.service", &SloSettings::reserve, "60%");
  also("b.service", &SloSettings::reserve, "60%");
  units_.set_capacity(950);
  units_.listed({fact("a.service", 1), fact("b.service", 0)});
  take();
  const auto servers = units_.reserves().servers;
  EXPECT_EQ(servers.at(at({"system.slice", "b.service"})->cfg.server).quota_ns, 60'000'000U);
  EXPECT_EQ(servers.at(server_of_slot(units_.configured().at("a.service").slot)).quota_ns, 60'000'000U);
  EXPECT_FALSE(units_.reserves().scaled.contains("a.service"));
}

TEST_F(UnitPlaces, TemplatesPrefixesAndTypesAreFoundByTheBeginningOfAName) {
  for (const char* name : {"db@.service", "docker-.scope", "slice"}) budget(name, "5ms");
  units_.found_patterns({pattern_of("db@.service"), pattern_of("docker-.scope"), pattern_of("slice")});
  take();
  const slo_path docker = pattern(SLO_PATTERN_SCOPE, "docker-").value();
  EXPECT_EQ(docker.flags, SLO_PATH_HAS_CFG | SLO_PATH_IS_SHARED);
  EXPECT_EQ(docker.cfg.budget_ns, 5'000'000U);
  EXPECT_EQ(docker.cfg.slot, SLO_NO_SLOT) << "each of them gets one of its own";
  EXPECT_TRUE(pattern(SLO_PATTERN_SERVICE, "db@"));
  EXPECT_TRUE(pattern(SLO_PATTERN_SLICE, ""));
  units_.found_patterns({});
  take();
  EXPECT_FALSE(pattern(SLO_PATTERN_SERVICE, "db@"));
}

TEST_F(UnitPlaces, InASliceWithSettingsAPatternInheritsThem) {
  budget("docker-.scope", "5ms");
  also("batch.slice", &SloSettings::importance, "7");
  units_.found_patterns({pattern_of("docker-.scope")});
  units_.listed({slice("batch.slice", "/batch.slice", 1)});
  take();
  const slo_path batch = at({"batch.slice"}).value();
  EXPECT_EQ(batch.flags, SLO_PATH_HAS_PATTERNS);
  EXPECT_EQ(pattern(SLO_PATTERN_SCOPE, "docker-", batch.node)->cfg.importance, 7U);
  EXPECT_EQ(pattern(SLO_PATTERN_SCOPE, "docker-")->cfg.importance, 100U);
}

TEST_F(UnitPlaces, WhatTheKernelGaveAUnitIsTakenOver) {
  EXPECT_FALSE(units_.make_spare()) << "nobody could need one";
  budget("docker-.scope", "5ms");
  units_.found_patterns({pattern_of("docker-.scope")});
  take();
  slo_spare spare = units_.make_spare().value();
  EXPECT_NE(spare.slot, SLO_NO_SLOT);
  spare.cgroup_id = 77;
  units_.taken(spare);
  auto scope = fact("docker-1.scope", 77);
  scope.files = {"/etc/docker-.scope"};
  const auto changes = units_.changed(scope);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].cfg->slot, spare.slot);
  EXPECT_EQ(changes[0].cfg->unit, spare.unit);
  EXPECT_EQ(units_.owner_of_slot(spare.slot)->name, "docker-1.scope");
  EXPECT_THAT(units_.take_started(), ElementsAre(77));
}

TEST_F(UnitPlaces, WhatWentToACgroupThatNobodyHeardOfIsFreeAgain) {
  Units small(files_.reader(), 1);
  budget("docker-.scope", "5ms");
  budget("a.service", "5ms");
  small.found_patterns({pattern_of("docker-.scope")});
  static_cast<void>(small.take_path_changes());
  slo_spare spare = small.make_spare().value();
  spare.cgroup_id = 77;
  small.taken(spare);
  small.changed(fact("a.service", 1));
  EXPECT_EQ(small.configured().at("a.service").slot, SLO_NO_SLOT);
  small.forget_claims([](std::uint64_t cgroup_id) { return cgroup_id == 77; });
  EXPECT_THAT(small.take_freed_slots(), ElementsAre(spare.slot)) << "and is cleared";
  small.changed(fact("a.service", 2));
  EXPECT_EQ(small.configured().at("a.service").slot, spare.slot);
}

TEST_F(UnitPlaces, WhatKeepsTheMachineOperableIsFoundTooUnlessFilesGiveItABudget) {
  units_.set_operator_reserve(50);
  take();
  EXPECT_EQ(at({"system.slice", "dbus.service"})->cfg.budget_ns, SLO_IMPLICIT_BUDGET_NS);
  EXPECT_NE(at({"user.slice", "user-0.slice"})->cfg.flags & SLO_CFG_ROOT_ONLY, 0U);
  EXPECT_EQ(pattern(SLO_PATTERN_SERVICE, "sshd@")->flags, SLO_PATH_HAS_CFG) << "nobody counts it";
  budget("system.slice", "50ms");
  units_.changed(slice("system.slice", "/system.slice", 1));
  take();
  EXPECT_FALSE(at({"system.slice", "dbus.service"}));
}

}  // namespace
}  // namespace slo
