// SPDX-License-Identifier: GPL-2.0-only
// What is asked and told when systemd reloads, and while a list is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/systemd/client_fixture.h"
#include "units/units.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SystemdReloadTest : public SystemdClientTest {
 protected:
  SystemdReloadTest() { systemd_.unit_path = {files_.path().string()}; }

  // A unit that runs, as its files say.
  void add_service(const std::string& name) {
    add_running(name);
    systemd_.units[name].fragment = files_.write(name, "[Service]\n").string();
    systemd_.units[name].drop_ins = {write_drop_in(name, "5ms").string()};
  }
  std::filesystem::path write_drop_in(const std::string& name, const std::string& budget) {
    return files_.write(name + ".d/slo.conf", "[X-Slo]\nSloBudget=" + budget + "\n");
  }
  void reload() {
    systemd_.reloading(true);
    systemd_.reloading(false);
    systemd_.settle();
  }
  // How many questions about units it takes.
  int reads_of_reload() {
    const int before = systemd_.reads;
    reload();
    return systemd_.reads - before;
  }
  void restart(const std::string& name) {
    std::filesystem::rename(directory(name), directory("old-" + name));
    make_cgroup(name);
  }
  [[nodiscard]] std::vector<std::string> changed() const {
    std::vector<std::string> names;
    for (const auto& fact : changes_) names.push_back(fact.name);
    return names;
  }

  fakes::TemporaryDirectory files_;
};

// The daemon is to have 64 MiB at most, of which it needs 4 without units, and 512 bytes for each on the bus.
TEST_F(SystemdReloadTest, ten_thousand_units_need_little_memory) {
  constexpr std::size_t many = 10'000;
  constexpr std::size_t most = 60 * 1024 * 1024 / many - 512;
  for (std::size_t i = 0; i < many; ++i) add_service("u" + std::to_string(i) + ".service");
  const auto used = [] { return mallinfo2().uordblks; };
  const auto before = used();
  start();
  Units units([this](auto files) { return unit_files_.read(files); }, SLO_CAPACITY_MAX);
  static_cast<void>(units.listed(lists_.at(0).value()));
  static_cast<void>(units.take_path_changes());
  lists_ = {};
  EXPECT_EQ(units.configured().size(), many);
  EXPECT_LT((used() - before) / many, most);
}

TEST_F(SystemdReloadTest, asks_only_about_what_may_have_changed) {
  constexpr int units = 2000;
  for (int i = 0; i < units; ++i) add_service("u" + std::to_string(i) + ".service");
  start();
  EXPECT_LE(systemd_.reads, 4 * units);
  EXPECT_EQ(reads_of_reload(), 0);
  EXPECT_EQ(systemd_.lists, 2);
  EXPECT_THAT(changes_, IsEmpty());

  write_drop_in("u7.service", "10ms");
  EXPECT_EQ(reads_of_reload(), 4);
  EXPECT_THAT(changed(), ElementsAre("u7.service"));
  EXPECT_NE(changes_[0].reload, lists_[1]->at(0).reload) << "the path alone would not say that it changed";
  EXPECT_EQ(reads_of_reload(), 0);
  ASSERT_THAT(lists_, SizeIs(4));
  EXPECT_THAT(lists_[3].value(), SizeIs(units));
}

TEST_F(SystemdReloadTest, finds_files_that_came_and_went) {
  add_service("db-a.service");
  start();
  auto& paths = systemd_.units["db-a.service"].drop_ins;
  const auto first = paths[0];
  for (const char* name : {"db-a.service.d/more.conf", "db-.service.d/more.conf", "service.d/more.conf"}) {
    paths = {files_.write(name, "[X-Slo]\n").string(), first};
    EXPECT_EQ(reads_of_reload(), 4) << name;
    EXPECT_THAT(changes_.back().files, SizeIs(3));
    EXPECT_EQ(reads_of_reload(), 0) << name;
    std::filesystem::remove(files_.path() / name);
    paths = {first};
    EXPECT_EQ(reads_of_reload(), 4) << name;
    EXPECT_THAT(changes_.back().files, SizeIs(2));
  }
}

TEST_F(SystemdReloadTest, asks_about_whatever_is_not_as_a_search_finds_it) {
  add_service("a.service");
  systemd_.units["a.service"].drop_ins.emplace_back("/run/generated.conf");
  start();
  EXPECT_EQ(reads_of_reload(), 4);
  EXPECT_EQ(reads_of_reload(), 4);
}

TEST_F(SystemdReloadTest, asks_about_units_with_another_name_which_may_have_drop_ins_too) {
  add_service("a.service");
  std::filesystem::create_symlink(files_.path() / "a.service", files_.path() / "alias.service");
  start();
  EXPECT_EQ(reads_of_reload(), 4);
}

TEST_F(SystemdReloadTest, asks_again_about_a_unit_that_needed_it) {
  add_service("a.service");
  systemd_.units["a.service"].needs_daemon_reload = true;
  start();
  systemd_.units["a.service"].needs_daemon_reload = false;
  EXPECT_EQ(reads_of_reload(), 4);
  EXPECT_FALSE(changes_.at(0).needs_daemon_reload);
  EXPECT_EQ(reads_of_reload(), 0);
}

TEST_F(SystemdReloadTest, a_unit_with_settings_that_is_not_loaded_is_not_asked_about_again) {
  add_service("a.service");
  systemd_.units["a.service"].active_state = "inactive";
  systemd_.units["a.service"].loaded = false;
  start();
  systemd_.announce("UnitRemoved", "a.service");
  EXPECT_EQ(reads_of_reload(), 0);
  EXPECT_THAT(lists_.at(1).value(), SizeIs(1));
  write_drop_in("a.service", "10ms");
  EXPECT_EQ(reads_of_reload(), 3);
}

TEST_F(SystemdReloadTest, a_restart_that_nobody_announced_is_found_by_its_cgroup) {
  add_service("a.service");
  start();
  restart("a.service");
  EXPECT_EQ(reads_of_reload(), 2) << "its files are as they were";
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_EQ(changes_[0].cgroup_id, inode("a.service"));
}

TEST_F(SystemdReloadTest, a_state_that_the_list_alone_says_is_followed) {
  add_service("a.service");
  add_service("b.service");
  systemd_.units["b.service"].active_state = "inactive";
  start();
  systemd_.units["a.service"].active_state = "inactive";
  systemd_.units["b.service"].active_state = "active";
  EXPECT_EQ(reads_of_reload(), 2);
  EXPECT_THAT(changed(), ElementsAre("a.service", "b.service"));
  EXPECT_EQ(changes_[0].cgroup_id, 0U);
  EXPECT_EQ(changes_[1].cgroup_id, inode("b.service"));
}

TEST_F(SystemdReloadTest, a_unit_that_lasts_without_a_process_is_not_asked_about_for_ever) {
  add_service("a.service");
  systemd_.units["a.service"].sub_state = "exited";
  systemd_.units["a.service"].control_group.clear();
  start();
  EXPECT_EQ(reads_of_reload(), 0);
  systemd_.units["a.service"].sub_state = "running";
  systemd_.units["a.service"].control_group = "/system.slice/a.service";
  EXPECT_EQ(reads_of_reload(), 2);
  EXPECT_EQ(changes_.at(0).cgroup_id, inode("a.service"));
}

TEST_F(SystemdReloadTest, remembers_the_files_of_the_last_list_alone) {
  add_service("a.service");
  start();
  EXPECT_GT(unit_files_.size(), 0U);
  for (const char* name : {"a.service", "a.service.d/slo.conf"})
    std::filesystem::remove(files_.path() / name);
  systemd_.units.clear();
  reload();
  EXPECT_EQ(unit_files_.size(), 0U);
}

TEST_F(SystemdReloadTest, each_unit_is_told_as_soon_as_it_is_read) {
  add_service("a.service");
  add_service("b.service");
  start();
  write_drop_in("a.service", "10ms");
  write_drop_in("b.service", "10ms");
  systemd_.hold = true;
  reload();
  systemd_.release(4);
  systemd_.settle();
  EXPECT_THAT(changed(), ElementsAre("a.service"));
  EXPECT_THAT(lists_, SizeIs(1));
  systemd_.release();
  systemd_.settle();
  EXPECT_THAT(changed(), ElementsAre("a.service", "b.service"));
  EXPECT_THAT(lists_, SizeIs(2));
}

TEST_F(SystemdReloadTest, a_unit_that_starts_overtakes_those_that_are_read_for_the_list) {
  for (int i = 0; i < 60; ++i) add_running("u" + std::to_string(i) + ".service");
  start();
  systemd_.hold = true;
  reload();
  add_service("z.service");
  systemd_.set_state("z.service", "active");
  systemd_.settle();
  const auto under_way = systemd_.held();
  systemd_.release(under_way);
  systemd_.settle();
  changes_.clear();
  systemd_.release(4);
  systemd_.settle();
  EXPECT_THAT(changed(), ElementsAre("z.service"));
  EXPECT_THAT(lists_, SizeIs(1));
}

TEST_F(SystemdReloadTest, a_restart_does_not_wait_for_the_list_to_be_answered) {
  add_service("a.service");
  start();
  write_drop_in("a.service", "10ms");
  systemd_.hold_lists = true;
  reload();
  restart("a.service");
  systemd_.set_state("a.service", "activating");
  systemd_.settle();
  EXPECT_THAT(lists_, SizeIs(1));
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_EQ(changes_[0].cgroup_id, inode("a.service"));
  EXPECT_NE(changes_[0].reload, lists_[0]->at(0).reload);
  const int reads = systemd_.reads;
  systemd_.release();
  systemd_.settle();
  EXPECT_THAT(lists_, SizeIs(2));
  EXPECT_EQ(systemd_.reads, reads);
}

TEST_F(SystemdReloadTest, a_removal_is_older_than_the_list_that_has_been_asked_for) {
  add_service("a.service");
  start();
  systemd_.hold_lists = true;
  reload();
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.settle();
  systemd_.release();
  systemd_.settle();
  EXPECT_THAT(gone_, IsEmpty());
  EXPECT_THAT(lists_.at(1).value(), SizeIs(1));
}

TEST_F(SystemdReloadTest, what_is_no_longer_listed_is_gone) {
  add_running("a.service");
  start();
  systemd_.units.clear();
  reload();
  EXPECT_THAT(gone_, ElementsAre("a.service"));
  EXPECT_THAT(lists_.at(1).value(), IsEmpty());
}

TEST_F(SystemdReloadTest, the_list_has_the_last_whole_fact_of_a_unit_that_is_being_read) {
  add_service("a.service");
  add_service("b.service");
  systemd_.hold = true;
  start();
  systemd_.release(4);
  systemd_.settle();
  systemd_.set_state("a.service", "reloading");
  systemd_.settle();
  systemd_.release(4);
  systemd_.settle();
  EXPECT_GT(systemd_.held(), 0U);
  ASSERT_THAT(lists_, SizeIs(1));
  EXPECT_EQ(lists_[0]->at(0).control_group, "/system.slice/a.service");
  EXPECT_EQ(lists_[0]->at(0).cgroup_id, inode("a.service"));
}

TEST_F(SystemdReloadTest, many_reloads_during_a_list_are_followed_by_one_more) {
  add_running("a.service");
  start();
  systemd_.hold = true;
  reload();
  EXPECT_EQ(systemd_.lists, 2);
  for (int i = 0; i < 20; ++i) reload();
  for (int i = 0; i < 20; ++i) client_->request_list();
  systemd_.settle();
  EXPECT_EQ(systemd_.lists, 2);
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  EXPECT_EQ(systemd_.lists, 3);
  EXPECT_THAT(lists_, SizeIs(2)) << "who asked waits for the list that began afterwards";
}

// Else a program that reloads systemd without end would keep all units from their budgets.
TEST_F(SystemdReloadTest, reloads_without_end_do_not_keep_what_was_read) {
  add_running("a.service");
  start();
  systemd_.hold = true;
  reload();
  for (int lists = 0; lists < 4; ++lists) {
    EXPECT_THAT(lists_, SizeIs(1)) << lists;
    reload();  // one more is wanted
    systemd_.release();
    systemd_.settle();
  }
  EXPECT_THAT(lists_, SizeIs(2));
}

TEST_F(SystemdReloadTest, where_many_units_have_changed_they_are_told_at_once) {
  constexpr int units = 300;
  for (int i = 0; i < units; ++i) add_service("u" + std::to_string(i) + ".service");
  start();
  EXPECT_THAT(changes_, IsEmpty()) << "nobody acts before the first list";
  for (int i = 0; i < units; ++i) write_drop_in("u" + std::to_string(i) + ".service", "10ms");
  reload();
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(lists_.at(1).value(), SizeIs(units));
  systemd_.set_state("u7.service", "inactive");
  systemd_.settle();
  EXPECT_THAT(changed(), ElementsAre("u7.service"));
}

TEST_F(SystemdReloadTest, reloads_in_a_row_are_followed_by_a_list_after_a_pause) {
  add_service("a.service");
  start(50'000);
  EXPECT_EQ(systemd_.lists, 1) << "the first at once";
  for (int i = 0; i < 20; ++i) reload();
  EXPECT_EQ(systemd_.lists, 1);
  systemd_.settle_for(100'000);
  EXPECT_EQ(systemd_.lists, 2);
  EXPECT_THAT(lists_, SizeIs(2));
  systemd_.settle_for(100'000);
  reload();
  EXPECT_EQ(systemd_.lists, 3) << "long after the last one";
}

TEST_F(SystemdReloadTest, a_unit_that_restarts_in_the_pause_is_read_anew_with_its_files) {
  add_service("a.service");
  start(10'000'000);
  reload();
  systemd_.units["a.service"].drop_ins.push_back(files_.write("a.service.d/z.conf", "[X-Slo]\n").string());
  systemd_.set_state("a.service", "activating");
  systemd_.settle();
  EXPECT_EQ(systemd_.lists, 1);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_THAT(changes_[0].files, SizeIs(3));
}

}  // namespace
}  // namespace slo
