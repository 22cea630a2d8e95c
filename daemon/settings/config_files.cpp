// SPDX-License-Identifier: GPL-2.0-only
#include "settings/config_files.h"

#include <array>
#include <map>
#include <ranges>
#include <string>
#include <system_error>

#include "base/text_file.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

// From the most to the least important, as systemd has it for its own configuration.
constexpr auto directories = std::to_array<const char*>({"etc", "run", "usr/local/lib", "usr/lib"});
constexpr const char* own_directory = "scx-slo";
constexpr const char* main_file = "scx-slo.conf";

bool may_exist(const fs::path& path) {
  std::error_code error;
  const auto kind = fs::symlink_status(path, error).type();
  // One that cannot be looked at (a closed directory) is there as far as we can tell: reading it says why
  // not.
  return kind != fs::file_type::not_found;
}

ConfigProblem unreadable_directory(const fs::path& directory, const std::error_code& error) {
  return {.severity = ConfigProblem::Severity::error,
          .file = directory.string(),
          .line = 0,
          .key = "",
          .value = "",
          .detail = why_unreadable(directory, error.value())};
}

}  // namespace

ConfigFiles find_config_files(const fs::path& root) {
  ConfigFiles found;
  for (const auto* directory : directories) {
    const fs::path path = root / directory / own_directory / main_file;
    if (!may_exist(path)) continue;
    found.files.push_back(path);
    break;
  }
  // By file name: the first directory that has one wins. One that masks the others, empty or a link to
  // /dev/null, needs no telling from one with settings: read, it says nothing.
  std::map<std::string, fs::path> drop_ins;
  for (const auto* directory : directories) {
    const fs::path path = root / directory / own_directory / (std::string(main_file) + ".d");
    std::error_code error;
    fs::directory_iterator at(path, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (name.ends_with(".conf") && !name.starts_with('.')) drop_ins.try_emplace(name, at->path());
    }
    if (error && error != std::errc::no_such_file_or_directory)
      found.problems.push_back(unreadable_directory(path, error));
  }
  for (const auto& path : std::views::values(drop_ins)) found.files.push_back(path);
  return found;
}

}  // namespace slo
