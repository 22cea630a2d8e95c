// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "settings/config_problem.h"
#include "settings/slo.h"

namespace slo {

// Mode=: enforce where possible and else observe; enforce or do not start; measure only.
enum class Mode : std::uint8_t { automatic, enforce, observe };
[[nodiscard]] std::string_view to_string(Mode mode);  // "auto", "enforce", "observe"

// The daemon-wide settings of scx-slo.conf(5).
struct Config {
  Mode mode = Mode::automatic;
  slo_tunables tunables{};                     // what the kernel side is loaded with; all members are set
  SloSettings defaults = standard_settings();  // metric and objective, where no unit file says anything
  std::uint64_t operator_permille = 0;         // OperatorReserve=, of one CPU; 0: none
  bool shedding = true;  // Shedding=: under overload the less important lose their guarantee
  bool strict = false;   // Strict=: do not attach where something set on the machine cannot be honoured
  unsigned retries = 3;  // failures within retry_window_ns before giving up
  std::uint64_t retry_window_ns = 600 * SLO_NSEC_PER_SEC;

  Config();
  // Origins count, as `cat` shows them.
  friend bool operator==(const Config&, const Config&);
};
[[nodiscard]] bool same_tunables(const slo_tunables& a, const slo_tunables& b);

struct ConfigReading {
  Config config;
  std::vector<ConfigProblem> problems;
};

// Reads the first scx-slo/scx-slo.conf of etc, run, usr/local/lib and usr/lib under `root`, then
// scx-slo/scx-slo.conf.d/*.conf of all four, sorted by file name; of files with the same name the first in
// that order of directories counts, and one that is empty or a link to /dev/null masks the others. Later
// wins; what is wrong is ignored and reported. No file at all is fine: the defaults hold. Never logs.
[[nodiscard]] ConfigReading read_config(const std::filesystem::path& root);

// One file alone, read with the same rules (a link to /dev/null is fine; a missing file is a problem).
[[nodiscard]] ConfigReading read_config_file(const std::filesystem::path& file);

// The sections and keys that this version honours: "Scheduler", "Mode".
struct ConfigKey {
  std::string section;
  std::string key;
  friend bool operator==(const ConfigKey&, const ConfigKey&) = default;
};
[[nodiscard]] std::vector<ConfigKey> config_keys();

}  // namespace slo
