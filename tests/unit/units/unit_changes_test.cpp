// SPDX-License-Identifier: GPL-2.0-only
// A change costs what it concerns, and comes to the same as if all were listed anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/units/table.h"

namespace slo {
namespace {

// How many units change() makes the table look at.
std::uint64_t looked_at(Units& units, const auto& change) {
  const std::uint64_t before = units.looked_at();
  change();
  static_cast<void>(units.take_path_changes());
  return units.looked_at() - before;
}

class UnitChanges : public UnitTable {
 protected:
  static constexpr int many = 500;

  // system.slice and very many services in it.
  void list(Units& units) {
    budget("system.slice", "50ms");
    facts_ = {slice("system.slice", "/system.slice", 1), fact("plain.service", 0)};
    for (int i = 0; i < many; ++i) {
      const std::string name = "u" + std::to_string(i) + ".service";
      budget(name, std::to_string(1 + i) + "ms");
      facts_.push_back(fact(name, i % 2 == 0 ? 0U : 100U + static_cast<unsigned>(i)));
    }
    static_cast<void>(units.listed(facts_));
    static_cast<void>(units.take_path_changes());
  }

  std::vector<UnitFact> facts_;
};

TEST_F(UnitChanges, AUnitWithoutSettingsMakesNobodyLookAtOthers) {
  list(units_);
  files_.reads.clear();
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("plain.service", 2)); }), 0U);
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("plain.service", 0)); }), 0U);
  EXPECT_THAT(files_.reads, IsEmpty());
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("new.service", 3)); }), 0U);
  EXPECT_EQ(looked_at(units_, [this] { units_.gone("new.service"); }), 0U);
  EXPECT_EQ(files_.reads.size(), 1U);
}

TEST_F(UnitChanges, AUnitThatStartsOrStopsIsTheOnlyOneLookedAt) {
  list(units_);
  files_.reads.clear();
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("u0.service", 2)); }), 1U);
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("u0.service", 3)); }), 1U);
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("u0.service", 0)); }), 1U);
  EXPECT_THAT(files_.reads, IsEmpty());
}

TEST_F(UnitChanges, ABudgetThatComesChangesOrGoesIsTheOnlyOneLookedAt) {
  list(units_);
  budget("new.service", "3ms");
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(fact("new.service", 0)); }), 2U) << "and its place";
  budget("new.service", "4ms");
  auto edited = fact("new.service", 0);
  ++edited.reload;
  EXPECT_EQ(looked_at(units_, [&] { units_.changed(edited); }), 2U);
  EXPECT_LE(looked_at(units_, [this] { units_.set_shed({"u0.service"}); }), 2U);
  EXPECT_LE(looked_at(units_, [this] { units_.gone("new.service"); }), 2U);
}

TEST_F(UnitChanges, NorAreOthersWhereSlotsAreScarce) {
  Units small(files_.reader(), 8);
  list(small);
  looked_at(small, [&small] { small.changed(fact("u0.service", 2)); });
  EXPECT_TRUE(small.configured().at("u0.service").counted_with);
  EXPECT_EQ(looked_at(small, [&small] { small.changed(fact("u0.service", 0)); }), 1U);
  EXPECT_EQ(looked_at(small, [&small] { small.changed(fact("u0.service", 3)); }), 1U);
}

TEST_F(UnitChanges, ASliceConcernsThoseBelowItAlone) {
  budget("web.slice", "7ms");
  budget("x.service", "");
  also("x.service", &SloSettings::objective, "95%");
  list(units_);
  units_.changed(fact("x.service", 3, "/web.slice"));
  units_.changed(slice("web.slice", "/web.slice", 2));
  static_cast<void>(units_.take_path_changes());
  EXPECT_THAT(in_force("x.service"), testing::Contains("SloBudget=7ms /etc/web.slice"));
  EXPECT_EQ(looked_at(units_, [this] { units_.changed(slice("web.slice", "/web.slice", 4)); }), 2U);
  units_.gone("web.slice");
  EXPECT_THAT(in_force("x.service"), testing::Not(testing::Contains(HasSubstr("SloBudget"))));
}

TEST_F(UnitChanges, SharesFollowWhenTheyAreAskedFor) {
  units_.set_capacity(1000);
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  units_.listed({fact("a.service", 1), fact("b.service", 0)});
  EXPECT_EQ(units_.reserves().share_of.at("a.service"), 1.0);
  units_.changed(fact("b.service", 2));
  units_.update_shares();
  EXPECT_EQ(units_.reserves().share_of.at("a.service"), 0.5);
  EXPECT_EQ(units_.reserves().share_of.at("b.service"), 0.5);
}

// What the kernel was told, without what depends on who came first.
class Kernels {
 public:
  void take(const std::vector<CfgChange>& changes, Units& units) {
    for (const auto& change : changes) {
      if (change.cfg)
        cfgs.insert_or_assign(change.cgroup_id, plain(*change.cfg));
      else
        cfgs.erase(change.cgroup_id);
    }
    for (const auto& [key, path] : units.take_path_changes().changes) {
      if (path)
        paths_.insert_or_assign(key, *path);
      else
        paths_.erase(key);
    }
  }
  [[nodiscard]] std::map<std::string, slo_cfg> places(std::uint32_t node = SLO_NODE_ROOT,
                                                      const std::string& above = "") const {
    std::map<std::string, slo_cfg> all;
    for (const auto& [key, path] : paths_) {
      if (key.node != node) continue;
      const std::string name = above + "/" + std::to_string(key.pattern) + key.name;
      if ((path.flags & SLO_PATH_HAS_CFG) != 0) all.emplace(name, plain(path.cfg));
      if (path.node != SLO_NODE_NONE) all.merge(places(path.node, name));
    }
    return all;
  }
  std::map<std::uint64_t, slo_cfg> cfgs;

 private:
  static slo_cfg plain(slo_cfg cfg) {
    cfg.slot = cfg.unit = 0;
    if (cfg.server >= SLO_SERVERS_FIXED && cfg.server != SLO_NO_SLOT) cfg.server = SLO_SERVERS_FIXED;
    return cfg;
  }
  std::map<PathKey, slo_path> paths_;
};

void expect_indexed(const Units& units) {
  std::size_t budgets = 0;
  std::size_t folded = 0;
  for (const auto& [name, unit] : units.configured()) {
    budgets += unit.effective.has_budget() ? 1 : 0;
    folded += unit.counted_with ? 1 : 0;
    ASSERT_EQ(units.numbered(unit.number), &unit) << name;
  }
  ASSERT_EQ(units.with_budget(), budgets);
  ASSERT_EQ(units.folded(), folded);
}

TEST_F(UnitChanges, ComeToTheSameAsAListOfAll) {
  std::mt19937_64 random(7);
  const std::vector<std::string> slices{"/a.slice", "/a.slice/a-b.slice", "/c.slice"};
  const std::vector<std::string> names{"x.service", "y.service", "dbus.service", "sshd.service", "z.service"};
  const std::vector<std::string> values{"", "5ms", "7ms", "infinity"};
  files_.budgets["/etc/job"] = "9ms";
  const auto prepare = [](Units& units) {
    units.set_operator_reserve(100);
    units.set_capacity(2000);
    units.found_patterns({{.name = "job-.scope", .files = {"/etc/job"}}});
  };
  Units& units = units_;
  Kernels kernel;
  prepare(units);
  std::map<std::string, UnitFact> facts;
  for (int step = 0; step < 2'000; ++step) {
    const std::size_t which = random() % (slices.size() + names.size());
    const std::uint64_t cgroup_id = random() % 3 == 0 ? 0 : 1 + which + 100 * (random() % 2);
    const bool is_slice = which < slices.size();
    UnitFact one = is_slice
                       ? slice(slices[which].substr(slices[which].rfind('/') + 1), slices[which], cgroup_id)
                       : fact(names[which - slices.size()], cgroup_id, slices[random() % slices.size()]);
    if (cgroup_id == 0) one.control_group.clear();
    if (!facts.contains(one.name) && random() % 2 == 0) {
      budget(one.name, values[random() % values.size()]);
      files_.further.erase("/etc/" + one.name);
      if (random() % 3 == 0) also(one.name, &SloSettings::reserve, "30%");
    }
    if (random() % 4 == 0) {
      kernel.take(units.gone(one.name), units);
      facts.erase(one.name);
    } else {
      kernel.take(units.changed(one), units);
      facts[one.name] = one;
    }

    Units anew(files_.reader());
    Kernels other;
    prepare(anew);
    std::vector<UnitFact> list;
    for (const auto& [name, each] : facts) list.push_back(each);
    other.take(anew.listed(list), anew);
    ASSERT_EQ(kernel.cfgs, other.cfgs) << step;
    ASSERT_EQ(kernel.places(), other.places()) << step;
    units.update_shares();
    ASSERT_EQ(units.reserves().share_of, anew.reserves().share_of) << step;
    ASSERT_EQ(units.problems(), anew.problems()) << step;
    ASSERT_NO_FATAL_FAILURE(expect_indexed(units)) << step;
  }
}

TEST_F(UnitChanges, WhatIsCountedAndFoundByNumberIsAsIfAllWereLookedThrough) {
  std::mt19937_64 random(11);
  const std::vector<std::string> values{"", "5ms", "infinity"};
  Units small(files_.reader(), 2);
  std::uint32_t last = SLO_NO_UNIT;
  std::size_t most_folded = 0;
  for (int step = 0; step < 2'000; ++step) {
    const std::uint64_t which = random() % 16;
    const std::string name = which == 0 ? "w.slice" : "u" + std::to_string(which) + ".service";
    budget(name, values[random() % values.size()]);
    UnitFact one =
        which == 0 ? slice(name, "/w.slice", 1) : fact(name, random() % 2 == 0 ? 0 : 10 + which, "/w.slice");
    const auto before = small.configured().find(name);
    if (before != small.configured().end()) last = before->second.number;
    static_cast<void>(small.gone(name));
    ASSERT_EQ(small.numbered(last), nullptr) << step;
    if (random() % 4 != 0) static_cast<void>(small.changed(one));
    if (random() % 4 == 0) {
      one.control_group.clear();
      one.cgroup_id = 0;
      static_cast<void>(small.changed(one));
    }
    ASSERT_NO_FATAL_FAILURE(expect_indexed(small)) << step;
    most_folded = std::max(most_folded, small.folded());
  }
  EXPECT_GT(most_folded, 2U) << "capacity was scarce";
}

}  // namespace
}  // namespace slo
