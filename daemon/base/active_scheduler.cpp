// SPDX-License-Identifier: GPL-2.0-only
#include "base/active_scheduler.h"

#include <fstream>

namespace slo {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

}  // namespace

std::string active_scheduler(const std::filesystem::path& root) {
  const auto directory = root / "sys/kernel/sched_ext";
  const std::string state = first_line(directory / "state");
  if (state.empty() || state == "disabled") return {};
  const std::string name = first_line(directory / "root/ops");
  return name.empty() ? "(" + state + ")" : name;
}

}  // namespace slo
