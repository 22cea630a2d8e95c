// SPDX-License-Identifier: GPL-2.0-only
// Units whose files have settings are known whether systemd has loaded them or not.
#include <gmock/gmock.h>

#include "tests/unit/systemd/client_fixture.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SystemdClientSettingsTest : public SystemdClientTest {
 protected:
  SystemdClientSettingsTest() { systemd_.unit_path = {files_.path().string()}; }

  // A unit with settings that nothing has started.
  void add_file(const std::string& name) {
    const auto path = files_.write(name, "[X-Slo]\nSloBudget=5ms\n");
    systemd_.units[name] = {.active_state = "inactive", .fragment = path.string(), .loaded = false};
  }
  // systemd drops it, as it does with what nothing refers to.
  void unload(const std::string& name) {
    systemd_.units[name].loaded = false;
    systemd_.announce("UnitRemoved", name);
    systemd_.settle();
  }
  void run(const std::string& name) {
    auto& unit = systemd_.units[name];
    unit.loaded = true;
    unit.control_group = "/system.slice/" + name;
    make_cgroup(name);
    systemd_.announce("UnitNew", name);
    systemd_.set_state(name, "active");
    systemd_.settle();
  }

  fakes::TemporaryDirectory files_;
};

TEST_F(SystemdClientSettingsTest, a_unit_that_is_not_loaded_is_listed_with_its_files) {
  add_file("a.service");
  add_running("b.service");
  start();
  ASSERT_EQ(lists_.size(), 1U);
  ASSERT_EQ(lists_[0]->size(), 2U);
  EXPECT_EQ(lists_[0]->at(0).name, "a.service");
  EXPECT_EQ(lists_[0]->at(0).cgroup_id, 0U);
  EXPECT_THAT(lists_[0]->at(0).files, ElementsAre(files_.path() / "a.service"));
}

TEST_F(SystemdClientSettingsTest, a_loaded_one_is_listed_once) {
  add_running("a.service");
  files_.write("a.service.d/slo.conf", "[X-Slo]\n");
  start();
  EXPECT_EQ(lists_.at(0)->size(), 1U);
  EXPECT_EQ(lists_.at(0)->at(0).cgroup_id, inode("a.service"));
}

// The question itself made systemd load it.
TEST_F(SystemdClientSettingsTest, that_systemd_drops_it_again_is_no_reason_to_forget_or_to_ask) {
  add_file("a.service");
  start();
  const int reads = systemd_.reads;
  systemd_.announce("UnitNew", "a.service");
  unload("a.service");
  EXPECT_THAT(gone_, IsEmpty());
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_EQ(systemd_.reads, reads);
  EXPECT_EQ(client_->known_units(), 1U);
}

TEST_F(SystemdClientSettingsTest, the_first_settings_of_a_unit_that_runs_are_read_while_systemd_still_reads) {
  add_running("a.service");
  start();
  const auto drop_in = files_.write("a.service.d/slo.conf", "[X-Slo]\nSloBudget=5ms\n");
  systemd_.reloading(true);
  systemd_.settle();
  EXPECT_EQ(awaited_, 2);
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_NE(changes_[0].reload, lists_.at(0)->at(0).reload) << "only so are files read that were read before";
  EXPECT_EQ(changes_[0].name, "a.service");
  EXPECT_EQ(changes_[0].cgroup_id, inode("a.service"));
  EXPECT_THAT(changes_[0].files, ElementsAre("/etc/a.service", drop_in));
}

TEST_F(SystemdClientSettingsTest, those_of_a_second_unit_wait_for_systemds_word) {
  add_running("a.service");
  add_running("b.service");
  systemd_.units["a.service"].drop_ins = {
      files_.write("a.service.d/slo.conf", "[X-Slo]\nSloBudget=5ms\n").string()};
  start();
  files_.write("b.service.d/slo.conf", "[X-Slo]\nSloBudget=6ms\n");
  systemd_.reloading(true);
  systemd_.settle();
  EXPECT_THAT(changes_, IsEmpty()) << "a budget is in force already, and with it PID 1 has what it needs";
}

TEST_F(SystemdClientSettingsTest, it_starts_and_stops_like_any_other) {
  add_file("a.service");
  start();
  run("a.service");
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].cgroup_id, inode("a.service"));
  systemd_.set_state("a.service", "inactive");
  unload("a.service");
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].cgroup_id, 0U);
  EXPECT_THAT(changes_[1].files, ElementsAre(files_.path() / "a.service"));
  EXPECT_THAT(gone_, IsEmpty());
}

// A transient unit of this name has a file that was not there before.
TEST_F(SystemdClientSettingsTest, its_files_are_asked_for_again_once_it_was_unloaded) {
  add_file("a.service");
  start();
  unload("a.service");
  systemd_.units["a.service"].drop_ins = {"/run/systemd/transient/a.service.d/50-x.conf"};
  run("a.service");
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_THAT(changes_[0].files,
              ElementsAre(files_.path() / "a.service", "/run/systemd/transient/a.service.d/50-x.conf"));
}

TEST_F(SystemdClientSettingsTest, unloaded_while_the_list_is_read_it_still_is_in_the_list) {
  add_file("a.service");
  systemd_.hold = true;
  start();
  systemd_.announce("UnitRemoved", "a.service");
  systemd_.settle();
  systemd_.hold = false;
  systemd_.release();
  systemd_.settle();
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_EQ(lists_[0]->size(), 1U);
}

TEST_F(SystemdClientSettingsTest, without_its_file_it_is_forgotten_with_the_next_list) {
  add_file("a.service");
  start();
  std::filesystem::remove(files_.path() / "a.service");
  systemd_.reloading(true);
  systemd_.reloading(false);
  systemd_.settle();
  ASSERT_EQ(lists_.size(), 2U);
  EXPECT_THAT(lists_[1].value(), IsEmpty());
}

TEST_F(SystemdClientSettingsTest, systemd_does_not_know_every_name_of_a_file) {
  files_.write("a.service", "[X-Slo]\nSloBudget=5ms\n");
  start();
  ASSERT_EQ(lists_.size(), 1U);
  EXPECT_THAT(lists_[0].value(), IsEmpty());
  EXPECT_THAT(failures_, IsEmpty());
}

}  // namespace
}  // namespace slo
