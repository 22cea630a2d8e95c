// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <filesystem>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* with_budget = "[Service]\nExecStart=/bin/true\n[X-Slo]\nSloBudget=5ms\n";
constexpr const char* without = "[Service]\nExecStart=/bin/true\n# [X-Slo]\n";

class UnitSearchTest : public testing::Test {
 protected:
  [[nodiscard]] UnitDirectories directories() const {
    const auto unit_path = std::to_array<std::string>(
        {directory_.path() / "etc", directory_.path() / "missing", directory_.path() / "lib"});
    return UnitDirectories(unit_path);
  }
  std::set<std::string> found() { return directories().with_settings(); }
  std::vector<UnitPattern> patterns() { return directories().patterns(); }
  fakes::TemporaryDirectory directory_;
};

TEST_F(UnitSearchTest, follows_what_changes_in_directories) {
  const auto long_after = [] { return static_cast<std::uint64_t>(time(nullptr) + 3600) * 1'000'000'000; };
  directory_.write("etc/a.service.d/slo.conf", without);
  directory_.write("etc/b.service.d/slo.conf", with_budget);
  const auto unit_path = std::to_array<std::string>({directory_.path() / "etc"});
  UnitDirectories followed(unit_path, {}, long_after());
  EXPECT_THAT(followed.with_settings(), ElementsAre("b.service"));
  directory_.write("etc/a.service.d/more.conf", with_budget);
  EXPECT_THAT(followed.with_settings(), ElementsAre("b.service"));
  EXPECT_EQ(followed.follow_all(long_after()), 3U);
  EXPECT_THAT(followed.with_settings(), ElementsAre("a.service", "b.service"));
  fs::remove_all(directory_.path() / "etc/b.service.d");
  directory_.write("etc/c.service", with_budget);
  followed.follow_all(long_after());
  EXPECT_THAT(followed.with_settings(), ElementsAre("a.service", "c.service"));
}

TEST_F(UnitSearchTest, an_empty_machine_has_none) {
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(UnitSearchTest, unit_files_of_all_directories) {
  directory_.write("etc/a.service", with_budget);
  directory_.write("etc/none.service", without);
  directory_.write("lib/b.slice", with_budget);
  EXPECT_THAT(found(), ElementsAre("a.service", "b.slice"));
}

TEST_F(UnitSearchTest, drop_ins_whose_unit_file_is_elsewhere_or_nowhere) {
  directory_.write("lib/a.service", without);
  directory_.write("etc/a.service.d/50-slo.conf", with_budget);
  directory_.write("etc/b.service.d/50-other.conf", without);
  directory_.write("etc/system-batch.slice.d/slo.conf", with_budget);
  EXPECT_THAT(found(), ElementsAre("a.service", "system-batch.slice"));
}

TEST_F(UnitSearchTest, only_files_called_conf_are_drop_ins) {
  directory_.write("etc/a.service.d/slo.conf.rpmsave", with_budget);
  directory_.write("etc/a.service.wants/slo.conf", with_budget);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(UnitSearchTest, drop_ins_of_a_prefix_concern_every_unit_that_has_it) {
  directory_.write("etc/db-.service.d/slo.conf", with_budget);
  directory_.write("lib/db-main.service", without);
  directory_.write("lib/db-copy-1.service", without);
  directory_.write("lib/db.service", without);
  directory_.write("lib/db-x.slice", without);
  directory_.write("lib/db-instance@.service", without);
  EXPECT_THAT(found(), ElementsAre("db-copy-1.service", "db-main.service"));
}

TEST_F(UnitSearchTest, the_root_slice_is_a_unit_and_not_a_prefix) {
  directory_.write("etc/-.slice.d/slo.conf", with_budget);
  directory_.write("lib/a.slice", without);
  EXPECT_THAT(found(), ElementsAre("-.slice"));
}

TEST_F(UnitSearchTest, templates_have_no_unit_before_an_instance_starts_but_an_instance_has) {
  directory_.write("etc/a@.service", with_budget);
  directory_.write("etc/b@.service.d/slo.conf", with_budget);
  directory_.write("etc/b@one.service.d/slo.conf", with_budget);
  EXPECT_THAT(found(), ElementsAre("b@one.service"));
}

TEST_F(UnitSearchTest, a_drop_in_for_a_whole_type_is_left_to_the_units_that_are_loaded) {
  directory_.write("etc/service.d/slo.conf", with_budget);
  directory_.write("lib/a.service", without);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(UnitSearchTest, scopes_and_other_types_are_not_looked_at) {
  directory_.write("etc/session-1.scope.d/slo.conf", with_budget);
  directory_.write("etc/a.timer", with_budget);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(UnitSearchTest, what_covers_units_by_the_beginning_of_their_names) {
  const auto a = directory_.write("etc/a@.service", with_budget);
  directory_.write("lib/b@.service", without);
  const auto b = directory_.write("etc/b@.service.d/slo.conf", with_budget);
  directory_.write("lib/c@.service", without);
  const auto docker = directory_.write("etc/docker-.scope.d/slo.conf", with_budget);
  const auto all = directory_.write("lib/slice.d/slo.conf", with_budget);
  directory_.write("etc/d@1.service.d/slo.conf", with_budget);
  const auto lib = directory_.path() / "lib";
  EXPECT_THAT(patterns(),
              ElementsAre(UnitPattern{"a@.service", {a}}, UnitPattern{"b@.service", {lib / "b@.service", b}},
                          UnitPattern{"docker-.scope", {docker}}, UnitPattern{"slice", {all}}));
}

TEST_F(UnitSearchTest, a_pattern_has_the_drop_ins_of_all_that_cover_it) {
  const auto type = directory_.write("etc/service.d/70.conf", with_budget);
  const auto prefix = directory_.write("lib/db-.service.d/60.conf", without);
  const auto own = directory_.write("etc/db-x@.service.d/50.conf", without);
  directory_.write("etc/other-.service.d/10.conf", with_budget);
  EXPECT_THAT(directories().files_of("db-x@.service"), ElementsAre(own, prefix, type));
  EXPECT_THAT(directories().files_of("db-x@1.service"), ElementsAre(own, prefix, type));
  EXPECT_THAT(directories().files_of("db-.service"), ElementsAre(prefix, type));
  EXPECT_THAT(directories().files_of("service"), ElementsAre(type));
}

TEST_F(UnitSearchTest, an_earlier_directory_hides_files_of_the_same_name_and_null_masks_them) {
  directory_.write("lib/a.service", with_budget);
  const auto file = directory_.write("etc/a.service", without);
  directory_.write("lib/a.service.d/10.conf", with_budget);
  const auto drop_in = directory_.write("etc/a.service.d/10.conf", without);
  directory_.write("lib/a.service.d/20.conf", with_budget);
  fs::create_symlink("/dev/null", directory_.path() / "etc/a.service.d/20.conf");
  EXPECT_THAT(directories().files_of("a.service"), ElementsAre(file, drop_in));
}

TEST_F(UnitSearchTest, says_which_units_have_another_name) {
  fs::create_symlink(directory_.write("lib/a.service", without), directory_.path() / "lib/other.service");
  fs::create_symlink(directory_.write("lib/b@.service", without), directory_.path() / "lib/other@.service");
  directory_.write("lib/c.service", without);
  EXPECT_TRUE(directories().has_alias("a.service"));
  EXPECT_TRUE(directories().has_alias("b@1.service"));
  EXPECT_FALSE(directories().has_alias("c.service"));
}

TEST_F(UnitSearchTest, an_alias_is_no_unit_of_its_own) {
  const auto file = directory_.write("lib/a.service", with_budget);
  fs::create_directories(directory_.path() / "etc");
  fs::create_symlink(file, directory_.path() / "etc/alias.service");
  fs::create_symlink(file, directory_.path() / "etc/a.service");
  fs::create_symlink("/dev/null", directory_.path() / "etc/masked.service");
  fs::create_symlink("nowhere", directory_.path() / "etc/dangling.service");
  EXPECT_THAT(found(), ElementsAre("a.service"));
}

TEST_F(UnitSearchTest, a_section_that_looks_alike_is_found_so_that_it_is_said) {
  directory_.write("etc/a.service", "[x-slo]\nSloBudget=5ms\n");
  EXPECT_THAT(found(), ElementsAre("a.service"));
}

TEST_F(UnitSearchTest, what_stands_in_the_place_of_a_file_does_no_harm) {
  fs::create_directories(directory_.path() / "etc/a.service");
  fs::create_directories(directory_.path() / "etc/b.service.d/slo.conf");
  directory_.write("etc/c.service.d", with_budget);
  directory_.write("etc/.service", with_budget);
  EXPECT_THAT(found(), IsEmpty());
}

}  // namespace
}  // namespace slo
