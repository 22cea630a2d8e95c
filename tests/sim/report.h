// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "record.h"
#include "workload.h"

// One workload under several schedulers, side by side.
namespace slo::sim {

struct Arm {
  std::string name;
  Record record;
};

[[nodiscard]] std::string text_report(const Workload& workload, std::span<const Arm> arms);
// Times in ns, shares as ratios.
[[nodiscard]] nlohmann::json json_report(const Workload& workload, std::span<const Arm> arms);

// "12.50%", "-" without any.
[[nodiscard]] std::string ratio_text(std::uint64_t part, std::uint64_t all);
// "3.14ms".
[[nodiscard]] std::string ms_text(std::uint64_t time_ns);
// How often a second, on each CPU.
[[nodiscard]] std::uint64_t per_cpu_second(const Record& record, std::uint64_t count);

}  // namespace slo::sim
