// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_file.h"
#include "settings/config_problem.h"
#include "settings/slo.h"

// The one way from a file of sections and KEY=VALUE lines to values, for unit files and for scx-slo.conf
// alike. systemd's own line rules hold (comments by # and ; at the start of a line only, continuation by a
// trailing backslash, also across comments), not inih's.
namespace slo {

// What there is to say of a line or a section; nothing: std::nullopt.
struct Remark {
  ConfigProblem::Severity severity = ConfigProblem::Severity::error;
  std::string detail;
};

// One key that is known.
struct KeyRule {
  std::string section;  // "X-Slo"
  std::string key;      // "SloBudget"
  std::string
      accepted;  // what a value may be, fit for "accepted is <accepted>"; empty: the key is not honoured
  // Uses the value (empty: forget what earlier lines said), or says why not. An error: it was ignored.
  std::function<std::optional<Remark>(std::string_view value, const Origin& origin)> take;
};

struct FileRules {
  std::vector<KeyRule> keys;
  // Asked of each header that is no section of `keys`, as written and once per file and header.
  std::function<std::optional<Remark>(std::string_view header)> other_section;
  bool all_ours = false;   // lines before the first section are mistakes
  std::string if_missing;  // what to say when there is no such file
};

// Takes what a file holds: values go to the rules, what is wrong to `problems`. Never logs.
void take_settings(const std::filesystem::path& path, std::string_view content, const FileRules& rules,
                   std::vector<ConfigProblem>& problems);
// The same of a file that is to be read.
void read_settings_file(const std::filesystem::path& path, const FileRules& rules,
                        std::vector<ConfigProblem>& problems);
[[nodiscard]] ConfigProblem unreadable(const std::filesystem::path& path, FileTrouble trouble);

// The headers of a file in the order of their lines, "[X-Slo]"; none when it cannot be read.
[[nodiscard]] std::vector<std::string> section_headers(const std::filesystem::path& path);
[[nodiscard]] std::vector<std::string> headers_in(std::string_view content);

// The last value of a key that is systemd's, in any of these sections; empty: the last one forgets it.
// Nothing where there is no such line.
[[nodiscard]] std::optional<std::string> last_value(std::string_view content,
                                                    std::span<const std::string_view> sections,
                                                    std::string_view key);

// A key whose value is checked by T::parse(). `target` outlives the rule.
template <class T>
KeyRule setting_rule(std::string section, std::string key, std::optional<Setting<T>>& target) {
  const auto take = [&target](std::string_view text, const Origin& origin) -> std::optional<Remark> {
    if (text.empty()) {
      target.reset();
      return std::nullopt;
    }
    const auto value = T::parse(text);
    if (!value) return Remark{.detail = "accepted is " + value.error()};
    target = Setting<T>{.value = *value, .origin = origin};
    return std::nullopt;
  };
  return {.section = std::move(section), .key = std::move(key), .accepted = T::accepted(), .take = take};
}

// A key of the documentation that this version does not act upon.
[[nodiscard]] KeyRule not_honoured(std::string section, std::string key);

}  // namespace slo
