// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "systemd/client.h"
#include "tests/unit/fakes.h"
#include "tests/unit/systemd/fake_systemd.h"

namespace slo {

// The client at one end of a bus, systemd at the other, and what the client told.
class SystemdClientTest : public testing::Test {
 protected:
  // What the first list consists of is no change.
  void start(std::uint64_t list_pause_usec = 0) {
    client_ = std::make_unique<SystemdClient>(
        systemd_.client(), unit_files_,
        SystemdClient::Listener{
            .listed = [this](const Result<std::vector<UnitFact>>& facts) { lists_.push_back(facts); },
            .patterns = [this](const std::vector<UnitPattern>& found) { patterns_ = found; },
            .awaited = [this] { ++awaited_; },
            .changed = [this](const UnitFact& fact) { changes_.push_back(fact); },
            .gone = [this](std::string_view name) { gone_.emplace_back(name); },
            .failed = [this](const Error& error) { failures_.push_back(error); },
        },
        cgroups_.path(), list_pause_usec);
    client_->request_list();
    systemd_.settle();
    changes_.clear();
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
  UnitFiles unit_files_{[] { return Instant{.realtime_ns = UINT64_MAX}; }};
  std::vector<Result<std::vector<UnitFact>>> lists_;
  std::vector<UnitPattern> patterns_;
  std::vector<UnitFact> changes_;
  std::vector<std::string> gone_;
  std::vector<Error> failures_;
  int awaited_ = 0;  // lists
  std::unique_ptr<SystemdClient> client_;
};

}  // namespace slo
