// SPDX-License-Identifier: GPL-2.0-only
// How the list of all units is read, read again and replaced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/unit/systemd/client_fixture.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(SystemdClientTest, lists_units_with_their_files_and_cgroups) {
  add_running("a.service");
  systemd_.units["b.service"] = {.active_state = "inactive", .fragment = "/etc/b.service"};
  start();

  ASSERT_EQ(lists_.size(), 1U);
  ASSERT_TRUE(lists_[0]);
  const auto& facts = *lists_[0];
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts[0].name, "a.service");
  EXPECT_EQ(facts[0].control_group, "/system.slice/a.service");
  EXPECT_EQ(facts[0].cgroup_id, inode("a.service"));
  EXPECT_THAT(facts[0].files, ElementsAre("/etc/a.service", "/etc/a.service.d/slo.conf"));
  EXPECT_EQ(facts[1].name, "b.service");
  EXPECT_EQ(facts[1].cgroup_id, 0U);
  EXPECT_THAT(facts[1].files, ElementsAre("/etc/b.service"));
  EXPECT_EQ(systemd_.subscriptions, 1);
}

TEST_F(SystemdClientTest, an_inactive_unit_is_not_asked_for_its_cgroup) {
  systemd_.units["b.service"] = {.active_state = "inactive", .fragment = "/etc/b.service"};
  start();
  EXPECT_EQ(systemd_.reads_of["ControlGroup"], 0);
}

TEST_F(SystemdClientTest, an_empty_list_is_a_list) {
  start();
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_THAT(lists_[0].value(), IsEmpty());
}

TEST_F(SystemdClientTest, the_cgroup_of_a_unit_that_is_gone_already_has_no_id) {
  add_running("a.service");
  std::filesystem::remove(directory("a.service"));
  start();
  EXPECT_EQ(lists_.at(0)->at(0).cgroup_id, 0U);
}

TEST_F(SystemdClientTest, never_has_more_than_a_hundred_questions_open) {
  for (int i = 0; i < 120; ++i) add_running("u" + std::to_string(i) + ".service");
  systemd_.hold = true;
  start();
  std::size_t most = 0;
  for (int round = 0; systemd_.held() > 0 && round < 1000; ++round) {
    most = std::max(most, systemd_.held());
    systemd_.release();
    systemd_.settle();
  }
  EXPECT_GT(most, 50U);
  EXPECT_LE(most, 100U);
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_EQ(lists_[0]->size(), 120U);
}

TEST_F(SystemdClientTest, the_storm_of_a_reload_is_ignored_and_followed_by_one_list) {
  add_running("a.service");
  start();
  systemd_.reloading(true);
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.announce("UnitNew", "a.service");
  systemd_.set_state("a.service", "active");
  systemd_.units["a.service"].drop_ins = {"/etc/new.conf"};
  systemd_.settle();
  EXPECT_THAT(gone_, IsEmpty());
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_EQ(awaited_, 2) << "who may have to hurry is told as soon as systemd begins";
  systemd_.reloading(false);
  systemd_.settle();
  ASSERT_EQ(lists_.size(), 2U);
  EXPECT_THAT(lists_[1]->at(0).files, ElementsAre("/etc/a.service", "/etc/new.conf"));
}

TEST_F(SystemdClientTest, a_unit_removed_while_the_list_is_read_does_not_hold_up_the_list) {
  add_running("a.service");
  add_running("b.service");
  systemd_.hold = true;
  start();
  systemd_.units.erase("a.service");
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.settle();
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  ASSERT_EQ(lists_.size(), 1U);
  ASSERT_EQ(lists_[0]->size(), 1U);
  EXPECT_EQ(lists_[0]->at(0).name, "b.service");
}

TEST_F(SystemdClientTest, a_unit_that_stops_while_the_list_is_read_is_told_afterwards) {
  add_running("a.service");
  systemd_.hold = true;
  start();
  systemd_.set_state("a.service", "inactive");
  systemd_.settle();
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  ASSERT_EQ(lists_.size(), 1U);
  ASSERT_FALSE(changes_.empty());
  EXPECT_EQ(changes_.back().cgroup_id, 0U);
}

TEST_F(SystemdClientTest, a_list_asked_for_while_one_is_read_replaces_it) {
  add_running("a.service");
  systemd_.hold = true;
  start();
  client_->request_list();
  systemd_.settle();
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  EXPECT_EQ(systemd_.lists, 2);
  EXPECT_EQ(lists_.size(), 1U);
}

TEST_F(SystemdClientTest, a_refused_list_is_asked_for_again) {
  systemd_.refuse_lists = 2;
  start();
  EXPECT_EQ(systemd_.lists, 3);
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_TRUE(lists_[0]);
}

TEST_F(SystemdClientTest, a_list_that_is_refused_for_good_is_an_error_with_systemds_words) {
  systemd_.refuse_lists = 100;
  start();
  ASSERT_EQ(lists_.size(), 1U);
  ASSERT_FALSE(lists_[0]);
  EXPECT_THAT(lists_[0].error().message(), testing::HasSubstr("PID 1 is busy"));
}

TEST_F(SystemdClientTest, a_list_with_a_unit_that_could_not_be_read_is_asked_for_again) {
  add_running("a.service");
  add_running("b.service");
  systemd_.refuse_reads = 1;
  start();
  EXPECT_EQ(systemd_.lists, 2);
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_EQ(lists_[0]->size(), 2U);
  EXPECT_EQ(failures_.size(), 1U);
}

TEST_F(SystemdClientTest, a_list_that_never_becomes_whole_is_an_error_and_not_a_list_without_the_unit) {
  add_running("a.service");
  systemd_.refuse_reads = 1000;
  start();
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_FALSE(lists_[0]);
}

}  // namespace
}  // namespace slo
