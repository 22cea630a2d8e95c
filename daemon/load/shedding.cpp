// SPDX-License-Identifier: GPL-2.0-only
#include "load/shedding.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <ranges>

namespace slo {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t settle_ns = 300'000'000;  // until a change shows in the counters
constexpr std::uint64_t verdict_ns = 1 * second_ns;
constexpr std::uint64_t in_vain_for_ns = 10 * second_ns;
constexpr std::uint64_t most_in_vain_for_ns = 80 * second_ns;
constexpr std::uint64_t least_shed_ns = 1 * second_ns;
constexpr std::uint64_t most_least_shed_ns = 4 * second_ns;
constexpr std::uint64_t soon_again_ns = 10 * second_ns;
constexpr double busy_from = 0.80;
constexpr double busy_until = 0.95;
constexpr double least_use = 0.01;  // CPUs: shedding who uses less helps nobody
constexpr double helped_below = 0.8;

}  // namespace

bool Overload::Recent::suffers() const {
  const double allowed = jobs * now.error_budget;
  return lost_jobs > allowed + 3 * std::sqrt(allowed) + 2;
}

std::vector<Overload::Recent> Overload::recent(std::uint64_t now_ns, std::span<const LoadSample> samples) {
  std::vector<Recent> units;
  for (const auto& sample : samples) {
    History& history = history_[sample.unit];
    history.seen_step = step_;
    const std::size_t at = history.steps % window_steps;
    // The oldest there is: of a full ring, what is overwritten now.
    const std::size_t oldest = history.steps < window_steps ? 0 : at;
    const std::size_t lately = history.steps == 0 ? 0 : (history.steps - 1) % window_steps;
    Recent unit{.now = sample};
    const Counters before = history.ring[oldest];
    const auto cpus_since = [&](std::size_t then) {
      return static_cast<double>(sample.key_exec_ns - history.ring[then].key_exec_ns) /
             static_cast<double>(now_ns - history.at_ns[then]);
    };
    if (history.steps > 0 && sample.jobs >= before.jobs && now_ns > history.at_ns[oldest]) {
      unit.jobs = static_cast<double>(sample.jobs - before.jobs);
      unit.lost_jobs = static_cast<double>(sample.lost_jobs - before.lost_jobs);
      unit.lost_now = static_cast<double>(sample.lost_jobs - history.ring[lately].lost_jobs);
      unit.cpus = cpus_since(oldest);
      unit.cpus_now = cpus_since(lately);
    } else if (history.steps > 0 && sample.jobs < before.jobs) {
      history.steps = 0;  // its counters were cleared
    }
    const std::size_t slot = history.steps % window_steps;
    history.ring[slot] = {sample.jobs, sample.lost_jobs, sample.key_exec_ns};
    history.at_ns[slot] = now_ns;
    ++history.steps;
    units.push_back(std::move(unit));
  }
  return units;
}

// Only the last look is left.
void Overload::History::begin_anew() {
  if (steps == 0) return;
  const std::size_t last = (steps - 1) % window_steps;
  ring[0] = ring[last];
  at_ns[0] = at_ns[last];
  steps = 1;
}

// Those that the step under way has not seen.
void Overload::forget_gone() {
  std::erase_if(history_, [this](const auto& entry) { return entry.second.seen_step != step_; });
  std::erase_if(shed_, [this](const std::string& unit) { return !history_.contains(unit); });
}

// Of units that have their guarantee: lost jobs per job.
double Overload::loss_of_others(const std::vector<Recent>& units) const {
  double jobs = 0;
  double lost = 0;
  for (const auto& unit : units) {
    if (shed_.contains(unit.now.unit)) continue;
    jobs += unit.jobs;
    lost += unit.lost_jobs;
  }
  return jobs > 0 ? lost / jobs : 0;
}

std::string Overload::reason_of(const std::string& victim, const Recent& sufferer) {
  const bool itself = victim == sufferer.now.unit;
  return std::format("{} misses its objective ({:.0f} of {:.0f} jobs lately), and {}",
                     itself ? "it" : sufferer.now.unit, sufferer.lost_jobs, sufferer.jobs,
                     itself ? "others are more important" : "is more important or keeps to its share");
}

std::optional<ShedChange> Overload::shed_one(std::uint64_t now_ns, const std::vector<Recent>& units) {
  // What giving a guarantee back has done is plain at once; what taking one away does is not.
  if (now_ns - shed_ns_ < settle_ns) return {};
  const Recent* sufferer = nullptr;
  const Recent* most_important = nullptr;
  const Recent* victim = nullptr;
  const auto less_important = [](const Recent& a, const Recent& b) {
    return a.now.importance != b.now.importance ? a.now.importance < b.now.importance
                                                : a.excess() > b.excess();
  };
  for (const auto& unit : units) {
    if (shed_.contains(unit.now.unit)) continue;
    if (unit.suffers() && unit.lost_now > 0 && (sufferer == nullptr || less_important(*sufferer, unit)))
      sufferer = &unit;
    if (most_important == nullptr || less_important(*most_important, unit)) most_important = &unit;
  }
  if (sufferer == nullptr) return {};
  for (const auto& unit : units) {
    const History& history = history_.at(unit.now.unit);
    const bool in_vain = history.in_vain_ns != 0 && now_ns - history.in_vain_ns < history.in_vain_for_ns;
    if (&unit == most_important || shed_.contains(unit.now.unit) || in_vain || unit.cpus_now < least_use)
      continue;
    if (victim == nullptr || less_important(unit, *victim)) victim = &unit;
  }
  if (victim == nullptr) return {};
  History& history = history_.at(victim->now.unit);
  const bool again = history.back_ns != 0 && now_ns - history.back_ns < soon_again_ns;
  history.least_ns = again ? std::min(2 * history.least_ns, most_least_shed_ns) : least_shed_ns;
  history.shed_ns = now_ns;
  shed_ns_ = now_ns;
  shed_.insert(victim->now.unit);
  history.loss_before = loss_of_others(units);
  changed_ns_ = now_ns;
  return ShedChange{.unit = victim->now.unit, .shed = true, .reason = reason_of(victim->now.unit, *sufferer)};
}

std::optional<ShedChange> Overload::undo_what_did_not_help(std::uint64_t now_ns,
                                                           const std::vector<Recent>& units) {
  const bool suffering = std::ranges::any_of(
      units, [this](const Recent& unit) { return !shed_.contains(unit.now.unit) && unit.suffers(); });
  if (!suffering) return {};
  for (const auto& unit : shed_) {
    History& history = history_.at(unit);
    const bool due =
        now_ns - history.shed_ns >= verdict_ns && now_ns - history.shed_ns < verdict_ns + settle_ns;
    if (!due || loss_of_others(units) < helped_below * history.loss_before) continue;
    history.in_vain_ns = now_ns;
    history.in_vain_for_ns = std::clamp(2 * history.in_vain_for_ns, in_vain_for_ns, most_in_vain_for_ns);
    history.back_ns = now_ns;
    changed_ns_ = now_ns;
    ShedChange change{.unit = unit, .shed = false, .reason = "shedding it did not help the others"};
    shed_.erase(unit);
    return change;
  }
  return {};
}

// The most important of those that are shed comes back first.
std::optional<ShedChange> Overload::restore_one(std::uint64_t now_ns, const std::vector<Recent>& units,
                                                bool is_over) {
  if (now_ns - changed_ns_ < settle_ns) return {};
  const Recent* best = nullptr;
  for (const auto& unit : units) {
    if (!shed_.contains(unit.now.unit)) continue;
    const History& history = history_.at(unit.now.unit);
    if (now_ns - history.shed_ns < history.least_ns || (unit.suffers() && !is_over)) continue;
    if (best == nullptr || best->now.importance < unit.now.importance) best = &unit;
  }
  if (best == nullptr) return {};
  History& history = history_.at(best->now.unit);
  history.back_ns = now_ns;
  history.in_vain_for_ns = 0;  // this time it helped
  changed_ns_ = now_ns;
  shed_.erase(best->now.unit);
  return ShedChange{.unit = best->now.unit, .shed = false, .reason = "there is room for it again"};
}

std::vector<ShedChange> Overload::step(std::uint64_t now_ns, std::span<const LoadSample> samples,
                                       double capacity) {
  // Looks were rare: what was before the last one is no part of the last second.
  if (now_ns - stepped_ns_ > 2 * step_ns) begin_anew();
  stepped_ns_ = now_ns;
  ++step_;
  const auto units = recent(now_ns, samples);
  forget_gone();
  double cpus = 0;
  double cpus_now = 0;
  for (const auto& unit : units) {
    cpus += unit.cpus;
    cpus_now += unit.cpus_now;
  }
  std::vector<ShedChange> changes;
  const auto take = [&changes](std::optional<ShedChange> change) {
    if (change) changes.push_back(*std::move(change));
  };
  take(undo_what_did_not_help(now_ns, units));
  if (changes.empty() && cpus_now >= busy_from * capacity) take(shed_one(now_ns, units));
  if (changes.empty()) take(restore_one(now_ns, units, cpus < busy_until * capacity));
  // What was before tells nothing about what is now: it is counted from here.
  if (!changes.empty()) begin_anew();
  calm_ = shed_.empty() && std::ranges::none_of(units, [](const Recent& unit) { return unit.lost_jobs > 0; });
  return changes;
}

void Overload::begin_anew() {
  for (auto& history : std::views::values(history_)) history.begin_anew();
}

}  // namespace slo
