// SPDX-License-Identifier: GPL-2.0-only
#include "units/path_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

slo_cfg cfg(slo_u64 budget_ns) {
  slo_cfg of{};
  of.budget_ns = budget_ns;
  return of;
}

// Of "/a.slice/b.service".
std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> names;
  for (const auto name : std::views::split(path.substr(1), '/')) names.emplace_back(std::string_view(name));
  return names;
}

// What the kernel makes of what it is told.
class Told {
 public:
  PathChanges tell(const Places& wanted) {
    PathChanges changes = tree_.tell(wanted);
    take(changes);
    return changes;
  }
  std::optional<PathChanges> change(const PathCfgs& paths) {
    auto changes = tree_.change(paths);
    if (changes) take(*changes);
    return changes;
  }
  // Walks as the placer does; nothing: the way ends.
  [[nodiscard]] std::optional<slo_path> at(const std::vector<std::string>& components) const {
    slo_path found{.node = SLO_NODE_ROOT, .flags = 0, .cfg = {}};
    for (const auto& name : components) {
      const auto next = map_.find({.node = found.node, .name = name});
      if (found.node == SLO_NODE_NONE || next == map_.end()) return std::nullopt;
      found = next->second;
    }
    return found;
  }
  [[nodiscard]] std::optional<slo_path> pattern(slo_u32 node, slo_u32 type, const std::string& prefix) const {
    const auto found = map_.find({.node = node, .pattern = type, .name = prefix});
    return found == map_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::size_t size() const { return map_.size(); }
  PathTree tree_;

 private:
  void take(const PathChanges& changes) {
    for (const auto& [key, path] : changes.changes) {
      if (path)
        map_.insert_or_assign(key, *path);
      else
        map_.erase(key);
    }
  }

  std::map<PathKey, slo_path> map_;
};

TEST(PathTree, APathIsFoundFromTheRootAloneComponentByComponent) {
  Told told;
  EXPECT_THAT(told.tell({.paths = {{"/a.slice/b.service", cfg(5)}}, .patterns = {}, .shared = {}}).look_again,
              ElementsAre("/a.slice"));
  EXPECT_EQ(told.at({"a.slice", "b.service"})->cfg.budget_ns, 5U);
  EXPECT_EQ(told.at({"a.slice"})->flags, 0U) << "nothing was set for the slice";
  EXPECT_FALSE(told.at({"b.service"}));
  EXPECT_FALSE(told.at({"a.slice", "b.service", "b.service"}));
  EXPECT_FALSE(told.at({"a.slice", "a.slice", "b.service"}));
}

TEST(PathTree, ASliceWithSettingsIsAlsoAWay) {
  Told told;
  told.tell({.paths = {{"/a.slice", cfg(9)}, {"/a.slice/b.service", cfg(5)}}, .patterns = {}, .shared = {}});
  EXPECT_EQ(told.at({"a.slice"})->cfg.budget_ns, 9U);
  EXPECT_EQ(told.at({"a.slice", "b.service"})->cfg.budget_ns, 5U);
}

TEST(PathTree, OnlyWhatHasChangedIsTold) {
  Told told;
  Places places{.paths = {{"/a.slice/b.service", cfg(5)}, {"/a.slice/c.service", cfg(5)}},
                .patterns = {},
                .shared = {}};
  told.tell(places);
  EXPECT_THAT(told.tell(places).changes, IsEmpty());
  places.paths["/a.slice/b.service"] = cfg(6);
  const auto changes = told.tell(places);
  ASSERT_EQ(changes.changes.size(), 1U);
  EXPECT_EQ(changes.changes[0].key.name, "b.service");
  EXPECT_THAT(changes.look_again, IsEmpty()) << "the way is the same";
}

TEST(PathTree, WhatIsToBeLookedThroughIsNamedOnceFromItsTopOn) {
  Told told;
  Places places{.paths = {{"/a.slice/a-b.slice/c.service", cfg(5)}, {"/d.service", cfg(5)}},
                .patterns = {},
                .shared = {}};
  EXPECT_THAT(told.tell(places).look_again, ElementsAre("/a.slice"))
      << "a unit that runs is told by its cgroup";
  places.paths["/a.slice/a-x.slice/e.service"] = cfg(5);
  places.paths["/ab.slice/f.service"] = cfg(5);
  EXPECT_THAT(told.tell(places).look_again, ElementsAre("/a.slice/a-x.slice", "/ab.slice"));
  places.patterns[{.slice = "/ab.slice", .type = SLO_PATTERN_SCOPE, .prefix = "x-"}] = cfg(5);
  EXPECT_THAT(told.tell(places).look_again, ElementsAre("/ab.slice"))
      << "what is in it has another space now";
}

TEST(PathTree, WhatIsGoneLeavesNothingAndItsNumberIsNeverGivenAgain) {
  Told told;
  told.tell({.paths = {{"/a.slice/b.service", cfg(5)}}, .patterns = {}, .shared = {}});
  const auto number = told.at({"a.slice"})->node;
  told.tell({});
  EXPECT_EQ(told.size(), 0U);
  told.tell({.paths = {{"/c.slice/b.service", cfg(5)}}, .patterns = {}, .shared = {}});
  EXPECT_NE(told.at({"c.slice"})->node, number) << "a cgroup that is there still leads to it";
}

TEST(PathTree, PatternsAreFoundAtTheRootAndInSlicesThatHaveTheirOwn) {
  Told told;
  const PatternPlace root{.slice = "/", .type = SLO_PATTERN_SCOPE, .prefix = "docker-"};
  const PatternPlace batch{.slice = "/batch.slice", .type = SLO_PATTERN_SCOPE, .prefix = "docker-"};
  const auto changes =
      told.tell({.paths = {}, .patterns = {{root, cfg(5)}, {batch, cfg(7)}}, .shared = {root}});
  EXPECT_TRUE(changes.has_patterns);
  EXPECT_EQ(told.pattern(SLO_NODE_ROOT, SLO_PATTERN_SCOPE, "docker-")->flags,
            SLO_PATH_HAS_CFG | SLO_PATH_IS_SHARED);
  const auto slice = told.at({"batch.slice"}).value();
  EXPECT_EQ(slice.flags, SLO_PATH_HAS_PATTERNS);
  EXPECT_EQ(told.pattern(slice.node, SLO_PATTERN_SCOPE, "docker-")->cfg.budget_ns, 7U);
  EXPECT_FALSE(told.tell({.paths = {{"/a", cfg(1)}}, .patterns = {}, .shared = {}}).has_patterns);
}

TEST(PathTree, AChangeOfOneIsToldForItselfAlone) {
  Told told;
  Places places;
  for (int i = 0; i < 1000; ++i) places.paths["/a.slice/u" + std::to_string(i) + ".service"] = cfg(5);
  told.tell(places);
  const auto changed = told.change({{"/a.slice/u7.service", cfg(6)}}).value();
  ASSERT_EQ(changed.changes.size(), 1U);
  EXPECT_EQ(told.at({"a.slice", "u7.service"})->cfg.budget_ns, 6U);
  EXPECT_THAT(told.change({{"/a.slice/u7.service", cfg(6)}})->changes, IsEmpty());
  const auto added = told.change({{"/b.slice/b-c.slice/new.service", cfg(7)}}).value();
  EXPECT_EQ(added.changes.size(), 3U);
  EXPECT_EQ(added.changes.front().key.name, "new.service") << "found by whoever finds the way";
  EXPECT_THAT(added.look_again, ElementsAre("/b.slice"));
  EXPECT_EQ(told.at({"b.slice", "b-c.slice", "new.service"})->cfg.budget_ns, 7U);
}

TEST(PathTree, HoweverItIsToldTheKernelKnowsTheSame) {
  const std::vector<std::string> slices{"/a.slice", "/a.slice/a-b.slice", "/c.slice", ""};
  const PatternPlace pattern{.slice = "/c.slice", .type = SLO_PATTERN_SCOPE, .prefix = "x-"};
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  Told told;
  Places places{.paths = {{"/a.slice", cfg(9)}}, .patterns = {{pattern, cfg(3)}}, .shared = {}};
  told.tell(places);
  for (int round = 0; round < 2000; ++round) {
    PathCfgs changes;
    for (auto i = random() % 3; i > 0; --i) {
      const std::string path = slices[random() % slices.size()] + "/u" + std::to_string(random() % 4);
      changes[path] = random() % 2 == 0 ? std::optional(cfg(1 + random() % 3)) : std::nullopt;
    }
    for (const auto& [path, of] : changes) {
      places.paths.erase(path);
      if (of) places.paths.emplace(path, *of);
    }
    ASSERT_TRUE(told.change(changes));
    ASSERT_THAT(told.tree_.tell(places).changes, IsEmpty()) << "round " << round;
    ASSERT_EQ(told.size(), told.tree_.size());
    for (const auto& [path, of] : places.paths)
      ASSERT_EQ(told.at(components(path))->cfg.budget_ns, of.budget_ns);
  }
}

TEST(PathTree, WhatDoesNotFitIsCounted) {
  Told told;
  Places places;
  for (unsigned i = 0; i < SLO_PATHS_MAX; ++i) places.paths["/system.slice/u" + std::to_string(i)] = cfg(5);
  const auto changes = told.tell(places);
  EXPECT_LE(told.size(), SLO_PATHS_MAX);
  PathCfgs more;
  for (unsigned i = 0; i < 1000; ++i) more["/more.slice/u" + std::to_string(i)] = cfg(5);
  EXPECT_FALSE(told.change(more)) << "some would have to be left out";
  EXPECT_THAT(told.tree_.tell(places).changes, IsEmpty()) << "which changes nothing";
  EXPECT_EQ(changes.left_out, SLO_PATHS_MAX - (told.size() - 1)) << "all but the slice are paths";
}

}  // namespace
}  // namespace slo
