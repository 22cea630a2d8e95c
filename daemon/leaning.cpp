// SPDX-License-Identifier: GPL-2.0-only
#include "leaning.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace slo {
namespace {

// In the first it may have begun; what the second shows is what it uses.
constexpr std::uint64_t minutes_to_tell = 2;

}  // namespace

std::string to_sentence(const Leaner& leaner) {
  return std::format(
      "{} used {:.0f}% of a CPU by its budget for a minute; only {:.0f}% are its part of the machine, the "
      "rest "
      "is what other units with budgets leave. To have it kept, add SloReserve={:.0f}% to its [X-Slo]",
      leaner.unit, 100 * leaner.cpus, 100 * leaner.share, std::ceil(100 * leaner.cpus));
}

std::vector<Leaner> Leaning::step(std::uint64_t now_ns, std::span<const LoadSample> samples) {
  std::erase_if(history_, [&samples](const auto& entry) {
    return std::ranges::find(samples, entry.first, &LoadSample::unit) == samples.end();
  });
  std::vector<Leaner> found;
  for (const auto& sample : samples) {
    const auto [entry, is_new] = history_.try_emplace(sample.unit);
    History& history = entry->second;
    if (is_new || sample.key_exec_ns < history.key_exec_ns) {
      history = {.from_ns = now_ns, .key_exec_ns = sample.key_exec_ns, .told_ns = history.told_ns};
      continue;
    }
    if (now_ns - history.from_ns < window_ns) continue;
    const double cpus = static_cast<double>(sample.key_exec_ns - history.key_exec_ns) /
                        static_cast<double>(now_ns - history.from_ns);
    history.minutes = !sample.has_reserve && cpus > sample.share ? history.minutes + 1 : 0;
    const bool was_told = history.told_ns && now_ns - *history.told_ns < silence_ns;
    if (history.minutes == minutes_to_tell && !was_told) {
      history.told_ns = now_ns;
      found.push_back({.unit = sample.unit, .cpus = cpus, .share = sample.share});
    }
    history.from_ns = now_ns;
    history.key_exec_ns = sample.key_exec_ns;
  }
  return found;
}

}  // namespace slo
