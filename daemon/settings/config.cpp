// SPDX-License-Identifier: GPL-2.0-only
#include "settings/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <expected>
#include <functional>
#include <optional>
#include <utility>

#include "base/percent.h"
#include "base/time_span.h"
#include "settings/config_files.h"
#include "settings/file.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t usec = SLO_NSEC_PER_USEC;
constexpr std::uint64_t msec = SLO_NSEC_PER_MSEC;
constexpr std::uint64_t second = SLO_NSEC_PER_SEC;

constexpr const char* scheduler = "Scheduler";
constexpr const char* defaults = "Defaults";
constexpr const char* events = "Events";
constexpr const char* guard = "Guard";

// What a key takes: a number from `least` to `most` in the notation of `parse`, and how it is written.
struct Notation {
  std::optional<std::uint64_t> (*parse)(std::string_view);
  std::string (*format)(std::uint64_t);
  const char* what;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

std::optional<std::uint64_t> parse_permille(std::string_view text) {
  static constexpr std::uint32_t ppm_per_permille = 1000;
  const auto ppm = parse_percent_ppm(text);
  if (!ppm || *ppm % ppm_per_permille != 0) return {};
  return *ppm / ppm_per_permille;
}

constexpr Notation span{
    .parse = parse_time_span_ns, .format = format_time_span_ns, .what = "a time span with its unit"};
constexpr Notation number{.parse = parse_number,
                          .format = [](std::uint64_t value) { return std::to_string(value); },
                          .what = "a whole number"};
constexpr Notation permille{
    .parse = parse_permille,
    .format =
        [](std::uint64_t value) { return format_percent_ppm(static_cast<std::uint32_t>(value) * 1000); },
    .what = "a share with its percent sign"};

struct NumberKey {
  const char* section;
  const char* key;
  const Notation& notation;
  std::uint64_t least;
  std::uint64_t most;
  std::uint64_t standard;
  void (*set)(Config&, std::uint64_t);
};

std::uint64_t interval_ns(std::uint64_t per_second) {
  return second / per_second;
}

// The bounds keep out what cannot work: slices below a tick, or so long that a round of best effort takes
// seconds, a gap near the kernel's own limit for a stall (30 s), a floor that leaves best effort nothing, or
// the units with a budget too little; likewise what an operator may take from them.
constexpr auto number_keys = std::to_array<NumberKey>({
    {scheduler, "BestEffortFloor", permille, 10, 500, 50,
     [](Config& to, std::uint64_t v) { to.tunables.best_effort_floor_permille = static_cast<slo_u32>(v); }},
    {scheduler, "BestEffortGap", span, 10 * msec, 10 * second, 100 * msec,
     [](Config& to, std::uint64_t v) { to.tunables.best_effort_gap_ns = v; }},
    {scheduler, "SloSliceMax", span, msec, second, 20 * msec,
     [](Config& to, std::uint64_t v) { to.tunables.slo_slice_max_ns = v; }},
    {scheduler, "BestEffortSlice", span, msec, 100 * msec, 20 * msec,
     [](Config& to, std::uint64_t v) { to.tunables.best_effort_slice_ns = v; }},
    {scheduler, "KickRate", number, 1, 1'000'000, 10'000,
     [](Config& to, std::uint64_t v) { to.tunables.kick_interval_ns = interval_ns(v); }},
    {scheduler, "MinRun", span, 0, 10 * msec, 100 * usec,
     [](Config& to, std::uint64_t v) { to.tunables.min_run_ns = v; }},
    {scheduler, "Capacity", number, 1, SLO_CAPACITY_MAX, SLO_CAPACITY,
     [](Config& to, std::uint64_t v) { to.tunables.capacity = static_cast<slo_u32>(v); }},
    {scheduler, "OperatorReserve", permille, 0, 500, 50,
     [](Config& to, std::uint64_t v) { to.operator_permille = v; }},
    {events, "Rate", number, 1, 100'000, 10,
     [](Config& to, std::uint64_t v) { to.tunables.event_interval_ns = interval_ns(v); }},
    {events, "Burst", number, 1, 100'000, 20,
     [](Config& to, std::uint64_t v) { to.tunables.event_burst = static_cast<slo_u32>(v); }},
    {events, "GlobalRate", number, 1, 100'000, 100,
     [](Config& to, std::uint64_t v) { to.tunables.event_global_interval_ns = interval_ns(v); }},
    {guard, "Retries", number, 1, 100, 3,
     [](Config& to, std::uint64_t v) { to.retries = static_cast<unsigned>(v); }},
    {guard, "RetryWindow", span, second, 7 * 86'400 * second, 600 * second,
     [](Config& to, std::uint64_t v) { to.retry_window_ns = v; }},
});

std::string accepted(const NumberKey& key) {
  const std::string least = key.least == 0 && &key.notation == &span ? "0us" : key.notation.format(key.least);
  return std::string(key.notation.what) + " from " + least + " to " + key.notation.format(key.most) +
         " such as " + key.notation.format(key.standard);
}

KeyRule number_rule(const NumberKey& key, Config& config) {
  const auto take = [&key, &config](std::string_view text, const Origin&) -> std::optional<Remark> {
    const auto value = text.empty() ? key.standard : key.notation.parse(text);
    if (!value || *value < key.least || *value > key.most)
      return Remark{.detail = "accepted is " + accepted(key)};
    key.set(config, *value);
    return std::nullopt;
  };
  return {.section = key.section, .key = key.key, .accepted = accepted(key), .take = take};
}

KeyRule mode_rule(Config& config) {
  static constexpr const char* modes = "auto, enforce or observe";
  const auto take = [&config](std::string_view text, const Origin&) -> std::optional<Remark> {
    if (text.empty()) text = to_string(Mode::automatic);
    for (const Mode mode : {Mode::automatic, Mode::enforce, Mode::observe}) {
      if (text != to_string(mode)) continue;
      config.mode = mode;
      return std::nullopt;
    }
    return Remark{.detail = std::string("accepted is ") + modes};
  };
  return {.section = scheduler, .key = "Mode", .accepted = modes, .take = take};
}

// systemd.syntax(7): what a boolean may be.
KeyRule switch_rule(Config& config, const char* key, bool Config::* member) {
  static constexpr const char* accepted = "yes or no";
  const auto take = [&config, member](std::string_view text, const Origin&) -> std::optional<Remark> {
    static constexpr auto yes = std::to_array<std::string_view>({"yes", "true", "on", "1", "y", "t"});
    static constexpr auto no = std::to_array<std::string_view>({"no", "false", "off", "0", "n", "f"});
    if (text.empty()) {
      config.*member = Config{}.*member;
      return std::nullopt;
    }
    const bool is_yes = std::ranges::contains(yes, text);
    if (!is_yes && !std::ranges::contains(no, text))
      return Remark{.detail = std::string("accepted is ") + accepted};
    config.*member = is_yes;
    return std::nullopt;
  };
  return {.section = scheduler, .key = key, .accepted = accepted, .take = take};
}

// A budget for everybody would put nobody first, so there is none to be given here.
KeyRule budget_refusal() {
  return {.section = defaults, .key = "SloBudget", .accepted = "", .take = [](auto, const auto&) {
            return Remark{.detail = "a budget is given to a unit by its name; type: systemctl edit UNIT"};
          }};
}

// set_here: what [Defaults] says, without the standard settings.
FileRules config_rules(Config& config, SloSettings& set_here) {
  FileRules rules;
  rules.all_ours = true;
  rules.if_missing = "there is no such file";
  rules.keys.push_back(mode_rule(config));
  for (const auto& key : number_keys) rules.keys.push_back(number_rule(key, config));
  rules.keys.push_back(switch_rule(config, "Shedding", &Config::shedding));
  rules.keys.push_back(switch_rule(config, "Strict", &Config::strict));
  rules.keys.push_back(setting_rule(defaults, "SloMetric", set_here.metric));
  rules.keys.push_back(setting_rule(defaults, "SloObjective", set_here.objective));
  rules.keys.push_back(setting_rule(defaults, "SloImportance", set_here.importance));
  rules.keys.push_back(budget_refusal());
  rules.keys.push_back(not_honoured(guard, "Baseline"));
  rules.keys.push_back(not_honoured(guard, "BaselineMaxLoss"));
  rules.other_section = [](std::string_view) {
    return Remark{.severity = ConfigProblem::Severity::warning,
                  .detail =
                      "nothing in this section is used; accepted are [Scheduler], [Defaults], [Events] and "
                      "[Guard]"};
  };
  return rules;
}

ConfigReading read_in_order(const std::vector<fs::path>& files) {
  ConfigReading reading;
  SloSettings set_here;
  const FileRules rules = config_rules(reading.config, set_here);
  for (const auto& file : files) read_settings_file(file, rules, reading.problems);
  reading.config.defaults = merge(std::move(set_here), standard_settings());
  return reading;
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::automatic:
      return "auto";
    case Mode::enforce:
      return "enforce";
    case Mode::observe:
      return "observe";
  }
  std::unreachable();
}

Config::Config() {
  for (const auto& key : number_keys) key.set(*this, key.standard);
}

bool same_tunables(const slo_tunables& a, const slo_tunables& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;  // the padding is a member, always zero
}

bool operator==(const Config& a, const Config& b) {
  return a.mode == b.mode && same_tunables(a.tunables, b.tunables) && a.defaults == b.defaults &&
         a.operator_permille == b.operator_permille && a.shedding == b.shedding && a.strict == b.strict &&
         a.retries == b.retries && a.retry_window_ns == b.retry_window_ns;
}

ConfigReading read_config(const fs::path& root) {
  auto found = find_config_files(root);
  ConfigReading reading = read_in_order(found.files);
  reading.problems.insert(reading.problems.begin(), found.problems.begin(), found.problems.end());
  return reading;
}

ConfigReading read_config_file(const fs::path& file) {
  return read_in_order({file});
}

std::vector<ConfigKey> config_keys() {
  Config config;
  SloSettings set_here;
  std::vector<ConfigKey> keys;
  for (const auto& rule : config_rules(config, set_here).keys) {
    if (!rule.accepted.empty()) keys.push_back({.section = rule.section, .key = rule.key});
  }
  return keys;
}

}  // namespace slo
