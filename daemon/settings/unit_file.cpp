// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_file.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text_file.h"
#include "base/time_span.h"
#include "settings/file.h"

namespace slo {
namespace {

using Severity = ConfigProblem::Severity;

constexpr const char* own_section = "X-Slo";
// systemd's sections in which a unit with a cgroup is put into a slice.
constexpr auto slice_sections = std::to_array<std::string_view>({"Service", "Scope"});
// Below this the cost of a switch and of the timer tick is no longer small beside the budget.
constexpr std::uint64_t small_budget_ns = 200 * SLO_NSEC_PER_USEC;

// Letters and digits alone, in lower case: [x-slo], [X_SLO] and [X-Slo ] all look like xslo.
std::string without_style(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') plain += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  return plain;
}

std::optional<Remark> look_alike(std::string_view header) {
  static constexpr auto look_alikes = std::to_array<std::string_view>({"xslo", "xscxslo", "slo", "scxslo"});
  if (!std::ranges::contains(look_alikes, without_style(header))) return std::nullopt;
  return Remark{.severity = Severity::warning,
                .detail = "nothing in this section is used; accepted is [" + std::string(own_section) + "]"};
}

template <class T>
KeyRule rule_of(const char* key, std::optional<Setting<T>>& target) {
  return setting_rule(own_section, key, target);
}

KeyRule rule_of(const char* key, std::optional<Setting<Budget>>& target) {
  KeyRule rule = setting_rule(own_section, key, target);
  rule.take = [&target, take = std::move(rule.take)](std::string_view value,
                                                     const Origin& origin) -> std::optional<Remark> {
    if (auto refused = take(value, origin)) return refused;
    if (!target || target->value.ns() >= small_budget_ns) return std::nullopt;
    return Remark{
        .severity = Severity::warning,
        .detail = "accepted, but few machines keep a budget under " + format_time_span_ns(small_budget_ns)};
  };
  return rule;
}

// A line that is refused leaves what earlier files say.
KeyRule noting(KeyRule rule, std::set<std::string>& keys) {
  rule.take = [&keys, key = rule.key, take = std::move(rule.take)](std::string_view value,
                                                                   const Origin& origin) {
    auto remark = take(value, origin);
    if (!remark || remark->severity != Severity::error) keys.insert(key);
    return remark;
  };
  return rule;
}

FileRules unit_rules(UnitFile& file) {
  std::vector<KeyRule> keys;
  for_each_setting(file.settings, [&keys, &file](const char* key, auto& target) {
    keys.push_back(noting(rule_of(key, target), file.keys));
  });
  for (const char* key : {"SloBudgetMin", "SloBudgetMax"}) keys.push_back(not_honoured(own_section, key));
  return {.keys = std::move(keys), .other_section = look_alike, .all_ours = false, .if_missing = ""};
}

}  // namespace

UnitFile read_unit_file(const std::string& path) {
  UnitFile file;
  auto content =
      read_text_file(path, "the file is missing although systemd lists it; run: systemctl daemon-reload");
  if (!content) {
    file.readable = false;
    file.problems.push_back(unreadable(path, std::move(content.error())));
    return file;
  }
  file.slice = last_value(*content, slice_sections, "Slice");
  file.has_settings = std::ranges::any_of(
      headers_in(*content), [](const std::string& header) { return look_alike(header).has_value(); });
  if (file.has_settings) take_settings(path, *content, unit_rules(file), file.problems);
  return file;
}

void add_unit_file(const UnitFile& file, UnitFileSettings& settings) {
#define SLO_TAKE(member, Type, ...) \
  if (file.keys.contains("Slo" #Type)) settings.settings.member = file.settings.member;
  SLO_UNIT_SETTINGS(SLO_TAKE)
#undef SLO_TAKE
  settings.problems.insert(settings.problems.end(), file.problems.begin(), file.problems.end());
  if (file.slice) settings.slice = *file.slice;
}

UnitFileSettings read_unit_files(std::span<const std::string> files) {
  UnitFileSettings result;
  for (const auto& path : files) add_unit_file(read_unit_file(path), result);
  return result;
}

bool has_settings(const std::string& file) {
  return read_unit_file(file).has_settings;
}

std::optional<ConfigProblem> too_broad(std::string_view unit, const SloSettings& settings) {
  static constexpr auto broad = std::to_array<std::string_view>({"-.slice", "system.slice", "user.slice"});
  if (!settings.has_budget() || !std::ranges::contains(broad, unit)) return std::nullopt;
  return ConfigProblem{.severity = Severity::warning,
                       .file = settings.budget->origin.file,
                       .line = settings.budget->origin.line,
                       .key = "SloBudget",
                       .value = settings.budget->value.to_string(),
                       .detail = "accepted, but where everything in " + std::string(unit) +
                                 " has a budget nothing comes first; name the units that need one"};
}

}  // namespace slo
