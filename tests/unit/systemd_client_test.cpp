// SPDX-License-Identifier: GPL-2.0-only
#include "systemd_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "fake_systemd.h"
#include "fakes.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SystemdClientTest : public testing::Test {
 protected:
  void start() {
    client_ = std::make_unique<SystemdClient>(
        systemd_.client(),
        SystemdClient::Listener{
            .listed = [this](const Result<std::vector<UnitFact>>& facts) { lists_.push_back(facts); },
            .changed = [this](const UnitFact& fact) { changes_.push_back(fact); },
            .gone = [this](std::string_view name) { gone_.emplace_back(name); },
            .failed = [this](const Error& error) { failures_.push_back(error); },
        },
        cgroups_.path());
    client_->request_list();
    systemd_.settle();
  }

  // A unit of systemd's that runs, its cgroup there.
  void add_running(const std::string& name) {
    systemd_.units[name] = {.fragment = "/etc/" + name,
                            .drop_ins = {"/etc/" + name + ".d/slo.conf"},
                            .control_group = "/system.slice/" + name};
    make_cgroup(name);
  }
  void make_cgroup(const std::string& name) { std::filesystem::create_directories(directory(name)); }
  std::filesystem::path directory(const std::string& name) { return cgroups_.path() / "system.slice" / name; }
  std::uint64_t inode(const std::string& name) {
    struct stat of{};
    return stat(directory(name).c_str(), &of) == 0 ? of.st_ino : 0;
  }

  fakes::TemporaryDirectory cgroups_;
  fakes::Systemd systemd_;
  std::vector<Result<std::vector<UnitFact>>> lists_;
  std::vector<UnitFact> changes_;
  std::vector<std::string> gone_;
  std::vector<Error> failures_;
  std::unique_ptr<SystemdClient> client_;
};

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
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].cgroup_id, 0U);
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

TEST_F(SystemdClientTest, subscribes_and_lists_again_when_pid_1_has_executed_itself_anew) {
  add_running("a.service");
  start();
  systemd_.reloading(true);
  systemd_.change_owner(":1.1", "");
  systemd_.change_owner("", ":1.99");
  systemd_.settle();
  EXPECT_EQ(systemd_.subscriptions, 2);
  EXPECT_EQ(lists_.size(), 2U);
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
  client_ = std::make_unique<SystemdClient>(
      systemd_.client(),
      SystemdClient::Listener{
          .listed = [](const Result<std::vector<UnitFact>>&) {},
          .changed = [](const UnitFact&) { throw std::runtime_error("no memory for this"); },
          .gone = [this](std::string_view name) { gone_.emplace_back(name); },
          .failed = [this](const Error& error) { failures_.push_back(error); },
      },
      cgroups_.path());
  add_running("a.service");
  client_->request_list();
  systemd_.settle();
  systemd_.set_state("a.service", "inactive");
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.settle();
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_THAT(failures_[0].message(), testing::HasSubstr("no memory for this"));
  EXPECT_THAT(gone_, ElementsAre("a.service"));
}

}  // namespace
}  // namespace slo
