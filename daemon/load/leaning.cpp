// SPDX-License-Identifier: GPL-2.0-only
#include "load/leaning.h"

#include <cmath>
#include <format>
#include <ranges>

namespace slo {
namespace {

// In the first it may have begun; what the second shows is what it uses.
constexpr std::uint64_t minutes_to_tell = 2;
constexpr std::uint64_t step_ns = 1'000'000'000;
constexpr double margin = 1.05;  // a figure that reads like its part is none

}  // namespace

std::string to_sentence(const Leaner& leaner) {
  return std::format(
      "{} used {:.0f}% of a CPU by its budget for a minute; only {:.0f}% are its part of the machine, "
      "the rest is what other units with budgets leave. To have it kept, add SloReserve={:.0f}% to its "
      "[X-Slo]",
      leaner.unit, 100 * leaner.cpus, 100 * leaner.share, std::ceil(100 * leaner.cpus));
}

std::vector<Leaner> Leaning::step(std::uint64_t now_ns, std::span<const LoadSample> samples,
                                  double capacity) {
  if (now_ns - stepped_ns_ < step_ns) return {};
  stepped_ns_ = now_ns;
  std::vector<Leaner> found;
  for (const auto& sample : samples) {
    const auto [entry, is_new] = history_.try_emplace(sample.unit);
    History& history = entry->second;
    const bool was_away = is_new || now_ns - history.seen_ns > 2 * step_ns;
    history.seen_ns = now_ns;
    if (was_away || sample.key_exec_ns < history.key_exec_ns) {
      history = {.from_ns = now_ns,
                 .key_exec_ns = sample.key_exec_ns,
                 .told_ns = history.told_ns,
                 .seen_ns = now_ns};
      continue;
    }
    if (now_ns - history.from_ns < window_ns) continue;
    const double cpus = static_cast<double>(sample.key_exec_ns - history.key_exec_ns) /
                        static_cast<double>(now_ns - history.from_ns);
    // Who is alone has all there is, and takes it from nobody.
    const bool leans = !sample.has_reserve && sample.share < capacity && cpus > margin * sample.share;
    history.minutes = leans ? history.minutes + 1 : 0;
    history.from_ns = now_ns;
    history.key_exec_ns = sample.key_exec_ns;
    if (history.minutes != minutes_to_tell || history.told_ns) continue;
    history.told_ns = now_ns;
    found.push_back({.unit = sample.unit, .cpus = cpus, .share = sample.share});
  }
  forget(now_ns);
  return found;
}

// Of who is gone it is remembered that it was told, so that one which starts every few minutes is not told
// each time.
void Leaning::forget(std::uint64_t now_ns) {
  for (auto& history : std::views::values(history_))
    if (history.told_ns && now_ns - *history.told_ns >= silence_ns) history.told_ns.reset();
  std::erase_if(history_, [now_ns](const auto& entry) {
    return !entry.second.told_ns && entry.second.seen_ns != now_ns;
  });
}

}  // namespace slo
