// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/systemd/client_fixture.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(SystemdClientTest, a_started_unit_is_read_and_told) {
  start();
  add_running("a.service");
  systemd_.announce("UnitNew", "a.service");
  systemd_.set_state("a.service", "activating");
  systemd_.settle();
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].cgroup_id, inode("a.service"));
  EXPECT_THAT(changes_[0].files, ElementsAre("/etc/a.service", "/etc/a.service.d/slo.conf"));
}

// Asking for a unit that is not loaded loads it, which is announced; answering that by asking would go on for
// ever.
TEST_F(SystemdClientTest, a_unit_that_is_only_announced_is_not_asked_about) {
  start();
  systemd_.units["a.service"] = {.active_state = "inactive"};
  systemd_.announce("UnitNew", "a.service");
  systemd_.set_state("a.service", "inactive");
  systemd_.settle();
  EXPECT_EQ(systemd_.reads, 0);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(SystemdClientTest, a_stopped_unit_loses_its_cgroup_without_a_question) {
  add_running("a.service");
  start();
  const int reads = systemd_.reads;
  systemd_.set_state("a.service", "inactive");
  systemd_.settle();
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].cgroup_id, 0U);
  EXPECT_EQ(changes_[0].control_group, "");
  EXPECT_EQ(changes_[0].files.size(), 2U);
  EXPECT_EQ(systemd_.reads, reads);
}

TEST_F(SystemdClientTest, a_restarted_unit_has_the_id_of_its_new_cgroup) {
  add_running("a.service");
  start();
  systemd_.set_state("a.service", "inactive");
  systemd_.settle();
  std::filesystem::rename(directory("a.service"), directory("old"));  // keeps the inode from being used again
  make_cgroup("a.service");
  systemd_.set_state("a.service", "active");
  systemd_.settle();
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].cgroup_id, inode("a.service"));
  EXPECT_NE(changes_[1].cgroup_id, inode("old"));
  EXPECT_EQ(systemd_.reads_of["FragmentPath"], 1) << "files change with a daemon-reload only";
}

TEST_F(SystemdClientTest, says_whose_files_have_changed_since_systemd_read_them) {
  add_running("a.service");
  add_running("b.service");
  systemd_.units["b.service"].needs_daemon_reload = true;
  start();
  EXPECT_FALSE(lists_.at(0)->at(0).needs_daemon_reload);
  EXPECT_TRUE(lists_.at(0)->at(1).needs_daemon_reload);

  systemd_.units["a.service"].needs_daemon_reload = true;
  systemd_.set_state("a.service", "reloading");
  systemd_.settle();
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_TRUE(changes_[0].needs_daemon_reload);

  systemd_.units["a.service"].needs_daemon_reload = false;
  client_->request_list();
  systemd_.settle();
  ASSERT_EQ(lists_.size(), 2U);
  EXPECT_FALSE(lists_.at(1)->at(0).needs_daemon_reload);
}

TEST_F(SystemdClientTest, nothing_is_left_of_a_thousand_units_that_came_and_went) {
  start();
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "run-" + std::to_string(i) + ".scope";
    add_running(name);
    systemd_.announce("UnitNew", name);
    systemd_.set_state(name, "active");
    if (i % 3 != 0) systemd_.settle();  // else it leaves while it is being asked about
    if (i % 2 == 0) systemd_.set_state(name, "inactive");
    systemd_.announce("UnitRemoved", name);
    systemd_.units.erase(name);
    std::filesystem::remove(directory(name));
  }
  systemd_.settle();
  EXPECT_EQ(client_->known_units(), 0U);
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(SystemdClientTest, many_signals_about_one_unit_are_answered_by_two_reads_at_most) {
  start();
  add_running("a.service");
  systemd_.hold = true;
  systemd_.set_state("a.service", "activating");
  systemd_.settle();
  for (int i = 0; i < 20; ++i) systemd_.set_state("a.service", i % 2 == 0 ? "active" : "reloading");
  systemd_.settle();
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  EXPECT_EQ(systemd_.reads_of["ControlGroup"], 2);
  ASSERT_FALSE(changes_.empty());
  EXPECT_EQ(changes_.back().cgroup_id, inode("a.service"));
}

TEST_F(SystemdClientTest, signals_that_change_nothing_cause_no_reads) {
  add_running("a.service");
  start();
  systemd_.set_state("a.service", "active");
  systemd_.settle();
  const int reads = systemd_.reads;
  for (int i = 0; i < 10; ++i) systemd_.set_state("a.service", "active");
  systemd_.settle();
  EXPECT_EQ(systemd_.reads, reads);
}

TEST_F(SystemdClientTest, a_unit_without_a_cgroup_yet_is_asked_again_with_the_next_signal) {
  start();
  add_running("a.service");
  std::filesystem::remove(directory("a.service"));
  systemd_.set_state("a.service", "active");
  systemd_.settle();
  make_cgroup("a.service");
  systemd_.set_state("a.service", "active");
  systemd_.settle();
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].cgroup_id, inode("a.service"));
}

TEST_F(SystemdClientTest, a_removed_unit_is_gone) {
  add_running("a.service");
  start();
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.announce("UnitRemoved", "never-seen.service");
  systemd_.settle();
  EXPECT_THAT(gone_, ElementsAre("a.service"));
}

TEST_F(SystemdClientTest, a_unit_that_vanishes_while_it_is_read_is_not_told_and_no_failure) {
  start();
  add_running("a.service");
  systemd_.hold = true;
  systemd_.set_state("a.service", "active");
  systemd_.settle();
  systemd_.units.clear();
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(SystemdClientTest, units_of_other_types_are_left_alone) {
  start();
  systemd_.units["a.timer"] = {};
  systemd_.set_state("a.timer", "active");
  systemd_.settle();
  EXPECT_EQ(systemd_.reads, 0);
}

TEST_F(SystemdClientTest, subscribes_and_lists_again_when_pid_1_has_executed_itself_anew) {
  add_running("a.service");
  start();
  systemd_.reloading(true);
  systemd_.change_owner(":1.1", "");
  systemd_.change_owner("", ":1.99");
  systemd_.settle();
  EXPECT_EQ(systemd_.subscriptions, 2);
  EXPECT_EQ(lists_.size(), 2U);
  changes_.clear();
  systemd_.set_state("a.service", "inactive", ":1.1");
  systemd_.settle();
  EXPECT_THAT(changes_, IsEmpty());
  systemd_.set_state("a.service", "inactive", ":1.99");
  systemd_.settle();
  EXPECT_EQ(changes_.size(), 1U);
}

TEST_F(SystemdClientTest, signals_of_anyone_but_pid_1_are_forged) {
  add_running("a.service");
  start();
  systemd_.set_state("a.service", "inactive", ":1.666");
  systemd_.announce("UnitRemoved", "a.service", ":1.666");
  systemd_.reloading(true, ":1.666");
  systemd_.settle();
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(gone_, IsEmpty());
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.settle();
  EXPECT_THAT(gone_, ElementsAre("a.service")) << "the forged Reloading must not have silenced it";
}

TEST_F(SystemdClientTest, a_bus_that_goes_away_ends_open_questions_and_nothing_else) {
  add_running("a.service");
  systemd_.hold = true;
  start();
  systemd_.hang_up();
  systemd_.settle();
  EXPECT_EQ(sd_bus_is_open(systemd_.client()), 0);
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_THAT(lists_, IsEmpty()) << "nothing was read, and no units is not what systemd said";
  EXPECT_THAT(failures_, IsEmpty()) << "the end of the bus is told by who opened it";
  client_.reset();
}

TEST_F(SystemdClientTest, a_listener_that_throws_is_reported_and_the_next_message_is_handled) {
  int listed = 0;
  client_ = std::make_unique<SystemdClient>(
      systemd_.client(), unit_files_,
      SystemdClient::Listener{
          .listed = [&listed](const Result<std::vector<UnitFact>>&) { ++listed; },
          .patterns = [](const std::vector<UnitPattern>&) {},
          .awaited = [] {},
          .changed = [](const UnitFact&) { throw std::runtime_error("no memory for this"); },
          .gone = [this](std::string_view name) { gone_.emplace_back(name); },
          .failed = [this](const Error& error) { failures_.push_back(error); },
      },
      cgroups_.path());
  add_running("a.service");
  client_->request_list();
  systemd_.settle();
  EXPECT_EQ(listed, 1);
  systemd_.set_state("a.service", "inactive");
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.settle();
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_THAT(failures_[0].message(), testing::HasSubstr("no memory for this"));
  EXPECT_THAT(gone_, ElementsAre("a.service"));
}

}  // namespace
}  // namespace slo
