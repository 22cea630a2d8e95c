// SPDX-License-Identifier: GPL-2.0-only
#include "client/command/check.h"

#include <algorithm>
#include <array>
#include <format>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "base/unit_name.h"
#include "settings/config.h"
#include "settings/file.h"
#include "settings/unit_file.h"

namespace slo::client {
namespace {

namespace fs = std::filesystem;
using Severity = ConfigProblem::Severity;
using Json = nlohmann::ordered_json;

constexpr std::string_view main_file = "scx-slo.conf";
constexpr std::string_view drop_in_suffix = ".d";

// "nginx.service" for nginx.service itself and for nginx.service.d/slo.conf; empty where the name does not
// tell.
std::string unit_of(const fs::path& file) {
  if (unit_suffix(file.filename().string())) return file.filename().string();
  std::string directory = file.parent_path().filename().string();
  if (!directory.ends_with(drop_in_suffix)) return {};
  directory.resize(directory.size() - drop_in_suffix.size());
  return unit_suffix(directory) ? directory : std::string();
}

bool is_daemon_file(const fs::path& file) {
  const bool drop_in = file.parent_path().filename() == std::string(main_file) + std::string(drop_in_suffix);
  if (file.filename() == main_file || drop_in) return true;
  if (!unit_of(file).empty()) return false;
  const auto headers = section_headers(file);
  const auto keys = config_keys();
  return !std::ranges::contains(headers, "[X-Slo]") &&
         std::ranges::any_of(keys, [&headers](const ConfigKey& key) {
           return std::ranges::contains(headers, "[" + key.section + "]");
         });
}

ConfigProblem about(const fs::path& file, Severity severity, std::string detail) {
  return {.severity = severity,
          .file = file.string(),
          .line = 0,
          .key = "",
          .value = "",
          .detail = std::move(detail)};
}

std::vector<ConfigProblem> check_unit_file(const fs::path& file) {
  UnitFileSettings read = read_unit_files(std::array{file.string()});
  std::vector<ConfigProblem> problems = std::move(read.problems);
  if (auto broad = too_broad(unit_of(file), read.settings)) problems.push_back(*std::move(broad));
  if (problems.empty() && !std::ranges::contains(section_headers(file), "[X-Slo]"))
    problems.push_back(
        about(file, Severity::warning, "has no section [X-Slo], so it says nothing to scx-slo"));
  return problems;
}

std::vector<ConfigProblem> check_file(const fs::path& file) {
  std::error_code ignored;
  if (fs::status(file, ignored).type() == fs::file_type::not_found)
    return {about(file, Severity::error, "there is no such file")};
  return is_daemon_file(file) ? read_config_file(file).problems : check_unit_file(file);
}

std::string counted(std::size_t count, std::string_view what) {
  return std::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::size_t Checked::errors() const {
  return static_cast<std::size_t>(std::ranges::count(problems, Severity::error, &ConfigProblem::severity));
}

Checked check_files(std::span<const fs::path> files) {
  Checked checked{.files = files.size(), .problems = {}};
  for (const auto& file : files) std::ranges::move(check_file(file), std::back_inserter(checked.problems));
  return checked;
}

std::string check_text(const Checked& checked) {
  std::string text;
  for (const auto& problem : checked.problems) text += problem.message() + "\n";
  return text + std::format("{} checked: {}, {}\n", counted(checked.files, "file"),
                            counted(checked.errors(), "error"), counted(checked.warnings(), "warning"));
}

std::string check_json(const Checked& checked) {
  Json problems = Json::array();
  for (const auto& problem : checked.problems) {
    problems.push_back({{"severity", problem.severity == Severity::error ? "error" : "warning"},
                        {"file", problem.file},
                        {"line", problem.line},
                        {"key", problem.key},
                        {"value", problem.value},
                        {"detail", problem.detail},
                        {"message", problem.message()}});
  }
  const Json all = {{"files", checked.files},
                    {"errors", checked.errors()},
                    {"warnings", checked.warnings()},
                    {"problems", std::move(problems)}};
  // A path or a value may hold any byte. All else is ASCII, fit for a terminal.
  return all.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace slo::client
