// SPDX-License-Identifier: GPL-2.0-only
// Files that are edited without a daemon-reload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/unit/systemd/client_fixture.h"

namespace slo {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class SystemdFilesTest : public SystemdClientTest {
 protected:
  SystemdFilesTest() { systemd_.unit_path = {files_.path().string()}; }

  void add_service(const std::string& name, const std::string& drop_in) {
    add_running(name);
    systemd_.units[name].fragment = files_.write(name, "[Service]\n").string();
    systemd_.units[name].drop_ins = {files_.write(name + ".d/slo.conf", drop_in).string()};
  }
  // What systemd would say from now on, and a second later.
  void edited(const std::string& name, bool needs_daemon_reload) {
    systemd_.units[name].needs_daemon_reload = needs_daemon_reload;
    look();
  }
  void look() {
    client_->look_at_files();
    systemd_.settle();
  }
  int reads_of_look() {
    const int before = systemd_.reads;
    look();
    return systemd_.reads - before;
  }

  fakes::TemporaryDirectory files_;
};

constexpr const char* with_budget = "[X-Slo]\nSloBudget=5ms\n";

TEST_F(SystemdFilesTest, nothing_is_asked_while_nothing_changes) {
  add_service("a.service", with_budget);
  start();
  EXPECT_EQ(reads_of_look(), 0);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(SystemdFilesTest, an_edited_file_is_told_and_so_is_that_it_is_as_it_was) {
  add_service("a.service", with_budget);
  start();
  files_.write("a.service.d/slo.conf", "[X-Slo]\nSloBudget=10ms\n");
  edited("a.service", true);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_TRUE(changes_[0].needs_daemon_reload);
  EXPECT_EQ(reads_of_look(), 0) << "what was told once";
  files_.write("a.service.d/slo.conf", with_budget);
  edited("a.service", false);
  ASSERT_THAT(changes_, SizeIs(2));
  EXPECT_FALSE(changes_[1].needs_daemon_reload);
}

TEST_F(SystemdFilesTest, so_is_one_that_comes_or_goes) {
  add_service("db-a.service", with_budget);
  start();
  for (const char* name : {"db-a.service.d/z.conf", "db-.service.d/z.conf", "service.d/z.conf"}) {
    files_.write(name, with_budget);
    edited("db-a.service", true);
    EXPECT_TRUE(changes_.back().needs_daemon_reload) << name;
    std::filesystem::remove(files_.path() / name);
    edited("db-a.service", false);
    EXPECT_FALSE(changes_.back().needs_daemon_reload) << name;
  }
  std::filesystem::remove(files_.path() / "db-a.service.d/slo.conf");
  edited("db-a.service", true);
  EXPECT_TRUE(changes_.back().needs_daemon_reload);
}

TEST_F(SystemdFilesTest, units_without_settings_are_left_alone) {
  add_service("a.service", "[Service]\nNice=5\n");
  start();
  files_.write("a.service.d/slo.conf", "[Service]\nNice=10\n");
  EXPECT_EQ(reads_of_look(), 0);
}

TEST_F(SystemdFilesTest, first_settings_are_told_to_wait_for_systemd) {
  add_service("a.service", "[Service]\nNice=5\n");
  start();
  EXPECT_EQ(changes_.size(), 0U);
  for (const char* name : {"a.service.d/slo.conf", "a.service.d/y.conf", "service.d/z.conf"}) {
    const auto file = files_.write(name, with_budget);
    edited("a.service", true);
    EXPECT_EQ(changes_.back().waiting, file);
    EXPECT_EQ(reads_of_look(), 0) << "what was told once";
    files_.write(name, "[Service]\nNice=5\n");
    edited("a.service", true);
    EXPECT_EQ(changes_.back().waiting, "") << name;
  }
}

TEST_F(SystemdFilesTest, an_instance_has_the_settings_of_its_template) {
  add_running("a@1.service");
  systemd_.units["a@1.service"].fragment = files_.write("a@.service", with_budget).string();
  systemd_.units["a@1.service"].drop_ins = {};
  start();
  files_.write("a@.service", "[X-Slo]\nSloBudget=10ms\n");
  EXPECT_EQ(reads_of_look(), 4);
}

TEST_F(SystemdFilesTest, many_units_are_looked_at_in_turns) {
  constexpr int units = 100;
  for (int i = 0; i < units; ++i) add_service("u" + std::to_string(i) + ".service", with_budget);
  start();
  for (int i = 0; i < units; ++i) files_.write("u" + std::to_string(i) + ".service", "[Service]\nNice=10\n");
  const int at_once = reads_of_look();
  EXPECT_GT(at_once, 0);
  EXPECT_LT(at_once, 4 * units / 2);
  EXPECT_EQ(at_once + reads_of_look() + reads_of_look(), 4 * units);
  EXPECT_EQ(reads_of_look(), 0);
}

TEST_F(SystemdFilesTest, not_while_systemd_reloads_and_a_list_is_to_come) {
  add_service("a.service", with_budget);
  start();
  systemd_.reloading(true);
  systemd_.settle();
  files_.write("a.service.d/slo.conf", "[X-Slo]\nSloBudget=10ms\n");
  EXPECT_EQ(reads_of_look(), 0);
}

}  // namespace
}  // namespace slo
