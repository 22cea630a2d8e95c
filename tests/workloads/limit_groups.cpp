// SPDX-License-Identifier: GPL-2.0-only
#include "limit_groups.h"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <ranges>
#include <string>
#include <system_error>

namespace slo::workload {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t leaves_of_a_branch = 100;
constexpr limit one_percent{.quota_us = 1'000, .period_us = 100'000};

// What a process of the group may have ended meanwhile is told by the kernel with ESRCH.
void write(const std::string& path, const std::string& text, bool may_be_gone = false) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file && !(may_be_gone && errno == ESRCH)) throw std::system_error(errno, std::system_category(), path);
}

std::string own_cgroup() {
  std::string line;
  std::getline(std::ifstream("/proc/self/cgroup"), line);
  return "/sys/fs/cgroup" + line.substr(line.rfind(':') + 1);
}

}  // namespace

void LimitedGroup::set_limit(const limit& value) const {
  write(path + "/cpu.max", std::format("{} {}", value.quota_us, value.period_us));
}

void LimitedGroup::freeze(bool frozen) const {
  write(path + "/cgroup.freeze", frozen ? "1" : "0");
}

bool LimitedGroup::is_frozen() const {
  std::ifstream file(path + "/cgroup.events");
  const std::string events(std::istreambuf_iterator<char>(file), {});
  return events.contains("frozen 1");
}

void LimitedGroup::take(int pid) const {
  write(path + "/cgroup.procs", std::to_string(pid), true);
}

LimitedGroups::LimitedGroups(std::size_t count) {
  const auto top = own_cgroup();
  fs::create_directory(top + "/control");
  write(top + "/control/cgroup.procs", "0");
  write(top + "/cgroup.subtree_control", "+cpu");
  all.push_back({.path = make(top + "/crowded", one_percent, false)});
  for (std::size_t i = 1; i <= tight; ++i)
    all.push_back(
        {.path = make(std::format("{}/tight{}", top, i),
                      {.quota_us = static_cast<std::int64_t>(i) * 1'000, .period_us = 100'000}, false)});
  std::string branch;
  for (std::size_t i = 0; all.size() < count; ++i) {
    if (i % leaves_of_a_branch == 0)
      branch = make(std::format("{}/branch{}", top, i), {.quota_us = 100'000, .period_us = 100'000}, true);
    const auto percent = static_cast<std::int64_t>(20 + i % 150);
    all.push_back({.path = make(std::format("{}/leaf{}", branch, i),
                                {.quota_us = percent * 1'000, .period_us = 100'000}, false)});
  }
}

LimitedGroups::~LimitedGroups() {
  std::error_code ignored;
  for (const auto& path : made_ | std::views::reverse) fs::remove(path, ignored);
}

std::string LimitedGroups::make(const std::string& path, const limit& value, bool is_inner) {
  fs::create_directory(path);
  made_.push_back(path);
  write(path + "/cpu.max", std::format("{} {}", value.quota_us, value.period_us));
  if (is_inner) write(path + "/cgroup.subtree_control", "+cpu");
  return path;
}

}  // namespace slo::workload
